"""What DVC tracks and this machine does not have, as rows of `problems`: one for each output, whatever lies in it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.entry import display
from datalint.source.dvc import within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datalint.dataset.model import Dataset
    from datalint.source import Source


def tracked(source: Source, root: str, found: Dataset, home: str | None) -> Iterator[Mapping[str, object]]:
    """Kind dvc-missing; dvc-unknown where not even the names of its files are here; dvc-changed, bad-dvc-file.

    A manifest lies beside what it names: of that folder, or `home`, the outputs count that its files are in.
    """
    told = {each.path: each for each in source.tracked(root)}
    named = [entry.path for entry in found.files if entry.kind == "pointer"]
    if found.manifest is not None and named:
        for each in source.tracked(posixpath.dirname(root) or "." if home is None else home):
            if any(within(path, each.path) for path in named):
                told[each.path] = each
    for each in told.values():
        kind = "dvc-unknown" if each.unknown else each.kind
        yield {
            "kind": kind, "path": display(each.path), "manifest": display(each.stage), "detail": display(each.detail),
        }  # fmt: skip
