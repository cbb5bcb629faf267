"""ImageFolder: `root/class/*.jpg`, or `root/split/class/*.jpg`; below a class, folders nest as loaders walk them.

A folder is read in one of three ways. With a first-level folder whose name means a split (train, val, ...), every
first-level folder that holds folders with images is a split; but one such folder that holds nothing but images,
beside others that do, is a class (`bus`, `car`, `train`). Else, with images in first-level folders, those are the
classes. Else it is an unlabelled folder of images: every file is a sample without a class.
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
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from datalint.source import Source

_POINTER = b"version https://git-lfs.github.com/spec/v1"
# A pointer is at most 1,024 bytes (git-lfs specification).
_POINTER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class _File:
    """A listed file; `folder` is relative to the root, empty in it."""

    entry: Entry
    path: str
    folder: str
    suffix: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a folder stands in the layout."""

    split: str | None
    label: str | None
    junk: bool = False
    """An operating system made it, or one above it."""
    linked: bool = False
    """A symbolic link leads to it from a folder that the loader walks."""


@dataclass(frozen=True, slots=True)
class _Layout:
    splits: Mapping[str, str]
    """First-level folder -> split; empty without splits."""
    labelled: bool

    @property
    def given(self) -> int:
        """Folders that the loader is told or lists itself, before it walks: split and class."""
        return bool(self.splits) + self.labelled


def read(source: Source, *, root: str, reader: str | None = None) -> Dataset:
    """Samples of a folder as a loader (one of layout.LOADERS) lists them; as either framework's, without one."""
    entries = source.entries(root)
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    found = [_file(entry, entry.path[len(prefix) :]) for entry in entries]
    folders = [folder[len(prefix) :] for folder in source.folders(root)]
    links = {folder[len(prefix) :] for folder in source.links(root)}
    suffixes = layout.accepted(reader)
    plan = _plan({file.folder for file in found if file.suffix in layout.KERAS | layout.TORCHVISION}, folders)
    if not plan.labelled and not plan.splits:
        suffixes = layout.IMAGE_LIKE
    files: list[Entry] = []
    samples, skipped, problems = Rows("samples"), Rows("skipped"), Rows("problems")
    odd_entries(entries, problems)
    counts: dict[str, Counter[tuple[str | None, str | None]]] = {name: Counter() for name in layout.LOADERS}
    indices = _indices(plan, folders, reader or "keras")
    images: Counter[str] = Counter()
    places: dict[str, _Place] = {}
    for file in found:
        entry = file.entry
        if entry.kind not in ("file", "missing"):
            continue
        place = places.get(file.folder) or places.setdefault(file.folder, _place(plan, file.folder, links))
        for name, taken in layout.LOADERS.items():
            if file.suffix in taken and place.label is not None and _walks(name, place):
                counts[name][place.split, place.label] += 1
        reason = _reason(source, file, place, plan, suffixes, reader)
        if reason is not None:
            skipped.add(
                path=display(entry.path), suffix=file.suffix, size_bytes=entry.size, reason=reason,
                split=_shown(place.split), label=_shown(place.label),
            )  # fmt: skip
            continue
        samples.add(
            sample_id=len(files), file_id=len(files), path=display(entry.path), split=_shown(place.split),
            label=_shown(place.label), label_index=indices.get((place.split, place.label)),
        )  # fmt: skip
        files.append(entry)
        images[file.folder] += 1
    return Dataset(
        name=name_of(root, source.base),
        format="imagefolder",
        root=display(root),
        manifest=None,
        files=files,
        samples=samples.data(),
        classes=_classes(plan, folders, counts, prefix).data(),
        folders=_folders(plan, folders, Counter(file.folder for file in found), images, prefix).data(),
        skipped=skipped.data(),
        problems=problems.data(),
        assumptions=() if plan.labelled or not files else ("no class folders: images are read without labels",),
    )


def _file(entry: Entry, path: str) -> _File:
    return _File(entry, path, path.rpartition("/")[0], layout.suffix(path))


def _plan(with_images: Collection[str], folders: Sequence[str]) -> _Layout:
    """`with_images`: folders that hold images of any loader directly; `folders`: all, both below the root."""
    first = {folder for folder in folders if "/" not in folder and folder.lower() not in layout.OS_JUNK_FOLDERS}
    above_images = {folder.split("/", 1)[0] for folder in with_images if folder} & first
    named = {folder for folder in first if folder.strip().lower() in layout.SPLITS}
    below = {folder.split("/", 1)[0] for folder in folders if "/" in folder}
    visible = {folder.split("/", 1)[0] for folder in with_images if "/" in folder and "/." not in folder}
    flat = {folder for folder in above_images - visible if folder in with_images and not folder.startswith(".")}
    if named & (above_images | below) and not _class_of_that_name(named, flat, visible):
        splits = _splits(
            folder
            for folder in first
            if folder in named or (folder in above_images & below and not folder.startswith("."))
        )
        classes = any(
            folder.count("/") == 1 and "/." not in folder and folder.split("/", 1)[0] in splits for folder in folders
        )
        return _Layout(splits, labelled=classes)
    return _Layout({}, labelled=any(not name.startswith(".") for name in above_images))


def _class_of_that_name(named: set[str], flat: set[str], visible: set[str]) -> bool:
    """`train` beside `bus` and `car` is a vehicle: one such name, nothing but images in it and in its neighbours.

    `flat` folders hold images directly and only so, `visible` ones in subfolders.
    """
    return not named & visible and len(named & flat) == 1 and bool(flat - named)


def _splits(folders: Iterable[str]) -> dict[str, str]:
    """Folder -> split. Of `val` and `dev` only one is the validation split: the other keeps its own name."""
    found: dict[str, str] = {}
    for folder in sorted(folders, key=lambda name: (name != layout.split_name(name), name)):
        usual = layout.split_name(folder)
        found[folder] = folder if usual in found.values() else usual
    return dict(sorted(found.items()))


def _place(plan: _Layout, folder: str, links: Collection[str] = ()) -> _Place:
    parts = folder.split("/") if folder else []
    junk = any(part.lower() in layout.OS_JUNK_FOLDERS for part in parts)
    linked = any("/".join(parts[:depth]) in links for depth in range(plan.given + 1, len(parts) + 1))
    split = None
    if plan.splits:
        if not parts or parts[0] not in plan.splits:
            return _Place(None, None, junk, linked)
        split = plan.splits[parts[0]]
        parts = parts[1:]
    return _Place(split, parts[0] if plan.labelled and parts else None, junk, linked)


def _walks(loader: str, place: _Place) -> bool:
    """Only torchvision follows links (`followlinks=True`; Keras has `follow_links=False`)."""
    return loader == "torchvision" or not place.linked


def _reason(
    source: Source,
    file: _File,
    place: _Place,
    plan: _Layout,
    suffixes: frozenset[str],
    reader: str | None,
) -> str | None:
    """None for a sample."""
    outside = (plan.labelled and place.label is None) or (plan.splits and place.split is None)
    # A hidden folder is a class to torchvision and ImageDataGenerator; below a class all walk into every folder.
    hidden = place.label is not None and place.label.startswith(".") and reader in (None, "keras")
    if file.suffix not in suffixes or (place.junk and (outside or hidden)):
        reason = layout.skip_reason(file.path)
        if reason in ("documentation", "ignored-suffix") and _is_pointer(source, file.entry):
            return "lfs-pointer"
        return reason
    if outside:
        return "outside-class"
    if hidden:
        return "hidden"
    return "linked-folder" if reader is not None and not _walks(reader, place) else None


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
    """image_dataset_from_directory leaves out folders whose name starts with a dot; the others take every folder."""
    return [item for item in classes if loader != "keras" or not item[0].startswith(".")]


def _indices(plan: _Layout, folders: Sequence[str], loader: str) -> dict[tuple[str | None, str | None], int]:
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
    files: Counter[str],
    samples: Counter[str],
    prefix: str,
) -> Rows:
    """`files` and `samples`: how many lie directly in each folder."""
    below: Counter[str] = Counter()
    for folder, number in samples.items():
        while folder:
            below[folder] += number
            folder = folder.rpartition("/")[0]
    rows = Rows("folders")
    rows.add(
        path=display(prefix.rstrip("/") or "."), name=display(posixpath.basename(prefix.rstrip("/"))) or ".",
        role="root", hidden=False, n_files=files[""], n_images=samples.total(),
    )  # fmt: skip
    depth = 1 if plan.splits else 0
    for folder in folders:
        parts = folder.split("/")
        place = _place(plan, folder)
        if plan.splits and len(parts) == 1 and parts[0] in plan.splits:
            role = "split"
        elif plan.labelled and len(parts) == depth + 1 and (place.split is not None or not plan.splits):
            role = "class"
        else:
            role = "nested"
        rows.add(
            path=display(prefix + folder), name=display(parts[-1]), role=role, split=_shown(place.split),
            label=_shown(place.label), hidden=parts[-1].startswith("."), n_files=files[folder],
            n_images=below[folder],
        )  # fmt: skip
    return rows
