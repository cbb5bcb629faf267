"""What is searched, and that a search from memory finds the same."""

from __future__ import annotations

import numpy as np
import pytest

from datalint.near import nominate as module
from datalint.near.hamming import between
from datalint.near.nominate import NARROW, WIDE, Known, Nominees, nominate, packed, unpacked
from datalint.near.turns import TURNS, turned
from tests.near.test_hamming import clustered


def rows(found: Nominees) -> list[tuple[int, ...]]:
    columns = (found.one, found.other, found.turn, found.distance)
    return sorted(zip(*(each.tolist() for each in columns), strict=True))


def brute(hashes: list[int], radius: int, turned_radius: int) -> list[tuple[int, ...]]:
    found = []
    for turn in range(len(TURNS)):
        for one in hashes:
            after = int(turned(np.array([one], np.uint64), turn)[0])
            for other in hashes:
                distance = (after ^ other).bit_count()
                if one < other and distance <= (turned_radius if turn else radius):
                    found.append((one, other, turn, distance))
    return sorted(found)


def some(count: int = 160, seed: int = 1) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """As pictures have them: without the bit of the mean; some are turned copies."""
    hashes = clustered(count, seed) & np.uint64((1 << 63) - 1)
    return np.unique(np.concatenate([hashes, turned(hashes[::9], 5), turned(hashes[::11], 1)]))


def test_pairs_as_they_lie_and_turned_are_found_once() -> None:
    hashes = some()
    found = nominate(hashes)
    expected = brute(hashes.tolist(), WIDE, 5)
    assert rows(found) == expected
    assert found.radius == WIDE
    assert {turn for _, _, turn, _ in expected} >= {0, 1, 5, 6}


def test_what_is_new_is_searched_and_what_is_gone_is_forgotten() -> None:
    hashes = some()
    before, after = hashes[:-25], hashes[10:]
    known = Known(before, nominate(before))
    assert rows(nominate(after, known)) == rows(nominate(after))
    assert rows(nominate(before, known)) == rows(known.nominees)


def test_nothing_is_searched_where_nothing_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = some()
    known = Known(hashes, nominate(hashes))
    asked: list[int] = []

    def counted(*arguments: object, **options: object) -> object:
        asked.append(len(arguments[0]))  # type: ignore[arg-type]
        return between(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "between", counted)
    nominate(hashes[:-1], known)
    assert set(asked) == {0}
    nominate(np.unique(np.append(hashes, np.uint64(12345))), known)
    assert set(asked[len(TURNS) :]) == {1}


def test_those_who_ask_find_all_of_theirs() -> None:
    hashes = some()
    asking = hashes[::5]
    wanted = {row for row in rows(nominate(hashes)) if {row[0], row[1]} & set(asking.tolist())}
    assert set(rows(nominate(hashes, asking=asking))) == wanted


def test_many_pictures_are_compared_within_the_narrow_radius(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = some()
    monkeypatch.setattr(module, "_WIDE_UP_TO", len(hashes) - 1)
    found = nominate(hashes)
    assert found.radius == NARROW
    assert rows(found) == brute(hashes.tolist(), NARROW, 5)


def test_hashes_that_are_all_alike_are_compared_within_fewer_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = np.arange(1 << 9, dtype=np.uint64)
    monkeypatch.setattr(module, "_AT_LEAST", 0)
    monkeypatch.setattr(module, "_PER_HASH", 100)
    found = nominate(hashes)
    assert 0 < found.radius < NARROW
    assert len(found.one) > 0


def test_memory_survives_packing() -> None:
    hashes = some()
    known = Known(hashes, nominate(hashes))
    back = unpacked(packed(known))
    assert back is not None
    assert np.array_equal(back.hashes, hashes)
    assert rows(back.nominees) == rows(known.nominees)
    assert back.nominees.radius == WIDE


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"\0" * 100])
def test_damaged_memory_is_none(content: bytes | None) -> None:
    assert unpacked(content) is None


def test_truncated_memory_is_none() -> None:
    whole = packed(Known(some(), nominate(some())))
    for length in range(0, len(whole), 97):
        assert unpacked(whole[:length]) is None
