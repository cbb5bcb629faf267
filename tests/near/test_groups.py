"""Groups hold copies of one picture, and no chains."""

from __future__ import annotations

from datalint.near.groups import grouped


def test_copies_of_one_picture_are_one_group() -> None:
    assert grouped([(1, 2), (1, 3), (2, 3), (7, 9)]) == {1: 1, 2: 1, 3: 1, 7: 7, 9: 7}


def test_every_member_is_a_copy_of_the_one_that_names_the_group() -> None:
    chain = [(number, number + 1) for number in range(1, 10)]
    leaders = grouped(chain)
    assert set(leaders) == set(range(1, 11))
    for member, leader in leaders.items():
        assert member == leader or (min(member, leader), max(member, leader)) in chain


def test_the_picture_with_most_copies_names_the_group() -> None:
    assert grouped([(1, 5), (2, 5), (3, 5)]) == {1: 5, 2: 5, 3: 5, 5: 5}


def test_nothing_has_no_groups() -> None:
    assert grouped([]) == {}
