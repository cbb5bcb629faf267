"""What DVC tracks and this machine does not have, as rows of `problems`: one for each output, whatever lies in it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.table_files import SUFFIXES
from datalint.entry import display
from datalint.source.dvc import within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datalint.dataset.model import Dataset
    from datalint.source import Source
    from datalint.source.dvc import Tracked

# Beside a dataset that is here these are models, metrics and plots, unless they look like data.
_DATA = layout.IMAGE_LIKE | layout.ARRAYS | SUFFIXES.keys() | {".tar", ".tgz", ".zip", ".tfrecord", ".json", ".xml", ""}


def tracked(source: Source, root: str, found: Dataset, home: str | None) -> Iterator[Mapping[str, object]]:
    """Kind dvc-missing; dvc-unknown where not even the names of its files are here; dvc-beside for what may be no data;
    dvc-changed, bad-dvc-file.

    A manifest lies beside what it names: of that folder, or `home`, the outputs count that its files are in.
    """
    told = {each.path: each for each in source.tracked(root)}
    named = [entry.path for entry in found.files if entry.kind == "pointer"]
    if found.manifest is not None and named:
        for each in source.tracked(posixpath.dirname(root) or "." if home is None else home):
            if any(within(path, each.path) for path in named):
                told[each.path] = each
    here = len(named) < len(found.files)
    for each in told.values():
        yield {
            "kind": _kind(each, here=here), "path": display(each.path), "manifest": display(each.stage),
            "detail": display(each.detail),
        }  # fmt: skip


def _kind(each: Tracked, *, here: bool) -> str:
    """`here`: whether there is a dataset without it."""
    if each.kind not in ("dvc-missing", "dvc-unmade"):
        return each.kind
    if here and (each.kind == "dvc-unmade" or layout.suffix(each.path) not in _DATA):
        return "dvc-beside"
    return "dvc-unknown" if each.unknown else "dvc-missing"
