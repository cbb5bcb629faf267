"""Pieces hold what json.load holds, wherever the file is cut; where it is no JSON, the place is Python's."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datalint.dataset.coco.stream import Fault, Piece, Section, sections

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)
OBJECTS = st.dictionaries(st.text(), st.lists(VALUES, max_size=8) | VALUES, max_size=6)


def items(data: bytes, chunk: int) -> list[Section | Piece | Fault]:
    return list(sections(io.BytesIO(data), chunk=chunk))


def faults(data: bytes, chunk: int = 64) -> list[Fault]:
    return [each for each in items(data, chunk) if isinstance(each, Fault)]


def put_together(data: bytes, chunk: int) -> dict[str, list[Any]]:
    """Its lists, from their pieces."""
    found: dict[str, list[Any]] = {}
    for item in items(data, chunk):
        assert not isinstance(item, Fault), item
        if isinstance(item, Section) and item.is_list:
            found[item.key] = []
        elif isinstance(item, Piece):
            assert item.first == len(found[item.key])
            assert json.loads(item.whole()) == [json.loads(entry) for entry in item.entries()]
            found[item.key] += map(json.loads, item.entries())
    return found


@settings(max_examples=300, deadline=None)
@given(OBJECTS, st.sampled_from([1, 7, 64, 4096]), st.sampled_from([None, 0, 2]), st.booleans())
@example({"annotations": [{"a": "},{"}, {"b": [{"c": 1}, {"d": "]"}]}]}, 8, None, True)
@example({"images": [{"x": '\\"},{\\"'}, {"y": {}}, {}, []]}, 4, 1, False)
def test_pieces_are_the_lists(value: dict[str, Any], chunk: int, indent: int | None, ascii_: bool) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_).encode("utf-8", "surrogatepass")
    try:
        data.decode()
    except UnicodeDecodeError:
        return
    assert put_together(data, chunk) == {key: each for key, each in value.items() if isinstance(each, list)}


@pytest.mark.parametrize("chunk", [16, 1000, 1 << 18])
@pytest.mark.parametrize("indent", [None, 1, 4])
def test_each_entry_has_its_line(chunk: int, indent: int | None) -> None:
    entries = [{"id": number, "text": "}, {", "list": [number] * 3} for number in range(200)]
    text = json.dumps({"info": {"a": [1, 2]}, "images": entries[:50], "annotations": entries}, indent=indent)
    expected = [line for line, each in enumerate(text.splitlines(), start=1) if each.lstrip() == "{"][1:]
    found = [line for item in items(text.encode(), chunk) if isinstance(item, Piece) for line in item.lines()]
    assert found == (expected if indent else [1] * 250)


@pytest.mark.parametrize("chunk", [8, 1 << 18])
def test_wherever_a_file_is_cut_off_it_is_said(chunk: int) -> None:
    whole = json.dumps({"info": {"year": 2017}, "images": [{"id": 1}, {"id": 2}], "annotations": [{"a": [1.5, "x"]}]})
    for size in range(len(whole)):
        *_, last = faults(whole[:size].encode(), chunk)
        assert (last.kind, last.fatal, last.offset) == ("truncated-json", True, size), whole[:size]
    assert not faults(whole.encode(), chunk)


BROKEN = {
    "a comma too much": '{"images": [{"id": 1}, {"id": 2,}, {"id": 3}]}',
    "no comma": '{"images": [{"id": 1} {"id": 2}, {"id": 3}]}',
    "a comma at the end": '{"images": [{"id": 1}, {"id": 2}, {"id": 3},]}',
    "a single quotation mark": '{"images": [{"id": 1}, {\'id\': 2}, {"id": 3}]}',
    "no value": '{"images": [{"id": 1}, {"id": }, {"id": 3}]}',
    "a word": '{"images": [{"id": 1}, {"id": None}, {"id": 3}]}',
    "a number with a zero": '{"images": [{"id": 1}, {"id": 02}, {"id": 3}]}',
    "a bad escape": '{"images": [{"id": 1}, {"id": "\\x"}, {"id": 3}]}',
    "a line end in a text": '{"images": [{"id": 1}, {"id": "a\nb"}, {"id": 3}]}',
}


@pytest.mark.parametrize("chunk", [16, 1 << 18])
@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_entry_costs_no_other(text: str, chunk: int) -> None:
    with pytest.raises(json.JSONDecodeError) as refused:
        json.loads(text)
    (fault,) = faults(text.encode(), chunk)
    assert (fault.kind, fault.fatal) == ("malformed-json", False)
    # Where Python stops, to one character: of a comma too much it names the comma, or what follows it.
    assert abs(fault.offset - refused.value.pos) <= 1
    entries = [entry for item in items(text.encode(), chunk) if isinstance(item, Piece) for entry in item.entries()]
    assert [entries[0], entries[-1]] == [b'{"id": 1}', b'{"id": 3}']


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "it holds a list"),
        ('"images"', "no object"),
        ('{"images": []} {}', "something follows"),
        ('{"images": [] "annotations": []}', "no comma behind 'images'"),
        ('{"images": [{"id": 1}}', "no comma between two entries"),
        ('{"images": [{"id": [1}]}', "delimiter"),
        ("{images: []}", "a key in quotation marks"),
        ('\ufeff{"images": []}', "byte order mark"),
    ],
)
def test_what_is_wrong_is_said_in_words(text: str, words: str) -> None:
    with pytest.raises(json.JSONDecodeError if text[0] not in '["' else AssertionError):
        # What holds a list is JSON, and pycocotools refuses it (assert type(dataset) == dict).
        assert isinstance(json.loads(text), dict)
    assert words in faults(text.encode())[0].detail


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_another_encoding_is_named(encoding: str) -> None:
    data = '{"images": []}'.encode(encoding)
    (fault,) = faults(data)
    assert fault.detail == f"it is {encoding[:6].upper()}, and JSON is read as UTF-8"
    # pycocotools: json.load(open(name, "r")).
    with pytest.raises(ValueError, match=r"codec can't decode|double quotes|Expecting value"):
        json.loads(data.decode("utf-8"))


def test_zeros_are_no_encoding() -> None:
    assert faults(bytes(99))[0].detail == "it holds no object"


@pytest.mark.parametrize("chunk", [16, 1 << 18])
def test_bytes_that_are_no_utf_8_are_named_with_their_place(chunk: int) -> None:
    data = b'{"images": [{"id": 1},\n {"id": 2, "x": "\xe9"},\n {"id": 3}]}'
    (fault,) = faults(data, chunk)
    assert (fault.kind, fault.line, fault.offset, fault.number) == ("bad-encoding", 2, data.index(b"\xe9"), 1)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_bytes_end_in_order(data: st.DataObject) -> None:
    """Bytes changed, cut out or put in somewhere: no traceback, and what Python refuses is a fault."""
    whole = json.dumps({"images": [{"id": 1, "n": "a\\b"}] * 3, "x": {"y": [1, "z"]}, "annotations": [{"b": [1.5]}]})
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 4)))
    put = data.draw(st.binary(max_size=3) | st.sampled_from([b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"NaN"]))
    changed = whole[:start].encode() + put + whole[end:].encode()
    try:
        accepted = isinstance(json.loads(changed.decode()), dict)
    except (ValueError, RecursionError):
        accepted = False
    for chunk in (8, 1 << 18):
        found = [each for each in faults(changed, chunk) if each.kind != "non-finite-number"]
        assert bool(found) is not accepted, found


@pytest.mark.parametrize("ends", [True, False])
def test_depth_is_no_reason_to_crash(ends: bool) -> None:
    deep = '{"images": [{"id": 1, "x": ' + "[" * 100_000 + ("]" * 100_000 + '}, {"id": 2}]}' if ends else "")
    with pytest.raises((RecursionError, json.JSONDecodeError)):
        json.loads(deep)
    assert [each.kind for each in faults(deep.encode())] == ["malformed-json"]
