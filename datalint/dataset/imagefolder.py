"""ImageFolder: `root/class/*.jpg`, or `root/split/class/*.jpg`; below a class, folders nest as loaders walk them."""

from __future__ import annotations

import posixpath
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from datalint.dataset import layout, timm
from datalint.dataset.model import Dataset, Rows, name_of, odd_entries
from datalint.dataset.plan import place as place_of
from datalint.dataset.plan import plan as plan_folders
from datalint.dataset.splits import SPLITS, meaning, split_name
from datalint.entry import Entry, display
from datalint.errors import UsageError
from datalint.source.lfs import POINTER, POINTER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.dataset.plan import Layout, Place
    from datalint.source import Source

_ClassKey = tuple[str | None, str | None]
"""Split and label."""
_PNG = b"\x89PNG\r\n\x1a\n"
_SIGNATURES = (_PNG, b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


class _File(NamedTuple):
    """A listed file; `folder` is relative to the root, empty in it."""

    entry: Entry
    path: str
    folder: str
    suffix: str


def read(source: Source, *, root: str, reader: str = "keras", splits: Mapping[str, str] | None = None) -> Dataset:
    """Samples of a folder as a loader (one of layout.LOADERS) lists them; `splits` are folders that the user declares.

    Raises UsageError where a declared folder is not there, or two are one split.
    """
    entries = source.entries(root)
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    found = [_file(entry, entry.path[len(prefix) :]) for entry in entries]
    folders = [folder[len(prefix) :] for folder in source.folders(root)]
    links = {folder[len(prefix) :] for folder in source.links(root)}
    suffixes = layout.LOADERS[reader]
    declared = _declared(splits, folders)
    plan = plan_folders(
        {file.folder for file in found if file.suffix in layout.KERAS | layout.TORCHVISION}, folders, declared
    )
    if not plan.labelled and not plan.splits:
        suffixes = layout.IMAGE_LIKE
    skipped, problems = Rows("skipped"), Rows("problems")
    odd_entries(entries, problems)
    indices = _indices(plan, folders, reader)
    listed = [file for file in found if file.entry.kind in ("file", "missing", "pointer")]
    places = {folder: place_of(plan, folder, links) for folder in {file.folder for file in listed}}
    counts, of_timm = _counts(listed, places, plan)
    if reader == "timm":
        places = {folder: replace(place, label=_leaf(folder, plan)) for folder, place in places.items()}
    walked = {folder for folder, place in places.items() if _left_out(place, plan, reader) is None}
    taken: list[_File] = []
    for file in listed:
        if file.suffix in suffixes and file.folder in walked:
            taken.append(file)
            continue
        place = places[file.folder]
        skipped.add(
            path=display(file.entry.path), suffix=file.suffix, size_bytes=file.entry.size,
            reason=_reason(source, file, place, plan, suffixes, reader),
            split=_shown(place.split), label=_shown(place.label),
        )  # fmt: skip
    samples = _samples(taken, places, indices)
    if reader == "timm":
        numbers: dict[tuple[object, object], int | None] = {
            (_shown(split), display(each.name)): each.index
            for split in _class_folders(plan, folders)
            for each in of_timm.of(split)
        }
        pairs = zip(samples.columns["split"], samples.columns["label"], strict=True)
        samples.columns["label_index"] = [numbers.get(pair) for pair in pairs]
    return Dataset(
        name=name_of(root, source.base),
        format="imagefolder",
        root=display(root),
        manifest=None,
        files=[file.entry for file in taken],
        samples=samples.data(),
        classes=_classes(plan, folders, counts, of_timm, prefix).data(),
        folders=_folders(plan, folders, _by_folder(found), _by_folder(taken), prefix).data(),
        skipped=skipped.data(),
        problems=problems.data(),
        assumptions=tuple(_assumptions(plan, declared, labelled=plan.labelled or not taken)),
    )


def _assumptions(plan: Layout, declared: Mapping[str, str] | None, *, labelled: bool) -> Iterator[str]:
    if not labelled:
        yield "no class folders: images are read without labels"
    guessed = [
        f"{display(folder)} as {display(split)}"
        for folder, split in plan.splits.items()
        if split_name(folder) != split or split not in SPLITS.values()
    ]
    if guessed and declared is None:
        yield f"splits were guessed: {', '.join(guessed)}; `dataset.splits` declares them"


def _declared(splits: Mapping[str, str] | None, folders: Sequence[str]) -> Mapping[str, str] | None:
    """The same, once every folder is there and no other is that split; `./seg/` is `seg`."""
    if not splits:
        return splits
    splits = {posixpath.normpath(name) if "/" in name else name: split for name, split in splits.items()}
    for name, split in splits.items():
        keys = ("dataset", "splits", split)
        if name not in folders:
            hint = f"there are: {', '.join(display(folder) for folder in folders if '/' not in folder)}"
            raise UsageError(f"dataset.splits.{split}: no folder {name!r}", hint=hint, keys=keys)
        outer = next((other for other in splits if name.startswith(f"{other}/")), None)
        if outer is not None:
            raise UsageError(f"dataset.splits.{split}: {name!r} lies in {outer!r}, which is a split itself", keys=keys)
        if list(splits.values()).count(split) > 1:
            message = f"dataset.splits.{split}: a folder loader reads one folder as a split, not two"
            raise UsageError(message, keys=keys)
    return splits


def _file(entry: Entry, path: str) -> _File:
    return _File(entry, path, path.rpartition("/")[0], layout.suffix(path))


def _samples(taken: Sequence[_File], places: Mapping[str, Place], indices: Mapping[_ClassKey, int]) -> Rows:
    """Column by column, as there may be a million; what a folder says is worked out once."""
    keys = {folder: (places[folder].split, places[folder].label) for folder in {file.folder for file in taken}}
    shown = {
        folder: (_shown(split), _shown(label), indices.get((split, label))) for folder, (split, label) in keys.items()
    }
    rows, numbers = Rows("samples"), range(len(taken))
    of_folders = zip(*(shown[file.folder] for file in taken), strict=True) if taken else ((), (), ())
    splits, labels, positions = of_folders
    rows.extend(
        len(taken), sample_id=numbers, file_id=numbers, path=[display(file.entry.path) for file in taken],
        split=splits, label=labels, label_index=positions,
    )  # fmt: skip
    return rows


def _by_folder(files: Sequence[_File]) -> Counter[str]:
    """How many lie directly in each."""
    return Counter(file.folder for file in files)


def _counts(
    listed: Sequence[_File], places: Mapping[str, Place], plan: Layout
) -> tuple[dict[str, Counter[_ClassKey]], timm.Classes]:
    """Images that each loader finds, by split and class, and the classes that timm makes of the innermost folders."""
    counts: dict[str, Counter[_ClassKey]] = {name: Counter() for name in layout.LOADERS}
    of_timm = timm.Classes()
    for (folder, suffix), n in Counter((file.folder, file.suffix) for file in listed).items():
        place = places[folder]
        for name, taken in layout.LOADERS.items():
            if suffix in taken and place.label is not None and _walks(name, place):
                counts[name][place.split, place.label] += n
        leaf = _leaf(folder, plan)
        if leaf is not None and suffix in timm.SUFFIXES:
            of_timm.add(place.split, leaf, folder, n)
    return counts, of_timm


def _leaf(folder: str, plan: Layout) -> str | None:
    """The class that timm makes of a folder."""
    return timm.label_of(folder, plan) if plan.labelled else None


def _walks(loader: str, place: Place) -> bool:
    """Torchvision and timm follow links (`followlinks=True`; Keras has `follow_links=False`)."""
    return loader in ("torchvision", "timm") or not place.linked


def _reason(
    source: Source,
    file: _File,
    place: Place,
    plan: Layout,
    suffixes: frozenset[str],
    reader: str,
) -> str | None:
    """Why it is no sample."""
    left_out = _left_out(place, plan, reader)
    if file.suffix not in suffixes or (place.junk and left_out in ("outside-class", "hidden")):
        reason = layout.skip_reason(file.path, in_class=place.label is not None)
        if reason in ("documentation", "ignored-suffix") and _is_pointer(source, file.entry):
            return "lfs-pointer"
        if reason == "documentation" and place.label is not None and _lacks_suffix(source, file):
            return "ignored-suffix"
        return reason
    return left_out


def _left_out(place: Place, plan: Layout, reader: str) -> str | None:
    """Why nothing in a folder is a sample; None where the loader reads it."""
    if (plan.labelled and place.label is None) or (plan.splits and place.split is None):
        return "outside-class"
    # A hidden folder is a class to torchvision and ImageDataGenerator; below a class all walk into every folder.
    if place.label is not None and place.label.startswith(".") and reader == "keras":
        return "hidden"
    return None if _walks(reader, place) else "linked-folder"


def _is_pointer(source: Source, entry: Entry) -> bool:
    if entry.size is None or not len(POINTER) <= entry.size <= POINTER_BYTES:
        return False
    content = source.read(entry.path)
    return content is not None and content.startswith(POINTER)


def _lacks_suffix(source: Source, file: _File) -> bool:
    """Whether it is a picture whose name has no suffix, as some downloads leave it."""
    return not file.suffix and (source.read(file.entry.path, limit=len(_PNG)) or b"").startswith(_SIGNATURES)


def _shown(text: str | None) -> str | None:
    return None if text is None else display(text)


def _class_folders(plan: Layout, folders: Sequence[str]) -> dict[str | None, list[tuple[str, str]]]:
    """Split -> (class, its folder below the root), in the order of every loader: sorted names."""
    found: dict[str | None, list[tuple[str, str]]] = {split: [] for split in plan.splits.values()} or {None: []}
    if not plan.labelled:
        return found
    for folder in folders:
        above, _, name = folder.rpartition("/")
        if plan.holds_classes(above):
            found[plan.splits.get(above)].append((name, folder))
    return {split: sorted(classes) for split, classes in found.items()}


def _loader_classes(classes: Sequence[tuple[str, str]], loader: str) -> list[tuple[str, str]]:
    """image_dataset_from_directory leaves out folders whose name starts with a dot; the others take every folder."""
    return [item for item in classes if loader != "keras" or not item[0].startswith(".")]


def _indices(plan: Layout, folders: Sequence[str], loader: str) -> dict[_ClassKey, int]:
    return {
        (split, name): index
        for split, classes in _class_folders(plan, folders).items()
        for index, (name, _) in enumerate(_loader_classes(classes, loader))
    }


def _classes(
    plan: Layout,
    folders: Sequence[str],
    counts: Mapping[str, Counter[_ClassKey]],
    of_timm: timm.Classes,
    prefix: str,
) -> Rows:
    rows = Rows("classes")
    for split, classes in _class_folders(plan, folders).items():
        for each in of_timm.of(split):
            rows.add(
                name=display(each.name), index=each.index, split=_shown(split), loader="timm", n_samples=each.n_images,
                directory=display((prefix + each.folder).rstrip("/") or "."), hidden=each.name.startswith("."),
            )  # fmt: skip
        for loader in filter(lambda name: name != "timm", layout.LOADERS):
            for index, (name, folder) in enumerate(_loader_classes(classes, loader)):
                rows.add(
                    name=display(name), index=index, split=_shown(split), loader=loader,
                    n_samples=counts[loader][split, name], directory=display(prefix + folder),
                    hidden=name.startswith("."),
                )  # fmt: skip
    return rows


def _folders(
    plan: Layout,
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
    for folder in folders:
        parts = folder.split("/")
        place = place_of(plan, folder)
        if folder in plan.splits:
            role = "split"
        elif plan.labelled and plan.holds_classes(folder.rpartition("/")[0]):
            role = "class"
        else:
            role = "nested"
        rows.add(
            path=display(prefix + folder), name=display(parts[-1]), role=role, split=_shown(place.split),
            named_split=meaning(parts[-1]), label=_shown(place.label), hidden=parts[-1].startswith("."),
            n_files=files[folder], n_images=below[folder],
        )  # fmt: skip
    return rows
