"""The model that the recipe names, read where the run reads everything else."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint import readings
from datalint.config_schema import suggest
from datalint.errors import UsageError

if TYPE_CHECKING:
    from datalint.errors import Position
    from datalint.footprint.model.network import Network
    from datalint.workspace import Workspace

MOST_BYTES = 1 << 30
"""Of a model file that git alone has, weights included: all of it must be unpacked to get at its description."""
FUNCTION_UNREAD = (
    "module:function is measured only by `datalint estimate --dry-run` or `--compile`, and no reading of it holds"
)
_POINTER = b"version https://git-lfs"


def declared(workspace: Workspace, written: str | None, *, asked: bool = False) -> Network | str | None:
    """The network, None where no model is named, or in words why it cannot be read here.

    UsageError, at its place in the configuration, for a name that nobody knows and a file that is no model; `asked`
    says that the command line names it, relative to the configuration as well.
    """
    if written is None:
        return None
    from datalint.footprint.model import load  # only those who name a model pay for it
    from datalint.footprint.model.network import NetworkError

    position = None if asked else workspace.config.position("training", "model")
    key = "--model" if asked else "training.model"
    if not written.lower().endswith(load.FILES):
        if readings.is_function(written):
            return FUNCTION_UNREAD
        return _application(written, key, position)
    path = posixpath.normpath(posixpath.join(workspace.home, written))
    try:
        place = workspace.source.place(path)
        if place is not None:
            with open(place, "rb") as file:
                return load.read(file, name=written)
        content = workspace.source.read(path, limit=MOST_BYTES)
        if content is None:
            if workspace.source.name != "worktree":
                return f"not in the {workspace.source.name}"
            raise UsageError(f"{key}: there is no file {written}", position)
        if content.startswith(_POINTER):
            return "its content was not fetched: run `git lfs pull`"
        if len(content) >= MOST_BYTES:
            return f"larger than {MOST_BYTES >> 30} GiB: declare what `model.to_json()` returns"
        return load.read(content, name=written)
    except OSError as error:
        raise UsageError(f"{key}: cannot read {written}: {error.strerror}", position) from error
    except NetworkError as error:
        raise UsageError(f"{key}: {written}: {error}", position) from error


def description(workspace: Workspace, written: str) -> str:
    """What a file that was `declared` says of its model, for Keras to build it."""
    from datalint.footprint.model import load

    path = posixpath.normpath(posixpath.join(workspace.home, written))
    place = workspace.source.place(path)
    if place is not None:
        with open(place, "rb") as file:
            return load.description(file, name=written).decode()
    return load.description(workspace.source.read(path, limit=MOST_BYTES) or b"", name=written).decode()


def _application(written: str, key: str, position: Position | None) -> Network:
    from datalint.footprint.model import load

    name = load.named(written)
    if name is None:
        hint = suggest(written, load.applications()) or f"files end in {' or '.join(load.FILES)}"
        raise UsageError(f"{key}: no application of Keras is called {written!r}", position, hint)
    return load.application(name)
