"""What only the whole file tells: annotations beside images and categories, and the rows that come of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from datalint.dataset.coco import entries
from datalint.dataset.coco.defects import shown
from datalint.dataset.coco.lists import other_type
from datalint.dataset.coco.told import short
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.dataset.coco.drawings import Drawings
    from datalint.dataset.coco.entries import Category, Id
    from datalint.dataset.coco.lists import Images
    from datalint.dataset.coco.told import Told
    from datalint.dataset.model import Rows


@dataclass(frozen=True, slots=True)
class Joined:
    """The lists of one file, all read."""

    images: Images
    drawings: Drawings
    categories: Mapping[Id, Category]
    told: Told
    all_images: bool
    """Whether the list of images was read to its end."""
    samples: list[int | None]
    """Of each annotation; None where no image that can be used has its id."""

    def judge(self) -> None:
        """Say what does not fit together."""
        self._orphans()
        self._mask_sizes()
        self._keypoint_counts()

    def _orphans(self) -> None:
        if self.categories:
            self._text_categories()
        if not self.all_images:
            return
        by_id = self.images.by_id
        for row, (sample, image_id) in enumerate(zip(self.samples, self.drawings.image_ids, strict=True)):
            if sample is not None or image_id in by_id:
                continue
            id_, line = self.drawings.place(row)
            why = ""
            if other_type(image_id) in by_id:
                why = ", which is text, and the image's id is a number" if isinstance(image_id, str) else (
                    ", which is a number, and the image's id is text"
                )  # fmt: skip
            detail = f"annotation {id_} is of image {short(image_id)}{why or ', and no image has that id'}"
            self.told.add("orphan-annotation", detail, line=line, annotation=id_)

    def _text_categories(self) -> None:
        """Those that are not in the list; what the table has no number for, no rule can tell."""
        for row, category_id in enumerate(self.drawings.category_ids):
            if category_id not in self.categories and _fitting(category_id) is None:
                id_, line = self.drawings.place(row)
                why = ", which is text" if isinstance(category_id, str) else ""
                detail = f"annotation {id_} is of category {short(category_id)}{why}, and no category has that id"
                self.told.add("orphan-annotation", detail, line=line, annotation=id_)

    def _mask_sizes(self) -> None:
        for row, (height, width) in self.drawings.masks.items():
            sample = self.samples[row]
            declared = None if sample is None else self.images.size_of(sample)
            if declared is None or None in declared or declared == (width, height):
                continue
            id_, line = self.drawings.place(row)
            swapped = ": height and width are exchanged" if declared == (height, width) else ""
            detail = (
                f"annotation {id_}: its mask is {width} x {height} pixels and its image "
                f"{declared[0]} x {declared[1]}{swapped}"
            )
            self.told.add("bad-mask", detail, line=line, annotation=id_)

    def _keypoint_counts(self) -> None:
        """A category without names of keypoints says nothing of their number."""
        wanted = {
            id_: len(each.keypoints)
            for id_, each in self.categories.items()
            if each.keypoints is not UNSET and each.keypoints
        }
        if not wanted:
            return
        columns = self.drawings.columns
        for row, category_id in enumerate(self.drawings.category_ids):
            if columns["kind"][row] != "keypoints" or category_id not in wanted:
                continue
            points = columns["points"][row]
            if points is not None and points != wanted[category_id]:
                id_, line = self.drawings.place(row)
                name = self.categories[category_id].name
                detail = f"annotation {id_} has {points} keypoints, and {name!r} has {wanted[category_id]}"
                self.told.add("bad-keypoints", detail, line=line, annotation=id_)

    def classes(self, rows: Rows) -> None:
        """Add the categories, with the images that show them."""
        images: dict[Id, set[int]] = defaultdict(set)
        for sample, category_id in zip(self.samples, self.drawings.category_ids, strict=True):
            if sample is not None:
                images[category_id].add(sample)
        for id_, each in self.categories.items():
            rows.add(
                name=shown(each.name), index=_fitting(id_), split=self.images.found.split, loader="coco",
                n_samples=len(images.get(id_, ())), hidden=False,
            )  # fmt: skip

    def annotations(self, rows: Rows) -> None:
        """Add the annotations."""
        names = {id_: shown(each.name) for id_, each in self.categories.items()}
        numbers = {id_: _fitting(id_) for id_ in self.drawings.interned}
        out, number = rows.columns, len(self.drawings)
        first = len(out["annotation_id"])
        category_ids = self.drawings.category_ids
        columns: dict[str, list[Any]] = {
            # What COCO does not know stays empty until here.
            **{name: column or [None] * number for name, column in self.drawings.columns.items()},
            "annotation_id": list(range(first, first + number)),
            "sample_id": self.samples,
            "category": [names.get(id_) for id_ in category_ids],
            "category_id": [numbers[id_] for id_ in category_ids],
            "normalised": [False] * number,
            "path": [display(self.images.found.path)] * number,
        }
        if self.told.one_line:
            columns["line"] = [None] * number
        for name, column in out.items():
            # The first file's lists become the table's: a copy would be held beside them.
            if first:
                column.extend(columns[name])
            else:
                out[name] = columns[name]


def _fitting(id_: Id) -> int | None:
    return id_ if isinstance(id_, int) and -entries.MAX_ID <= id_ < entries.MAX_ID else None
