"""The strict loader: what is text stays text, and everything knows its place."""

from __future__ import annotations

import pytest

from datalint.errors import UsageError
from datalint.strict_yaml import MAX_CHARACTERS, MAX_DEPTH, load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("012", "012"),
        ("1_000", "1_000"),
        ("0x1f", "0x1f"),
        ("12:30:45", "12:30:45"),
        ("2020-01-01", "2020-01-01"),
        ("Null", "Null"),
        ("True", "True"),
        (".inf", ".inf"),
        ("1e3", 1000.0),
        ("-1.5", -1.5),
        ("0", 0),
        ("-7", -7),
        ("1" * 31, "1" * 31),
        ("true", True),
        ("~", None),
        ('"1"', "1"),
        ("'true'", "true"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    loaded = load(f"a: {text}\n", "f.yaml").data["a"]
    assert loaded == value
    assert type(loaded) is type(value)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\ufeff"])
def test_empty(text: str) -> None:
    assert load(text, "f.yaml").data is None


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: *b", "1:4", "aliases"),
        ("a: &b c", "1:4", "anchors"),
        ("a: !!python/object:os.system x", "1:4", "tags"),
        ("a: !x y", "1:4", "tags"),
        ("a: 1\nb: 2\na: 3", "3:1", "duplicate key 'a'"),
        ("{a: 1, a: 2}", "1:8", "duplicate key 'a'"),
        ("a: 1\n---\nb: 2", "2:1", "second document"),
        ("[a]: 1", "1:1", "a key must be text"),
        ("{*a : 1}", "1:2", "alias"),
        ("a:\n\t- b", "2:1", "tab"),
        ("a: b: c", "1:5", "mapping values"),
        ("a: [1, 2\nb: 3", "2:", ""),
        ("a: 'b", "1:", ""),
        ("é: \x07", "1:4", "does not allow"),
        ("a: \udcff", "1:4", "does not allow"),
        ("[" * (MAX_DEPTH + 2), f"1:{MAX_DEPTH + 2}", "nested deeper"),
        ("{a: " * 100_000, "1:", "nested deeper"),
        (b"a: b\nc: \xff", "2:4", "not UTF-8"),
        ("a: > 5", "1:6", "needs quotes"),
        ("#" * (MAX_CHARACTERS + 1), "1:1", "longer than 4,000,000 characters"),
    ],
)
def test_refused(text: str | bytes, place: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(text, "f.yaml")
    assert str(caught.value).startswith(f"f.yaml:{place}"), caught.value
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_what_git_could_not_merge_is_called_so() -> None:
    text = "fail_on: error\n<<<<<<< HEAD\ntarget: local\n=======\ntarget: kaggle-p100\n>>>>>>> other\n"
    with pytest.raises(UsageError, match=r"f\.yaml:2:1: the file holds a merge conflict"):
        load(text, "f.yaml")


def test_positions() -> None:
    loaded = load("a:\n  - {b: 1}\n  -  c\n", "f.yaml")
    assert str(loaded.position(("a", 0, "b"))) == "f.yaml:2:9"
    assert str(loaded.position(("a", 0, "b"), key=True)) == "f.yaml:2:6"
    assert str(loaded.position(("a", 1))) == "f.yaml:3:6"
    assert str(loaded.position(("a", 1, "missing", 3))) == "f.yaml:3:6"


def test_what_is_no_text_has_one_place() -> None:
    assert str(load("a: 12\n", "f.yaml").inside(("a",), 1)) == "f.yaml:1:4"


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("a: |\n  one\n  two\n", 5, "3:4"),
        ("a: |2\n    one\n   two\n", 0, "2:3"),
        ("a: |  # why\n\n  one\n", 2, "3:4"),
        ("a: |\r\n  one\r\n  two\r\n", 4, "3:3"),
        ("a: one two", 4, "1:8"),
        ('a: "one two"', 4, "1:9"),
        ('a: "one\\ttwo"', 4, "1:10"),
        ("a: >\n  one\n  two\n", 5, "3:4"),
        ("a: >-  # why\n\n  one\n\n    two\n  three\n", 12, "6:3"),
        ("a: one\n  two\n", 5, "2:4"),
        ("a: one\n\n  two\n", 4, "3:3"),
        ("a: 'it''s\n  one'\n", 2, "1:7"),
        ("a: 'it''s\n  one'\n", 3, "1:9"),
        ("a: 'it''s\n  one'\n", 5, "2:3"),
        ('a: "o\\"e \\x41\\u00e9\\n  two"', 9, "1:24"),
        ('a: "o\\"e \\x41\\u00e9\\n  two"', 4, "1:10"),
        ('a: "one \\\n    two\\\n  \\ three"', 8, "3:5"),
        ('a: "one\n  two"', 7, "2:6"),
        ("a: |\n  one\n  two\n", 8, "3:6"),
        ("b: 1\na: >\n  one  two\n", 5, "3:8"),
    ],
)
def test_places_inside_a_text(text: str, offset: int, place: str) -> None:
    assert str(load(text, "f.yaml").inside(("a",), offset)) == f"f.yaml:{place}"
