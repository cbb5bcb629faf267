"""The lists `images` and `categories` of one file: samples, sizes and names by id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.coco import entries
from datalint.dataset.coco.defects import shown
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Callable

    from datalint.dataset.coco.entries import Id
    from datalint.dataset.coco.stream import Piece
    from datalint.dataset.coco.told import Told
    from datalint.dataset.model import Rows


@dataclass(frozen=True, slots=True)
class Found:
    """A file as the dataset wants it read: `find` gives file id, path and problems of a name in it."""

    path: str
    """Relative to the source's base."""
    split: str | None
    find: Callable[[str], tuple[int, str, list[tuple[str, str]]]]
    lines: bool = False
    """Whether the lines of samples are lines of the dataset's one manifest."""


@dataclass(slots=True)
class Images:
    """Fills `samples`."""

    found: Found
    samples: Rows
    told: Told
    by_id: dict[Id, int | None] = field(default_factory=dict)
    """Image id -> its sample; None for an image that cannot be used."""
    _sizes: list[tuple[int | None, int | None]] = field(default_factory=list)
    """Stated width and height of each sample of this file."""
    _first: int = field(init=False)

    def __post_init__(self) -> None:
        self._first = len(self.samples.columns["sample_id"])

    def __len__(self) -> int:
        return len(self.samples.columns["sample_id"]) - self._first

    def forget(self) -> None:
        """What an earlier list of that name held."""
        for column in self.samples.columns.values():
            del column[self._first :]
        self.by_id, self._sizes = {}, []

    def size_of(self, sample: int) -> tuple[int | None, int | None]:
        """Stated width and height."""
        return self._sizes[sample - self._first]

    def take(self, piece: Piece) -> None:
        """The next entries."""
        found = entries.all_images(piece.whole())
        if found is None:
            self._odd(piece)
            return
        self.told.keys_of_all(piece, {b'"id"': len(found), b'"file_name"': len(found)})
        for number, (each, line) in enumerate(zip(found, piece.lines(), strict=True), start=piece.first):
            self._image(each, number, line)

    def _odd(self, piece: Piece) -> None:
        for found, data, number, line in self.told.one_by_one(piece, entries.image):
            if found is not None:
                self._image(found, number, line)
            elif (written := entries.written_id(data)) is not None:
                self.by_id.setdefault(other_type(written), None)

    def _image(self, found: entries.Image, number: int, line: int) -> None:
        if isinstance(found.id, str):
            self.told.text_id("image", found.id, line)
        if found.id in self.by_id:
            detail = f"image id {found.id} is given twice: loaders keep the last image of that id"
            self.told.add("duplicate-id", detail, line=line, record=number)
        columns = self.samples.columns
        file_id, path, problems = self.found.find(found.file_name)
        for kind, detail in problems:
            written = path if kind == "missing-file" else found.file_name
            self.told.add(kind, detail, line=line, path=written)
        size = _side(found.width), _side(found.height)
        sample = self.by_id[found.id] = len(self._sizes) + self._first
        self._sizes.append(size)
        columns["sample_id"].append(sample)
        columns["file_id"].append(file_id)
        columns["path"].append(shown(path))
        columns["line"].append(self.told.line(line) if self.found.lines else None)
        columns["declared_width"].append(size[0])
        columns["declared_height"].append(size[1])

    def close(self) -> None:
        """Fill the columns that are the same for all images, or empty."""
        same = {"split": self.found.split, "manifest": display(self.found.path)}
        for name, column in self.samples.columns.items():
            column += [same.get(name)] * (self._first + len(self._sizes) - len(column))


@dataclass(slots=True)
class Categories:
    """By their ids, in the order of the list."""

    told: Told
    by_id: dict[Id, entries.Category] = field(default_factory=dict)

    def forget(self) -> None:
        """What an earlier list of that name held."""
        self.by_id = {}

    def take(self, piece: Piece) -> None:
        """The next entries."""
        for found, _, number, line in self.told.one_by_one(piece, entries.category):
            if found is None:
                continue
            self.told.text_id("category", found.id, line)
            before = self.by_id.get(found.id)
            if before is not None:
                detail = f"category id {found.id} is given to {before.name!r} and to {found.name!r}"
                self.told.add("duplicate-id", f"{detail}: loaders keep the last one", line=line, record=number)
            self.by_id[found.id] = found


def other_type(id_: Id) -> Id:
    """The number that a text may mean, or the other way round."""
    if isinstance(id_, str):
        return int(id_) if id_.isdecimal() and len(id_) < 19 else id_
    return str(id_)


def _side(value: object) -> int | None:
    return value if isinstance(value, int) and abs(value) < entries.MAX_ID else None
