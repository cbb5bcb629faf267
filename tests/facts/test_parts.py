"""Images inside shards have the facts of the same bytes as files, and are remembered like them."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest

from datalint.entry import Codec, Entry, PartLocator, node_of
from tests.facts.test_gather import LONG_AGO, listing, picture, scan

if TYPE_CHECKING:
    from pathlib import Path

WHAT_BYTES_SAY = ("size_bytes", "format", "width", "height", "status", "phash", "content_id", "content_key")


def shard(home: Path, codec: Codec, *, cut: int = 0) -> list[Entry]:
    """All files below `home` in one file, as its parts."""
    contents = [(home / entry.path).read_bytes() for entry in listing(home)]
    whole = b"".join(contents)
    place = home.parent / f"shard.{codec}"
    place.write_bytes(gzip.compress(whole) if codec == "gzip" else whole)
    if cut:
        place.write_bytes(place.read_bytes()[:-cut])
    os.utime(place, (LONG_AGO, LONG_AGO))
    status, entries, offset = place.stat(), [], 0
    for number, content in enumerate(contents):
        part = PartLocator(str(place), offset, len(content), codec)
        entries.append(Entry(f"shard#{number}", part, "file", len(content), status.st_mtime_ns, node_of(status)))
        offset += len(content)
    return entries


def pictures(home: Path) -> Path:
    for seed in range(40):
        picture(home / f"{seed:03}.{('png', 'jpg')[seed % 2]}", seed % 30)
    return home


@pytest.mark.parametrize("codec", ["plain", "gzip"])
def test_a_record_has_the_facts_of_its_bytes(codec: Codec, tmp_path: Path) -> None:
    home = pictures(tmp_path / "files")
    files, parts = scan(listing(home)).data.columns, scan(shard(home, codec)).data.columns
    for name in WHAT_BYTES_SAY:
        assert parts[name] == files[name], name
    assert parts["path"][3] == "shard#3"
    assert set(parts["suffix"]) == {""}


def test_a_named_record_has_its_suffix(tmp_path: Path) -> None:
    home = pictures(tmp_path / "files")
    [first, *_] = shard(home, "plain")
    assert isinstance(first.locator, PartLocator)
    locator = PartLocator(first.locator.path, 0, first.locator.size, named=True)
    [found] = scan([Entry("a.tar#0001.PNG", locator, "file", first.size)]).data.columns["suffix"]
    assert found == ".png"


@pytest.mark.parametrize("codec", ["plain", "gzip"])
def test_nothing_is_read_again_until_the_shard_changes(codec: Codec, tmp_path: Path) -> None:
    home, cache = pictures(tmp_path / "files"), tmp_path / "cache"
    entries = shard(home, codec)
    assert scan(entries, cache).read == 40
    assert scan(entries, cache).read == 0
    place = tmp_path / f"shard.{codec}"
    os.utime(place, (LONG_AGO + 9, LONG_AGO + 9))
    status = place.stat()
    moved = [Entry(each.path, each.locator, "file", each.size, status.st_mtime_ns, node_of(status)) for each in entries]
    again = scan(moved, cache)
    assert (again.read, again.cached) == (40, 40)


def test_what_cannot_be_decompressed_is_a_row_of_its_own(tmp_path: Path) -> None:
    home = pictures(tmp_path / "files")
    columns = scan(shard(home, "gzip", cut=2_000)).data.columns
    assert columns["status"][0] == "ok"
    assert (columns["status"][39], columns["cause"][39]) == ("unreadable", "io-error")
    assert "decompressed" in str(columns["detail"][39])
