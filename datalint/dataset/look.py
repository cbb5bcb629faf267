"""What a folder or a file is taken for where nobody says it, before anything of it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.dataset import formats
from datalint.dataset.detect import detect
from datalint.dataset.inside import Inside, clear_place
from datalint.dataset.listing import listing
from datalint.errors import UnfinishedError, UsageError
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.source import Source


def format_of(
    source: Source, root: str, *, columns: Mapping[str, str] | None = None, files_root: str | None = None
) -> str | None:
    """How `read` takes what it is not told the format of; None where nothing is there, or nothing that it knows."""
    try:
        if not source.entries(root):
            return None
        return layout_of(source, root) or detect(source, root, columns=columns or {}, files_root=files_root)[0]
    except (UsageError, UnfinishedError):
        return None


def layout_of(source: Source, root: str) -> str | None:
    """The layout that `root` has by its look; None where it may be folders of classes or a table."""
    found = listing(source, root)
    recognised = formats.recognise(found)
    if recognised is None:
        return None
    name, clue = recognised
    is_pointer = found.head(clue, len(POINTER)) == POINTER
    if is_pointer and len(formats.recognisers(found)) > 1:
        # A repository of several datasets without its content: each pointer is named, whatever it stands for.
        return None
    if formats.is_read(name):
        return name
    if is_pointer:
        # What git-lfs has not fetched is judged as such.
        return None
    raise UnfinishedError(
        f"{root} looks like {formats.LAYOUTS[name]} ({clue}), which this version does not read: nothing was judged; "
        "--format imagefolder judges it as folders of classes"
    )


def described_by(source: Source, root: str, name: str) -> list[str]:
    """Files that were chosen to say what the images at `root` are, where a folder may hold several such; else empty."""
    if name not in formats.LAYOUTS:
        return []
    found = listing(source, root)
    choose = getattr(formats.load(name), "chosen", None)
    try:
        return [found.path(path) for path in choose(found)] if choose else []
    except UsageError:
        return []


def clearly_inside(source: Source, root: str) -> Inside | None:
    """The folder of classes that a folder of other things clearly holds, as `datalint init` proposes it."""
    inside = clear_place(source, root)
    if inside is None or _hides_more(source, root, inside.root) or format_of(source, root) != "imagefolder":
        return None
    return inside


def _hides_more(source: Source, root: str, found: str) -> bool:
    """Whether something below the root and beside the folder that was found may hold images that are not here."""
    closed = ("submodule", "unreadable-folder")
    names = [entry.path for entry in source.entries(root) if entry.kind in closed]
    return not all(name.startswith(f"{found}/") for name in (*names, *(each.path for each in source.tracked(root))))
