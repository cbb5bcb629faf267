"""The facts of an earlier run as one piece: the same values come back, and nothing else than what the rows say."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

import pytest

from datalint.facts.cache import open_cache
from datalint.facts.database import Database
from datalint.facts.pack import Pack
from datalint.facts.packed import packed, unpacked
from datalint.facts.row import COLUMNS
from tests.facts.test_gather import listing, picture, pictures, scan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VALUES: list[list[object]] = [
    ["png", "jpeg", None, "png"],
    [None, None, None, None],
    [0.0, -0.0, 0.1, 1e300],
    [None, 0.25, math.inf, -0.0],
    [True, False, None, True],
    [1, 2, None, 3],
    [-(1 << 63), (1 << 63) - 1, 0, 7],
    [1 << 63, 1 << 70, 0, None],
    [1, True, 1.0, "1"],
    ["a\nb", 'say "é"', "\udcff", ""],
]


def columns(values: Sequence[Sequence[object]], times: int = 1) -> dict[str, list[object]]:
    """Facts in which every column holds one of the given ones in turn."""
    return {name: list(values[number % len(values)]) * times for number, name in enumerate(COLUMNS)}


@pytest.mark.parametrize("times", [1, 100])
def test_values_and_their_types_come_back(times: int) -> None:
    facts = columns(VALUES, times)
    if times > 1:
        # Too many different numbers for codes.
        facts["width"] = [number % 300 for number in range(4 * times)]
        facts["height"] = [None if number % 7 == 0 else number for number in range(4 * times)]
        facts["detail"] = [f"word {number}" for number in range(4 * times)]
    ids = [f"git:{number}" for number in range(4 * times)]
    found = unpacked(packed(ids, facts))
    assert found is not None
    assert list(found.places) == ids
    nothing: list[object] = [None] * len(ids)
    for name, values in facts.items():
        assert list(map(repr, found.columns.get(name, nothing))) == list(map(repr, values)), name


def test_only_what_is_known_is_kept_and_no_bytes_are() -> None:
    facts = columns(VALUES)
    found = unpacked(packed(["git:a", None, "git:b", None], facts))
    assert found is not None
    assert found.places == {"git:a": 0, "git:b": 1}
    assert found.columns["size_bytes"] == ["png", None]
    nothing = unpacked(packed([None] * 4, facts))
    assert nothing is not None
    assert not nothing.places
    assert packed(["a", "b", "c", "d"], {**facts, "plane": [b"x", None, None, None]}) is None


def test_a_flipped_bit_is_not_believed() -> None:
    content = packed([f"git:{number}" for number in range(4)], columns(VALUES))
    assert content is not None
    for place in (0, 5, len(content) // 2, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 4
        assert unpacked(bytes(damaged)) is None
    assert unpacked(b"") is None
    assert unpacked(None) is None


def test_what_another_program_wrote_is_not_believed_however_its_checksum_agrees() -> None:
    content = packed([f"git:{number}" for number in range(4)], columns(VALUES))
    assert content is not None
    for old, new in (
        (b'"rows": 4', b'"rows": 5'),
        (b'"kind": "few"', b'"kind": "fex"'),
        (b"{", b"["),
        (b"git:3", b"git:2"),
    ):
        body = content[4:].replace(old, new, 1)
        assert body != content[4:]
        assert unpacked(zlib.crc32(body).to_bytes(4, "little") + body) is None, old


@pytest.fixture
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datalint.facts.gather.MANY", 4)


def rows_dropped(folder: Path) -> None:
    with Database(str(folder)) as database:
        database.alter(lambda opened: opened.execute("DELETE FROM facts"))


@pytest.mark.usefixtures("_few_are_many")
def test_a_run_reads_from_the_pack_of_the_last_one(tmp_path: Path) -> None:
    files, cache = pictures(tmp_path / "images"), tmp_path / "cache"
    first = scan(files, cache)
    # Nothing but the pack is left.
    rows_dropped(cache)
    again = scan(files, cache)
    assert (again.cached, again.read) == (8, 0)
    assert again.data.columns == first.data.columns
    assert again.identities == first.identities


@pytest.mark.usefixtures("_few_are_many")
def test_new_gone_and_moved_files_get_their_own_facts(tmp_path: Path) -> None:
    folder, cache = tmp_path / "images", tmp_path / "cache"
    scan(pictures(folder), cache)
    (folder / "000.png").unlink()
    (folder / "003.JPG").rename(folder / "zz.JPG")
    (folder / "001.JPG").write_bytes(b"\xff\xd8 broken")
    picture(folder / "0005.png", 77)
    picture(folder / "a.png", 78)
    with_pack, plain = scan(listing(folder), cache), scan(listing(folder))
    # Those are all that nobody has seen: a file under another name is read to know its content.
    assert with_pack.cached == 6
    assert with_pack.data.columns == plain.data.columns


@pytest.mark.usefixtures("_few_are_many")
def test_without_the_pack_or_with_a_damaged_one_the_rows_serve(tmp_path: Path) -> None:
    files, cache = pictures(tmp_path / "images"), tmp_path / "cache"
    first = scan(files, cache)
    with Database(str(cache)) as database:
        [(content,)] = database.ask("SELECT content FROM kept WHERE name = 'facts'")
        damaged = content[:-1] + bytes([content[-1] ^ 1])
        database.alter(lambda opened: opened.execute("UPDATE kept SET content = ?", (damaged,)))
    again = scan(files, cache)
    assert (again.cached, again.read) == (8, 0)
    assert again.data.columns == first.data.columns


def test_facts_of_another_version_are_not_in_it(tmp_path: Path) -> None:
    ids, facts = ["a", "b", "c", "d"], columns(VALUES)
    with open_cache(str(tmp_path)) as cache:
        Pack(cache, "1", name="facts").renew(ids, facts)
        empty: dict[str, list[object]] = {name: [None] * 4 for name in COLUMNS}
        asked = dict(enumerate(ids))
        assert not Pack(cache, "2", name="facts").copy(asked, empty)
        assert empty["size_bytes"] == [None] * 4
        assert set(Pack(cache, "1", name="facts").copy(asked, empty)) == {0, 1, 2, 3}
        assert list(map(repr, empty["mode"])) == list(map(repr, facts["mode"]))


def test_it_is_written_anew_only_where_much_is_new(tmp_path: Path) -> None:
    def renewed(ids: list[str | None]) -> bool:
        """Whether the next run finds all of them."""
        facts: dict[str, list[object]] = {name: [1] * len(ids) for name in COLUMNS}
        asked = {number: identity for number, identity in enumerate(ids) if identity is not None}
        with open_cache(str(tmp_path)) as cache:
            pack = Pack(cache, "1", name="facts")
            pack.copy(asked, facts)
            pack.renew(ids, facts)
            return set(Pack(cache, "1", name="facts").copy(asked, facts)) == asked.keys()

    many: list[str | None] = [f"git:{number}" for number in range(80)]
    assert renewed([*many, None])
    assert renewed(many[5:])
    assert not renewed([*many, "new"])
    assert not renewed([*many, *(f"new {number}" for number in range(11))])
    assert renewed([*many, *(f"new {number}" for number in range(12))])
