"""Which format a path has where nobody says it: by its suffix, or by what lies in the folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from datalint.dataset import layout, split_tables, table_rows
from datalint.dataset.plan import place, plan
from datalint.dataset.table_files import SUFFIXES, tables
from datalint.entry import display
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.source import Source

_AGREE = 0.9
"""Share of rows with their folder's most frequent label from which a table says what the folders say."""
_SHOWN = 3
"""Files that are named where there are too many."""


def detect(
    source: Source,
    root: str,
    *,
    columns: Mapping[str, str],
    files_root: str | None = None,
    splits: Mapping[str, str] | None = None,
) -> tuple[str, str, str]:
    """Format, path, and what the user should know of the choice (else empty).

    A folder with one manifest is that manifest, unless there are class folders: those are what folder loaders read,
    and a table beside them that names fewer than half of their images, has no labels or the same ones is not the
    dataset. So is one whose folders of splits have a table each. `columns`, `files_root` and `splits` are what the user
    says of the manifest.
    """
    suffix = layout.suffix(root)
    if suffix in SUFFIXES and source.read(root) is not None:
        return SUFFIXES[suffix], root, ""
    manifests = tables(source, root)
    found = [] if manifests else split_tables.found(source, root, columns=columns, splits=splits, home=files_root)
    if found and not in_class_folders(source, root):
        return SUFFIXES[layout.suffix(found[0].path)], root, ""
    if len(manifests) != 1:
        return "imagefolder", root, ""
    path, format_ = manifests[0], SUFFIXES[layout.suffix(manifests[0])]
    if not table_rows.names_images(source, path, format_, columns):
        return "imagefolder", root, ""
    in_classes = in_class_folders(source, root)
    if not in_classes:
        return format_, path, ""
    labels = table_rows.labels_by_path(source, path, format_, columns, home=files_root)
    named = {image: label for image, label in labels.items() if image in in_classes}
    if _same_classes(named, in_classes):
        why = f"{path} agrees with the class folders and was not read: as `dataset.path` it is judged itself"
        return "imagefolder", root, why
    said = f"{path} names {len(named):,} of {len(in_classes):,} images in class folders"
    if 2 * len(named) < len(in_classes) or not any(named.values()):
        return "imagefolder", root, f"{said} and was not read: as `dataset.path` it is the dataset"
    left_out = f"{said}: `--format imagefolder` judges the folders instead"
    return format_, path, left_out if len(named) < len(in_classes) else ""


def _same_classes(named: Mapping[str, str | None], folders: Mapping[str, str]) -> bool:
    """Whether a table gives each class folder a label of its own, be it another word (0 for cat)."""
    labels: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    for image, label in named.items():
        labels[folders[image]][label] += 1
    most = [counted.most_common(1)[0] for counted in labels.values()]
    apart = len({label for label, _ in most if label is not None}) == len(labels) > 1
    return apart and sum(number for _, number in most) >= _AGREE * len(named)


def only_manifest(source: Source, root: str, wanted: str) -> str:
    """The one file of that format directly in a folder; raises UsageError where there is none, and for several."""
    found = [path for path in tables(source, root) if SUFFIXES[layout.suffix(path)] == wanted]
    if len(found) > 1:
        named = ", ".join(display(path) for path in found[:_SHOWN])
        words = f"it holds {len(found)} {wanted} files, and one must be named: {named}"
        raise UsageError(f"no manifest {display(root)}: {words}")
    if not found:
        raise UsageError(f"no manifest {display(root)}: it holds no {wanted} file")
    return found[0]


def in_class_folders(source: Source, root: str) -> dict[str, str]:
    """Images in class folders and their classes, of which there are two at least; empty for any other folder."""
    prefix = _prefix(root)
    folders = [folder[len(prefix) :] for folder in source.folders(root)]
    images = {
        entry.path: entry.path[len(prefix) :].rpartition("/")[0]
        for entry in source.entries(root)
        if layout.suffix(entry.path) in layout.KERAS | layout.TORCHVISION
    }
    found = plan(set(images.values()), folders)
    labels = {folder: place(found, folder).label for folder in set(images.values())}
    by_path = {path: labels[folder] or "" for path, folder in images.items()}
    classes = {label for label in by_path.values() if label and not label.startswith(".")}
    return {path: label for path, label in by_path.items() if label in classes} if len(classes) > 1 else {}


def _prefix(root: str) -> str:
    return "" if root in ("", ".") else root.rstrip("/") + "/"
