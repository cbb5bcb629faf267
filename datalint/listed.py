"""The dataset that the configuration and the command line name, listed and not yet looked at."""

from __future__ import annotations

import os
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint import dataset
from datalint.dataset import croissant, groups, keys
from datalint.dataset.options import Options
from datalint.entry import display
from datalint.errors import NoSamplesError, UnfinishedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.config import Config
    from datalint.dataset import Dataset
    from datalint.dataset.options import Memory
    from datalint.request import Request
    from datalint.workspace import Workspace


def listed(workspace: Workspace, request: Request, *, memory: Memory | None = None) -> Dataset:
    """Samples and classes, without a look into any image; raises UnfinishedError when nothing is there."""
    settings = workspace.config
    images = _of_images(workspace)
    # What the configuration says of its own dataset is not said of another one that the command line names.
    own = workspace.root == posixpath.normpath(posixpath.join(workspace.home, settings.dataset.path))
    try:
        found = dataset.read(
            workspace.source,
            root=workspace.root,
            format=request.format or (settings.dataset.format if own else None) or _format_of_policy(workspace),
            framework=settings.training.framework,
            loader=settings.training.loader,
            columns=settings.dataset.columns,
            splits=settings.dataset.splits if own else None,
            suffix=settings.dataset.suffix if own else None,
            group=settings.dataset.group if own else None,
            files_root=images,
            memory=memory,
            strict=own and request.format is None,
        )
    except UsageError as error:
        raise _placed(error, settings, own=own and request.format is None) from error
    found = croissant.beside(found, workspace.source, workspace.root)
    more = [*_left_out(settings, found.format)] if own and request.format is not None else []
    if found.group_pattern is not None:
        if not found.group_guessed and not workspace.earlier:
            _check_group(found, settings)
        more += groups.notes(found)
    if more:
        found = replace(found, assumptions=(*found.assumptions, *more))
    # Images that nobody has fetched or that the loader passes over, and shards that nobody can read, are findings and
    # not an empty dataset.
    passed = {"lfs-pointer", "ignored-suffix", "outside-class"} & set(found.skipped.columns.get("reason", ()))
    said = len(found.problems) or len(found.shards) or passed or described(found)
    if not len(found.samples) and not said:
        raise nothing(found, workspace)
    return found


def _of_images(workspace: Workspace) -> str | None:
    """`dataset.root` from the source's base, also where it is an absolute path to what lies there."""
    written = workspace.config.dataset.root
    if written is None:
        return None
    root, base = posixpath.normpath(posixpath.join(workspace.home, written)), os.path.realpath(workspace.source.base)
    if not os.path.isabs(root):
        return root
    inside = os.path.relpath(os.path.realpath(root), base).replace(os.sep, "/")
    return root if inside.startswith("../") else inside


def _check_group(found: Dataset, settings: Config) -> None:
    """UsageError for a pattern that takes no group from any path: a slip of the pen would leave its rule silent."""
    if len(found.samples) and not groups.matched(found):
        path = found.samples.columns["path"][0]
        raise UsageError(
            f"dataset.group: no image of {len(found.samples):,} matches {found.group_pattern!r}",
            settings.position("dataset", "group"),
            f"the first one is {path}",
        )


def _left_out(settings: Config, name: str) -> Iterator[str]:
    """What becomes of keys that are said of the configuration's own format, where the command line names another."""
    said = settings.dataset
    options = Options(
        columns=said.columns, files_root=said.root, splits=said.splits, suffix=said.suffix or "", group=said.group
    )
    for key in keys.unused(name, options):
        yield f"--format {name}: dataset.{key} of {settings.file} is not used"


def _format_of_policy(workspace: Workspace) -> str | None:
    """Where nobody names the format, the commit whose policy counts decides on that too."""
    if workspace.policy is None:
        return None
    return workspace.policy.formats(os.path.join(workspace.source.base, workspace.root))[0]


def _placed(error: UsageError, settings: Config, *, own: bool) -> UsageError:
    """The same with the place in the configuration that it is about: what it names, else the format if one is said."""
    way = error.keys or (("dataset", "format") if own and settings.dataset.format else ())
    if error.position or not way:
        return error
    return UsageError(error.message, settings.position(*way), error.hint)


def described(found: Dataset) -> bool:
    """Whether there is only a description, and that was judged."""
    return found.format == "croissant" and not len(found.samples)


def nothing(found: Dataset, workspace: Workspace) -> UnfinishedError:
    """Why there is nothing to judge, and what to do."""
    place = found.manifest or found.root or "."
    kinds = found.problems.columns["kind"]
    if "no-image-feature" in kinds:
        features = found.problems.columns["detail"][kinds.index("no-image-feature")]
        message = f"no feature of the records in {place} holds images, so nothing was judged but the shards: {features}"
        return UnfinishedError(f"{message}; `dataset.columns` can name it as `image`")
    inner = found.problems.columns["path"][kinds.index("submodule")] if "submodule" in kinds else _submodule(workspace)
    if inner is not None:
        message = (
            f"no samples found in {place}: of the submodule {inner} git has the commit alone, so nothing was judged"
        )
        return UnfinishedError(f"{message}; check the work tree, or run datalint in it")
    message = f"no samples found in {place} (read as {found.format}): nothing was judged"
    elsewhere = "; `datalint check PATH` or `dataset.path` names another place"
    return NoSamplesError(f"{message}{_untracked(workspace) or _absent(workspace) or elsewhere}")


def _untracked(workspace: Workspace) -> str:
    """Words for what lies at the root in the work tree and not in the index; empty where nothing does."""
    if workspace.source.name != "index" or workspace.top is None:
        return ""
    from datalint import git

    below = os.path.relpath(os.path.join(workspace.source.base, workspace.root), workspace.top)
    number = git.untracked(workspace.top, below.replace(os.sep, "/"))
    if not number:
        return ""
    lie = "1 file lies" if number == 1 else f"{number:,} files lie"
    hint = "`git add` them, or check without `--staged` (`git check-ignore -v` tells what ignores them)"
    return f"; {lie} there in the work tree that git does not track: {hint}"


def _absent(workspace: Workspace) -> str:
    """Words for submodules at or below the root that the work tree lacks; empty where it lacks none."""
    if workspace.source.name != "worktree":
        return ""
    from datalint.source import submodules

    words = submodules.absent(os.path.join(workspace.source.base, workspace.root))
    return f"; {words}" if words else ""


def _submodule(workspace: Workspace) -> str | None:
    """The one that the root lies in."""
    folder = workspace.root
    while folder := posixpath.dirname(folder):
        entries = workspace.source.entries(folder)
        if len(entries) == 1 and entries[0].kind == "submodule":
            return display(folder)
    return None
