"""What a data.yaml says (Ultralytics): classes, keypoints, and the folders or lists of each split, with their lines.

Read as PyYAML's safe loader reads it, because Ultralytics does; what that loader takes in silence is a problem here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_BYTES = 1 << 19
"""A description with the names of 10,000 classes has 300 KB; PyYAML needs seconds for this much."""
_MAX_CLASSES = 100_000
SPLITS = {"train": "train", "val": "val", "validation": "val", "test": "test", "minival": "minival"}
"""Keys of data.yaml (ultralytics.data.utils.check_det_dataset) -> split."""
# Its loader removes them where they are in the way.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")

_MERGE = "tag:yaml.org,2002:merge"
_BREAK = re.compile("\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Flaw:
    """`kind` as in the table `problems`."""

    kind: str
    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class Place:
    """A folder or list of images as it is written."""

    split: str
    written: str
    line: int
    alone: bool = True
    """The only one of its split: of those in a list Ultralytics does not take the `../` away."""


@dataclass(frozen=True, slots=True)
class Description:
    """`path` is the file's own, from the source's base."""

    path: str
    names: Mapping[int, str] | None = None
    """None where they are unknown."""
    keypoints: tuple[int, int] | None = None
    """Number of keypoints, and numbers of each (`kpt_shape`)."""
    root: str | None = None
    root_line: int = 1
    places: Sequence[Place] = ()
    flaws: Sequence[Flaw] = ()


@dataclass(slots=True)
class _Reading:
    data: dict[Any, Any]
    lines: dict[Any, int]
    """Of each key."""
    item_lines: dict[Any, list[int]]
    """Of the items of each list."""
    flaws: list[Flaw] = field(default_factory=list)

    def flaw(self, kind: str, key: object, detail: str) -> None:
        self.flaws.append(Flaw(kind, self.lines.get(key, 1), detail))

    def refused(self, key: object, detail: str) -> None:
        """What Ultralytics stops at."""
        self.flaw("bad-data-yaml", key, detail)


def looks_like_one(head: bytes, *, name: str = "") -> bool:
    """Whether the first bytes of a YAML file name a split and, unless it is called data.yaml, classes at its top."""
    keys = set(re.findall(rb"^[\"']?(\w+)[\"']?[ \t]*:", head.removeprefix(b"\xef\xbb\xbf"), re.MULTILINE))
    classes = keys & {b"names", b"nc"} or (name in ("data.yaml", "data.yml") and keys >= {b"train", b"val"})
    return bool(classes) and bool(keys & {b"train", b"val", b"validation", b"test"})


def parse(content: bytes, path: str) -> Description:
    """Never raises: what cannot be read is a flaw."""
    if len(content) > MAX_BYTES:
        return Description(path, flaws=[Flaw("bad-data-yaml", 1, f"longer than {MAX_BYTES:,} bytes: not read")])
    text, odd = _text(content)
    try:
        reading = _load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        flaw = Flaw("bad-data-yaml", _Lines(text).of(mark), f"not YAML: {error.problem or error.context}")
        return Description(path, flaws=[*odd, flaw])
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError, TypeError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error).split("\n")[0]
        return Description(path, flaws=[*odd, Flaw("bad-data-yaml", 1, f"not YAML: {reason}")])
    if isinstance(reading, Flaw):
        return Description(path, flaws=[*odd, reading])
    reading.flaws += odd
    places = list(_places(reading))
    names = _names(reading)
    for key in ("train", "val"):
        if key not in reading.data and not (key == "val" and "validation" in reading.data):
            reading.flaws.append(Flaw("bad-data-yaml", 1, f"no key {key!r}: Ultralytics requires train and val"))
    root = reading.data.get("path")
    if root is not None and not isinstance(root, str):
        reading.refused("path", f"path is {_kind(root)}, not text")
        root = None
    keypoints = _keypoints(reading)
    _flips(reading, keypoints)
    return Description(path, names, keypoints, root or None, reading.lines.get("path", 1), places, reading.flaws)


def _text(content: bytes) -> tuple[str, list[Flaw]]:
    """What Ultralytics reads (`errors="ignore"`), and what it has left out."""
    try:
        text, flaws = content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        detail = f"byte 0x{content[error.start]:02x} is not UTF-8 and is dropped without a word"
        text, flaws = content.decode("utf-8-sig", "ignore"), [Flaw("odd-data-yaml", line, detail)]
    found = _FORBIDDEN.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        flaws.append(Flaw("odd-data-yaml", line, f"character U+{ord(found[0][0]):04X} is not allowed in YAML"))
        text = _FORBIDDEN.sub("", text)
    return text, flaws


def _load(text: str) -> _Reading | Flaw:
    loader, line = yaml.SafeLoader(text), _Lines(text).of
    try:
        node = loader.get_single_node()
        if node is None:
            return Flaw("bad-data-yaml", 1, "empty")
        if not isinstance(node, yaml.MappingNode):
            return Flaw("bad-data-yaml", line(node.start_mark), "no mapping of keys to values")
        reading = _Reading({}, {}, {})
        merges = list(_without_merges(node))
        reading.flaws += [Flaw("odd-data-yaml", line(mark), "a merge key (<<) is not followed here") for mark in merges]
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in reading.lines:
                detail = f"the key {key!r} is there twice, and that of line {reading.lines[key]} is not read"
                reading.flaws.append(Flaw("odd-data-yaml", line(key_node.start_mark), detail))
            reading.lines[key] = line(key_node.start_mark)
            if isinstance(value_node, yaml.SequenceNode):
                reading.item_lines[key] = [line(item.start_mark) for item in value_node.value]
        reading.data = loader.construct_document(node)
    finally:
        loader.dispose()
    return reading


def _without_merges(top: yaml.Node) -> Iterator[yaml.Mark]:
    """Where a merge key stood. A few lines of them, each merging the one before ten times, would fill the memory."""
    seen, waiting = {id(top)}, [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            yield from (key.start_mark for key, _ in node.value if key.tag == _MERGE)
            node.value = [pair for pair in node.value if pair[0].tag != _MERGE]
        inside = [each for pair in node.value for each in pair] if isinstance(node, yaml.MappingNode) else node.value
        for each in inside if isinstance(node, yaml.CollectionNode) else ():
            if id(each) not in seen:
                seen.add(id(each))
                waiting.append(each)


class _Lines:
    """Lines as editors count them: to YAML a few rare characters end one too."""

    def __init__(self, text: str) -> None:
        self._starts = [found.end() for found in _BREAK.finditer(text)]

    def of(self, mark: yaml.Mark | None) -> int:
        return 1 + bisect_right(self._starts, mark.index) if mark else 1


def _places(reading: _Reading) -> Iterator[Place]:
    for key, split in SPLITS.items():
        value = reading.data.get(key)
        if key == "validation" and "val" in reading.data:
            continue
        if isinstance(value, str) and value:
            yield Place(split, value, reading.lines[key])
        elif isinstance(value, list):
            lines = reading.item_lines.get(key, [])
            for number, item in enumerate(value):
                line = lines[number] if number < len(lines) else reading.lines[key]
                if isinstance(item, str) and item:
                    yield Place(split, item, line, alone=False)
                else:
                    reading.flaws.append(Flaw("bad-data-yaml", line, f"{key} names {_kind(item)}, not a path"))
        elif value:
            reading.refused(key, f"{key} is {_kind(value)}, not a path or a list of paths")
        elif key in reading.data and split in ("train", "val"):
            reading.refused(key, f"{key} is empty")


def _names(reading: _Reading) -> Mapping[int, str] | None:
    written, count = reading.data.get("names"), _count(reading)
    if written is None:
        if count is None:
            if "nc" not in reading.data:
                reading.flaws.append(Flaw("bad-data-yaml", 1, "neither names nor nc: the classes are unknown"))
            return None
        return {number: f"class_{number}" for number in range(count)}
    if isinstance(written, list):
        items = dict(enumerate(written))
    elif isinstance(written, dict):
        try:
            items = {int(key): value for key, value in written.items()}
        except (TypeError, ValueError, OverflowError):
            reading.refused("names", "a key of names is no number")
            return None
    else:
        reading.refused("names", f"names is {_kind(written)}, not a list or a map")
        return None
    if not items:
        reading.refused("names", "names is empty")
        return None
    if count is not None and count != len(items):
        reading.refused("nc", f"nc is {count:,}, but names has {_many(len(items), 'class', 'classes')}")
    if max(items) >= len(items) or min(items) < 0:
        gap = next(number for number in range(len(items) + 1) if number not in items)
        reading.refused("names", f"names has {_many(len(items), 'class', 'classes')} and none numbered {gap}")
    for number, value in items.items():
        if isinstance(value, bool | list | dict | set) or value is None:
            _misread(reading, number, value)
    # A list may hold itself, or a thousand million others.
    nested = (list, dict, set)
    return {number: _kind(value) if isinstance(value, nested) else str(value) for number, value in items.items()}


def _misread(reading: _Reading, number: int, value: object) -> None:
    lines = reading.item_lines.get("names", [])
    line = lines[number] if 0 <= number < len(lines) else reading.lines.get("names", 1)
    read = _kind(value) if isinstance(value, list | dict | set) else value
    detail = f"YAML reads the name of class {number} as {read}, not as text: write it in quotes"
    reading.flaws.append(Flaw("odd-data-yaml", line, detail))


def _count(reading: _Reading) -> int | None:
    written = reading.data.get("nc")
    if "nc" not in reading.data:
        return None
    try:
        count = int(float(written))  # type: ignore[arg-type]
        if not isinstance(written, bool) and count == float(written) and 0 < count <= _MAX_CLASSES:  # type: ignore[arg-type]
            return count
    except (TypeError, ValueError, OverflowError):
        pass
    reading.refused("nc", f"nc is {_kind(written)}, not a number of classes")
    return None


def _keypoints(reading: _Reading) -> tuple[int, int] | None:
    written = reading.data.get("kpt_shape")
    if written is None:
        return None
    if isinstance(written, list) and len(written) == 2 and all(type(each) is int for each in written):
        number, each = written
        if 0 < number <= 10_000 and each in (2, 3):
            return number, each
    shown = _kind(written)
    if isinstance(written, list) and all(isinstance(each, int | float | str) for each in written):
        shown = f"{written!r:.40}"
    reading.refused("kpt_shape", f"kpt_shape is {shown}, not [number of keypoints, 2 or 3]")
    return None


def _flips(reading: _Reading, keypoints: tuple[int, int] | None) -> None:
    """Which keypoint is which in the mirror (`flip_idx`): asked where there are keypoints, but for its type.

    Of Ultralytics 8.4 check_det_dataset (DATASET_KEY_TYPES) refuses what is no list, v8_transforms another length, and
    numpy what is no index, at the first image that is mirrored. Without numbers nothing is mirrored.
    """
    written = reading.data.get("flip_idx")
    if not isinstance(written, list):
        if written is not None or (keypoints and "flip_idx" in reading.data):
            reading.refused("flip_idx", f"flip_idx is {_kind(written)}, not a list of numbers of keypoints")
        return
    if keypoints is None or not written:
        return
    number, _ = keypoints
    if len(written) != number:
        have = _many(len(written), "number", "numbers")
        reading.refused("flip_idx", f"flip_idx has {have}, but kpt_shape has {_many(number, 'keypoint', 'keypoints')}")
        return
    for each in written:
        if type(each) is not int:
            reading.refused("flip_idx", f"flip_idx names {_kind(each)}, not the number of a keypoint")
        elif not -number <= each < number:
            reading.refused("flip_idx", f"flip_idx names keypoint {each}, but the last of {number} is {number - 1}")
        else:
            continue
        return


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    words = {dict: "a map", list: "a list", set: "a set", bool: "a truth value"}
    return words.get(type(value)) or f"{value!r:.40}"


def _many(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
