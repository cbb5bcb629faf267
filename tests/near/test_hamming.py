"""The search against comparing all with all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from datalint.near import hamming
from datalint.near.hamming import TooAlikeError, between, pairs

if TYPE_CHECKING:
    from datalint.near.hamming import Hashes, Pairs

Told = list[tuple[int, int, int]]


def clustered(count: int, seed: int) -> Hashes:
    """Distinct hashes, most of them some bits away from another one."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 1 << 63, 1 + count // 8, dtype=np.uint64)
    hashes = rng.choice(centres, count)
    for _ in range(10):
        hashes ^= np.where(rng.random(count) < 0.4, np.uint64(1) << rng.integers(0, 64, count, dtype=np.uint64), 0)
    return np.unique(hashes)


def told(found: Pairs) -> Told:
    return sorted(zip(found.left.tolist(), found.right.tolist(), found.distance.tolist(), strict=True))


def all_with_all(queries: Hashes, hashes: Hashes, radius: int) -> Told:
    apart = [[(int(one) ^ int(other)).bit_count() for other in hashes] for one in queries]
    return [(i, j, bits) for i, row in enumerate(apart) for j, bits in enumerate(row) if bits <= radius]


@pytest.fixture(params=["all with all", "tables"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few hashes are compared all with all; here also the way of the many."""
    if request.param == "tables":
        monkeypatch.setattr(hamming, "_FEW", 0)
        monkeypatch.setattr(hamming, "_DENSE", 1_000_000)
        monkeypatch.setattr(hamming, "_ROUND", 8)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("radius", [0, 2, 5, 8, 11])
def test_pairs_are_those_of_comparing_all_each_once(radius: int) -> None:
    hashes = clustered(300, seed=radius)
    expected = [(one, other, bits) for one, other, bits in all_with_all(hashes, hashes, radius) if one < other]
    assert told(pairs(hashes, radius)) == expected
    assert radius < 5 or len(expected) > 10


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("radius", [0, 5, 8, 11])
def test_between_finds_equal_hashes_too(radius: int) -> None:
    hashes = clustered(300, seed=20 + radius)
    queries = np.concatenate([hashes[::7], clustered(40, seed=3)])
    expected = all_with_all(queries, hashes, radius)
    assert told(between(queries, hashes, radius)) == expected
    assert len(expected) >= len(hashes[::7])


@pytest.mark.usefixtures("_way")
def test_hashes_that_share_two_bands_are_all_compared() -> None:
    # Only the highest band differs: the two others put all of them into one bin.
    hashes = (np.arange(1500, dtype=np.uint64) << np.uint64(43)) | np.uint64(5)
    expected = [(one, other, bits) for one, other, bits in all_with_all(hashes, hashes, 1) if one < other]
    assert told(pairs(hashes, 1)) == expected
    assert len(expected) > 5000


@pytest.mark.usefixtures("_way")
def test_none_and_one_have_no_pairs() -> None:
    assert told(pairs(np.empty(0, np.uint64), 8)) == []
    assert told(pairs(np.array([7], np.uint64), 8)) == []
    assert told(between(np.empty(0, np.uint64), np.array([7], np.uint64), 8)) == []


def test_more_pairs_than_allowed_are_refused() -> None:
    hashes = np.arange(256, dtype=np.uint64)
    assert len(told(pairs(hashes, 8, most=256 * 255 // 2))) == 256 * 255 // 2
    with pytest.raises(TooAlikeError):
        pairs(hashes, 8, most=1000)
