"""One annotation file -> rows of samples, annotations and classes: its sections in turn, and how it ends."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.coco.drawings import Drawings
from datalint.dataset.coco.joined import Joined
from datalint.dataset.coco.lists import Categories, Found, Images
from datalint.dataset.coco.stream import CHUNK, Fault, Piece, Section, sections
from datalint.dataset.coco.told import EnoughError, Told
from datalint.dataset.model import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

__all__ = ["SECTIONS", "Found", "Tables", "read_file"]

SECTIONS = ("images", "annotations", "categories")


@dataclass(slots=True)
class Tables:
    """What all files of a dataset fill."""

    samples: Rows = field(default_factory=lambda: Rows("samples"))
    annotations: Rows = field(default_factory=lambda: Rows("annotations"))
    classes: Rows = field(default_factory=lambda: Rows("classes"))
    problems: Rows = field(default_factory=lambda: Rows("problems"))


def read_file(file: BinaryIO, found: Found, tables: Tables, *, chunk: int = CHUNK) -> None:
    """Adds the rows of one file; what keeps it from being read are rows of `problems`."""
    reader = _Reader(found, tables)
    collecting = gc.isenabled()
    # Nothing here refers back to itself, and looking for such among millions of lists takes a fifth of the time.
    gc.disable()
    try:
        for item in sections(file, chunk=chunk):
            reader.take(item)
    except EnoughError:
        reader.stop()
    finally:
        if collecting:
            gc.enable()
    reader.close()


class _Reader:
    def __init__(self, found: Found, tables: Tables) -> None:
        self._tables = tables
        self._told = Told(tables.problems, found.path)
        self._images = Images(found, tables.samples, self._told)
        self._categories = Categories(self._told)
        self._drawings = Drawings(self._told)
        self._lists: Mapping[str, Images | Drawings | Categories] = {
            "images": self._images,
            "annotations": self._drawings,
            "categories": self._categories,
        }
        self._seen: dict[str, bool] = {}
        """Sections that were met, and whether they are a list that was read to its end."""
        self._now: str | None = None
        self._cut_short = False

    def take(self, item: Section | Piece | Fault) -> None:
        """The next item of the file."""
        if isinstance(item, Section):
            self._section(item)
        elif isinstance(item, Fault):
            self._fault(item)
        elif item.key in SECTIONS and len(item):
            self._told.one_line = self._told.one_line and item.lines()[-1:] in ([], [1])
            self._lists[item.key].take(item)

    def stop(self) -> None:
        """Nothing that follows is read."""
        self._now, self._cut_short = None, True

    def _section(self, item: Section) -> None:
        if self._now is not None:
            self._seen[self._now] = True
        self._now = item.key if item.key in SECTIONS else None
        if item.key not in SECTIONS:
            return
        if item.key in self._seen:
            detail = f"`{item.key}` stands twice in it: loaders take the last one and drop the first without a word"
            self._told.of_file("duplicate-section", detail, item.line)
            self._lists[item.key].forget()
        self._seen[item.key] = False
        if not item.is_list:
            self._now = None
            self._told.of_file("missing-section", f"its `{item.key}` are no list", item.line)

    def _fault(self, item: Fault) -> None:
        if item.kind == "non-finite-number":
            if item.key not in SECTIONS:
                where = f"`{item.key}`" + ("" if item.number is None else f" entry {item.number}")
                self._told.of_file(item.kind, f"{where} has {item.detail}", item.line, record=item.number)
            return
        place = f"at byte {item.offset:,}" + (f", line {item.line:,}" if item.line > 1 else "")
        inside = "" if item.key is None else f" in `{item.key}`"
        inside += "" if item.number is None else f", entry {item.number:,} from 0"
        detail = f"{item.detail} {place}{inside}"
        if item.fatal:
            self.stop()
            detail += f": {self._judged()}"
        self._told.of_file(item.kind, detail, item.line, record=item.number)

    def _judged(self) -> str:
        """How much of the file was read before its end."""
        n_images, n = len(self._images), len(self._drawings)
        if not n_images and not n:
            return "nothing of it was judged"
        said = [f"{n_images:,} {'image' if n_images == 1 else 'images'}"] if "images" in self._seen else []
        said += [f"{n:,} {'annotation' if n == 1 else 'annotations'}"] if "annotations" in self._seen else []
        return f"only the {' and '.join(said)} before it were judged"

    def close(self) -> None:
        """Join the lists once all are known."""
        if self._now is not None:
            self._seen[self._now] = True
        self._images.close()
        self._missing_sections()
        if not self._seen.get("categories"):
            # A part of them would make the others unknown.
            self._categories.forget()
        self._told.texts()
        self._drawings.close()
        joined = Joined(
            self._images,
            self._drawings,
            self._categories.by_id,
            self._told,
            self._seen.get("images", False),
            [self._images.by_id.get(image_id) for image_id in self._drawings.image_ids],
        )
        joined.judge()
        joined.classes(self._tables.classes)
        joined.annotations(self._tables.annotations)
        self._told.close()

    def _missing_sections(self) -> None:
        """What an object that was read to its end lacks."""
        if self._cut_short:
            return
        if "images" not in self._seen:
            self._told.add("missing-section", "it has no list `images`")
        if not len(self._drawings):
            return
        if "categories" not in self._seen:
            self._told.add("missing-section", "it has no list `categories`")
        elif self._seen["categories"] and not self._categories.by_id:
            self._told.add("missing-section", "its list `categories` is empty")
