"""How what is wrong in one file is said: with its line where that tells anything, and not a million times."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from datalint.dataset.coco import entries
from datalint.dataset.coco.defects import Defects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from datalint.dataset.coco.entries import Defect, Id
    from datalint.dataset.coco.stream import Piece
    from datalint.dataset.model import Rows

MAX_UNUSABLE = 100_000
"""Entries without which a file is read; behind them it is not worth the time."""
_KEYS = {
    "images": (b'"id"', b'"file_name"', b'"width"', b'"height"'),
    "annotations": (
        b'"id"', b'"image_id"', b'"category_id"', b'"bbox"', b'"area"', b'"iscrowd"', b'"segmentation"',
        b'"keypoints"', b'"num_keypoints"',
    ),
    "categories": (b'"id"', b'"name"', b'"keypoints"', b'"supercategory"'),
}  # fmt: skip

_NOUNS = {"images": "image", "annotations": "annotation", "categories": "category"}
T = TypeVar("T", entries.Image, entries.Annotation, entries.Category)


class EnoughError(Exception):
    """So much is wrong that the rest is not read."""


class Told:
    """Rows of `problems`; `one_line` as long as the file is one line, whose number tells nobody anything."""

    def __init__(self, problems: Rows, path: str) -> None:
        self.one_line = True
        self._defects = Defects(problems, path)
        self._unusable = 0
        self._texts: dict[str, tuple[str, int]] = {}
        """What -> the first id that is text, and its line."""
        self._text_counts: dict[str, int] = defaultdict(int)

    def line(self, line: int) -> int | None:
        """None where the file is one line so far."""
        return None if self.one_line else line

    def add(
        self,
        kind: str,
        detail: str,
        *,
        line: int | None = None,
        annotation: str | None = None,
        record: int | None = None,
        path: str | None = None,
    ) -> None:
        """One problem, in the line of an entry."""
        place = None if line is None else self.line(line)
        self._defects.add(kind, detail, line=place, annotation=annotation, record=record, path=path)

    def of_file(self, kind: str, detail: str, line: int, *, record: int | None = None) -> None:
        """One that is about the file itself: its line is told whatever it is."""
        self._defects.add(kind, detail, line=line, record=record)

    def of_entry(
        self,
        defects: Sequence[Defect],
        name: str,
        line: int,
        *,
        annotation: str | None = None,
        record: int | None = None,
    ) -> None:
        """Those of one entry, which is called `name`."""
        for kind, detail in defects:
            self.add(kind, f"{name} {detail}", line=line, annotation=annotation, record=record)

    def one_by_one(
        self, piece: Piece, parse: Callable[[bytes], tuple[T | None, Sequence[Defect]]]
    ) -> Iterator[tuple[T | None, bytes, int, int]]:
        """Entries with their bytes, number and line, after what is wrong with each was said; None for a useless one."""
        for number, (data, line) in enumerate(zip(piece.entries(), piece.lines(), strict=True), start=piece.first):
            self.keys(piece.key, data, number, line)
            found, defects = parse(data)
            if defects:
                # Annotations are told apart by what is written, also where nothing can be made of it.
                annotation = entries.written_id(data) if piece.key == "annotations" else None
                id_ = annotation if piece.key == "annotations" or found is None else found.id
                name = f"{_NOUNS[piece.key]} {f'entry {number}' if id_ is None else id_}"
                self.of_entry(defects, name, line, annotation=annotation, record=number)
            if found is None:
                self._useless()
            yield found, data, number, line

    def _useless(self) -> None:
        """An entry that cannot be used; raises EnoughError for the last that is worth reading."""
        self._unusable += 1
        if self._unusable >= MAX_UNUSABLE:
            self.add("malformed-json", f"{MAX_UNUSABLE:,} entries cannot be used: the rest of the file was not judged")
            raise EnoughError

    def keys_of_all(self, piece: Piece, counts: Mapping[bytes, int]) -> None:
        """Keys that stand twice, of a whole piece: so often does each stand in it if none stands twice."""
        body = piece.whole()
        if body.count(b":") == sum(counts.values()) or all(body.count(key) == n for key, n in counts.items()):
            return
        for number, (data, line) in enumerate(zip(piece.entries(), piece.lines(), strict=True), start=piece.first):
            self.keys(piece.key, data, number, line)

    def keys(self, section: str, data: bytes, number: int, line: int) -> None:
        """The same of one entry: a look at the bytes tells almost always that there are none."""
        if not any(data.count(key) > 1 for key in _KEYS[section]):
            return
        written = entries.written_id(data)
        name = f"{_NOUNS[section]} {f'entry {number}' if written is None else written}"
        annotation = written if section == "annotations" else None
        for key in entries.repeated_keys(data):
            detail = f"{name} has the key `{key}` twice"
            self.add("repeated-key", detail, line=line, record=number, annotation=annotation)

    def text_id(self, what: str, value: Id, line: int) -> None:
        """Counted where it is text."""
        if isinstance(value, str):
            self._text_counts[what] += 1
            self._texts.setdefault(what, (value, line))

    def texts(self) -> None:
        """Say of each kind of ids how many are text."""
        for what, number in self._text_counts.items():
            value, line = self._texts[what]
            many = "1 id" if number == 1 else f"{number:,} ids"
            of = {"image": " of images", "annotation": " of annotations", "category": " of categories"}
            said = f"{many}{of[what]}" if what in of else f"{number:,} `{what}`"
            verb = "is" if number == 1 else "are"
            self.add("text-id", f"{said} {verb} text such as {value!r}", line=line)

    def close(self) -> None:
        """Say how many were not listed."""
        self._defects.close()


def short(id_: Id) -> str:
    """An id in a message."""
    return repr(id_) if isinstance(id_, str) or abs(id_) < entries.MAX_ID else "that no 64 bits hold"
