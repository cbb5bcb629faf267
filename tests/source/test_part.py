"""Records inside larger files are read as they are, whatever the file is packed with."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import pytest

from datalint.entry import Codec, PartLocator
from datalint.source.part import PartReader

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = bytes(range(256)) * 20_000


def packed(home: Path, codec: Codec, content: bytes = CONTENT) -> str:
    place = home / f"records.{codec}"
    data = {"plain": content, "gzip": gzip.compress(content), "zlib": zlib.compress(content)}[codec]
    place.write_bytes(data)
    return str(place)


@pytest.mark.parametrize("codec", ["plain", "gzip", "zlib"])
def test_parts_are_read_forwards_and_backwards(codec: Codec, tmp_path: Path) -> None:
    reader, place = PartReader(), packed(tmp_path, codec)
    for offset, size in ((0, 7), (3_000_001, 1_500_000), (5, 300), (len(CONTENT) - 1, 1)):
        assert reader.read(PartLocator(place, offset, size, codec)) == CONTENT[offset : offset + size]


@pytest.mark.parametrize("codec", ["plain", "gzip", "zlib"])
def test_a_part_beyond_the_end_is_as_short_as_the_file(codec: Codec, tmp_path: Path) -> None:
    part = PartLocator(packed(tmp_path, codec), len(CONTENT) - 2, 10, codec)
    assert PartReader().read(part) == CONTENT[-2:]


@pytest.mark.parametrize("codec", ["gzip", "zlib"])
def test_a_file_that_stops_is_an_error_behind_its_end_only(codec: Codec, tmp_path: Path) -> None:
    place = tmp_path / "whole"
    place.write_bytes((tmp_path / packed(tmp_path, codec).rpartition("/")[2]).read_bytes()[:-3000])
    reader = PartReader()
    with pytest.raises(OSError, match="decompressed"):
        reader.read(PartLocator(str(place), len(CONTENT) - 100, 100, codec))
    assert reader.read(PartLocator(str(place), 4, 8, codec)) == CONTENT[4:12]


def test_a_file_that_is_gone_is_an_oserror(tmp_path: Path) -> None:
    for codec in ("plain", "gzip", "zlib"):
        with pytest.raises(FileNotFoundError):
            PartReader().read(PartLocator(str(tmp_path / "none"), 0, 1, codec))
