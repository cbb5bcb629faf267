"""The remembered answer is that of the very same pictures, or none."""

from __future__ import annotations

import zlib

import pytest

from datalint.finding import NotChecked
from datalint.near import answered
from datalint.near.units import Found, Units

FOUND = Found([(0, 3, 8, 0.9834, None, 0), (1, 2, 0, 1.0, "mirrored", None)], ["only the nearest"], [])
UNITS = Units([0, 1], [5, -7], [0, 1], [11, 12])


def test_what_is_packed_comes_back() -> None:
    assert answered.unpacked(answered.packed(FOUND)) == FOUND
    empty = Found([], [], [])
    assert answered.unpacked(answered.packed(empty)) == empty


def test_an_answer_with_gaps_is_not_remembered() -> None:
    assert answered.packed(FOUND._replace(not_checked=[NotChecked("near duplicates", "3 pictures")])) is None


@pytest.mark.parametrize(
    "units",
    [
        UNITS._replace(files=[1, 0]),
        UNITS._replace(hashes=[5, -6]),
        UNITS._replace(splits=[0, 0]),
        UNITS._replace(contents=[11, 11]),
        Units(*(column[:1] for column in UNITS)),
    ],
)
def test_other_pictures_have_another_key(units: Units) -> None:
    known = answered.key(UNITS, ["a", "b"], "1")
    assert known
    assert known == answered.key(Units(*(list(column) for column in UNITS)), ["a", "b"], "1")
    assert answered.key(units, ["a", "b"], "1") != known


def test_other_contents_and_versions_have_another_key() -> None:
    keys = {answered.key(UNITS, *case) for case in ((["a", "b"], "1"), (["a", "c"], "1"), (["a", "b"], "2"))}
    assert len(keys) == 3


def test_pictures_whose_content_is_not_sure_have_no_key() -> None:
    assert answered.key(UNITS, ["a", None], "1") is None


def test_a_flipped_bit_is_no_other_number() -> None:
    content = answered.packed(FOUND)
    assert content
    for place in range(len(content)):
        damaged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert answered.unpacked(damaged) is None


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[",
        b"{}",
        b"null",
        b"[[], [], []]",
        b"[[], [5]]",
        b"[[7], []]",
        b"[[[0, 1]], []]",
        b'[[[0, 1, 2, "0.99", null, null]], []]',
        b"[[[0, 1, 2, 0.99, 4, null]], []]",
    ],
)
def test_other_documents_are_no_answer(document: bytes) -> None:
    assert answered.unpacked(zlib.crc32(document).to_bytes(4, "big") + document) is None


def test_nothing_is_no_answer() -> None:
    assert answered.unpacked(None) is None
    assert answered.unpacked(b"") is None
