"""What a verdict was read from: it stands as long as nothing of that changes."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint import braces, git
from datalint import config as configuration
from datalint.source.dvc import stages_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datalint.dataset import Dataset
    from datalint.tables import Data
    from datalint.workspace import Workspace


def read_from(workspace: Workspace, found: Dataset, locked: Data, built_from: Iterable[str]) -> tuple[str, ...]:
    """Paths in the repository: dataset, configuration, rules, model, baseline, lock.

    `built_from` are files, relative to the configuration, that a measured model was built from. All of the repository
    where nobody names the dataset, where a manifest names images anywhere, where a symbolic link, a data.yaml or an
    annotation leads out of the dataset, where a difference from another commit's policy is told, and where a locked
    file is missing: what git ignores is not, and any .gitignore may say so.
    """
    if (
        workspace.policy
        or workspace.searched
        or found.manifest
        or found.leads_out
        or "missing" in locked.columns.get("status", ())
        or _lie_outside(found, workspace.root)
        or (workspace.top is not None and git.has_links(workspace.top))
    ):
        return (".",)
    settings, home = workspace.config, workspace.home
    base = posixpath.relpath(workspace.source.base, workspace.top or workspace.source.base)
    beside = (*configuration.FILES, settings.baseline, settings.lock, *settings.rules.paths)
    named = (*filter(None, (settings.file, settings.dataset.root, settings.training.model)), *built_from)
    stages = stages_of(entry.path for entry in workspace.source.entries("."))
    paths = (
        braces.place(workspace.root),
        *stages,
        *(posixpath.join(home, name) for name in (*beside, *named)),
    )
    return tuple(posixpath.normpath(posixpath.join(base, path)) for path in paths)


def _lie_outside(found: Dataset, root: str) -> bool:
    """Whether an annotation names an image or a mask that does not lie below the root."""
    place = posixpath.normpath(braces.place(root))
    start = "" if place == "." else f"{place}/"
    paths = (entry.path for entry in (*found.files, *found.masks))
    return any(not path.startswith(start) or path.startswith("../") for path in paths if path != place)
