"""ImageFolder: `root/class/*.jpg`, or `root/split/class/*.jpg`; below a class, folders nest as loaders walk them.

A folder is read in one of three ways. With a first-level folder whose name means a split (train, val, ...), every
first-level folder that holds images is a split. Else, with images in first-level folders, those are the classes.
Else it is an unlabelled folder of images: every file is a sample without a class.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.model import Dataset, Rows, name_of, odd_entries
from datalint.entry import Entry, display

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datalint.source import Source

_POINTER = b"version https://git-lfs.github.com/spec/v1"
# A pointer is at most 1,024 bytes (git-lfs specification).
_POINTER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file stands in the layout; `nested` when folders lie between it and its class."""

    split: str | None
    label: str | None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class _Layout:
    splits: Mapping[str, str]
    """First-level folder -> split; empty without splits."""
    labelled: bool


def read(source: Source, *, root: str, framework: str | None = None) -> Dataset:
    """Samples of a folder as the declared framework's loader would list them (any loader's, without one)."""
    entries = source.entries(root)
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    found = [(entry, entry.path[len(prefix) :]) for entry in entries]
    folders = [folder[len(prefix) :] for folder in source.folders(root)]
    suffixes = layout.accepted(framework)
    plan = _plan([path for _, path in found], folders)
    if not plan.labelled and not plan.splits:
        suffixes = layout.IMAGE_LIKE
    files: list[Entry] = []
    samples, skipped, problems = Rows("samples"), Rows("skipped"), Rows("problems")
    odd_entries(entries, problems)
    placed: list[_Place] = []
    counts: dict[str, Counter[tuple[str | None, str | None]]] = {name: Counter() for name in layout.LOADERS}
    indices = _indices(plan, folders, torchvision=framework == "pytorch")
    for entry, path in found:
        if entry.kind not in ("file", "missing"):
            continue
        place, suffix = _place(plan, path), layout.suffix(path)
        for name, taken in layout.LOADERS.items():
            if suffix in taken and place.label is not None:
                counts[name][place.split, place.label] += 1
        reason = _reason(source, entry, path, place, plan, suffix, suffixes, framework)
        if reason is not None:
            skipped.add(
                path=display(entry.path), suffix=suffix, size_bytes=entry.size, reason=reason,
                split=_shown(place.split), label=_shown(place.label),
            )  # fmt: skip
            continue
        samples.add(
            sample_id=len(files), file_id=len(files), path=display(entry.path), split=_shown(place.split),
            label=_shown(place.label), label_index=indices.get((place.split, place.label)),
        )  # fmt: skip
        files.append(entry)
        placed.append(place)
    return Dataset(
        name=name_of(root, source.base),
        format="imagefolder",
        root=display(root),
        manifest=None,
        files=files,
        samples=samples.data(),
        classes=_classes(plan, folders, counts, prefix).data(),
        folders=_folders(plan, folders, found, placed, prefix, suffixes).data(),
        skipped=skipped.data(),
        problems=problems.data(),
        assumptions=() if plan.labelled or not files else ("no class folders: images are read without labels",),
    )


def _plan(paths: Sequence[str], folders: Sequence[str]) -> _Layout:
    image_paths = [path for path in paths if layout.suffix(path) in layout.KERAS | layout.TORCHVISION]
    first = {folder for folder in folders if "/" not in folder}
    with_images = {path.split("/", 1)[0] for path in image_paths if "/" in path}
    named = {folder for folder in first if folder.strip().lower() in layout.SPLITS}
    below = {folder.split("/", 1)[0] for folder in folders if "/" in folder}
    if named and (named & (with_images | below)):
        splits = {
            folder: layout.split_name(folder)
            for folder in sorted(first)
            if folder in named or (folder in with_images & below and not folder.startswith("."))
        }
        deep = any(path.count("/") >= 2 and path.split("/", 1)[0] in splits for path in image_paths)
        classes = any(folder.count("/") == 1 and folder.split("/", 1)[0] in splits for folder in folders)
        return _Layout(splits, labelled=deep or classes)
    return _Layout({}, labelled=any(not name.startswith(".") for name in with_images))


def _place(plan: _Layout, path: str) -> _Place:
    parts = path.split("/")
    folders = parts[:-1]
    split = None
    if plan.splits:
        if not folders or folders[0] not in plan.splits:
            return _Place(None, None, hidden=_hidden(folders))
        split = plan.splits[folders[0]]
        folders = folders[1:]
    label = folders[0] if plan.labelled and folders else None
    return _Place(split, label, hidden=_hidden(folders))


def _hidden(folders: Iterable[str]) -> bool:
    return any(folder.startswith(".") for folder in folders)


def _reason(
    source: Source,
    entry: Entry,
    path: str,
    place: _Place,
    plan: _Layout,
    suffix: str,
    suffixes: frozenset[str],
    framework: str | None,
) -> str | None:
    """None for a sample."""
    junk_folder = any(part.lower() in layout.OS_JUNK_FOLDERS for part in path.split("/")[:-1])
    if suffix not in suffixes or junk_folder:
        reason = layout.skip_reason(path)
        if reason in ("documentation", "ignored-suffix") and _is_pointer(source, entry):
            return "lfs-pointer"
        return reason
    # Only torchvision walks into folders whose name starts with a dot.
    if place.hidden and framework != "pytorch":
        return "hidden"
    outside = (plan.labelled and place.label is None) or (plan.splits and place.split is None)
    return "outside-class" if outside else None


def _is_pointer(source: Source, entry: Entry) -> bool:
    if entry.size is None or not len(_POINTER) <= entry.size <= _POINTER_BYTES:
        return False
    content = source.read(entry.path)
    return content is not None and content.startswith(_POINTER)


def _shown(text: str | None) -> str | None:
    return None if text is None else display(text)


def _class_folders(plan: _Layout, folders: Sequence[str]) -> dict[str | None, list[tuple[str, str]]]:
    """Split -> (class, its folder below the root), in the order of every loader: sorted names."""
    found: dict[str | None, list[tuple[str, str]]] = {split: [] for split in plan.splits.values()} or {None: []}
    if not plan.labelled:
        return found
    depth = 1 if plan.splits else 0
    for folder in folders:
        parts = folder.split("/")
        if len(parts) == depth + 1 and (not plan.splits or parts[0] in plan.splits):
            found[plan.splits[parts[0]] if plan.splits else None].append((parts[-1], folder))
    return {split: sorted(classes) for split, classes in found.items()}


def _loader_classes(classes: Sequence[tuple[str, str]], loader: str) -> list[tuple[str, str]]:
    """Keras leaves out folders whose name starts with a dot; torchvision takes every folder."""
    return [item for item in classes if loader == "torchvision" or not item[0].startswith(".")]


def _indices(plan: _Layout, folders: Sequence[str], *, torchvision: bool) -> dict[tuple[str | None, str | None], int]:
    loader = "torchvision" if torchvision else "keras"
    return {
        (split, name): index
        for split, classes in _class_folders(plan, folders).items()
        for index, (name, _) in enumerate(_loader_classes(classes, loader))
    }


def _classes(
    plan: _Layout,
    folders: Sequence[str],
    counts: Mapping[str, Counter[tuple[str | None, str | None]]],
    prefix: str,
) -> Rows:
    rows = Rows("classes")
    for split, classes in _class_folders(plan, folders).items():
        for loader in layout.LOADERS:
            for index, (name, folder) in enumerate(_loader_classes(classes, loader)):
                rows.add(
                    name=display(name), index=index, split=_shown(split), loader=loader,
                    n_samples=counts[loader][split, name], directory=display(prefix + folder),
                    hidden=name.startswith("."),
                )  # fmt: skip
    return rows


def _folders(
    plan: _Layout,
    folders: Sequence[str],
    found: Sequence[tuple[Entry, str]],
    placed: Sequence[_Place],
    prefix: str,
    suffixes: frozenset[str],
) -> Rows:
    direct: Counter[str] = Counter()
    images: Counter[str] = Counter()
    for _, path in found:
        folder = posixpath.dirname(path)
        direct[folder] += 1
        if layout.suffix(path) in suffixes:
            while folder:
                images[folder] += 1
                folder = posixpath.dirname(folder)
    rows = Rows("folders")
    rows.add(
        path=display(prefix.rstrip("/") or "."), name=display(posixpath.basename(prefix.rstrip("/"))) or ".",
        role="root", hidden=False, n_files=direct[""], n_images=len(placed),
    )  # fmt: skip
    depth = 1 if plan.splits else 0
    for folder in folders:
        parts = folder.split("/")
        place = _place(plan, folder + "/x")
        if plan.splits and len(parts) == 1 and parts[0] in plan.splits:
            role = "split"
        elif plan.labelled and len(parts) == depth + 1 and (place.split is not None or not plan.splits):
            role = "class"
        else:
            role = "nested"
        rows.add(
            path=display(prefix + folder), name=display(parts[-1]), role=role, split=_shown(place.split),
            label=_shown(place.label), hidden=parts[-1].startswith("."), n_files=direct[folder],
            n_images=images[folder],
        )  # fmt: skip
    return rows
