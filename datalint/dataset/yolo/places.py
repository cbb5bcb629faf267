"""The images of each split: folders and lists of a description, else what folder names mean."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.splits import meanings
from datalint.dataset.yolo.tree import SUFFIXES, is_absolute, label_of
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datalint.dataset.yolo.description import Description, Place
    from datalint.dataset.yolo.tree import Tree

_PROBED = 20
"""Lines of a list that tell which folder its paths start from."""


@dataclass(frozen=True, slots=True)
class Image:
    """As it is named: by a list, in its line, or by the folder that it lies in."""

    split: str | None
    written: str
    """Relative to the source's base, or as the list writes it where that is a URL or an absolute path."""
    manifest: str | None = None
    line: int | None = None


@dataclass(slots=True)
class Placed:
    images: list[Image] = field(default_factory=list)
    problems: list[dict[str, object]] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)


def by_description(tree: Tree, given: Description) -> Placed:
    """Resolved as ultralytics.data.utils.check_det_dataset does, from the folder of the description."""
    placed = Placed()
    root = _root(tree, given, placed)
    resolved = [(place, _resolve(tree, root, place, placed, given.path)) for place in given.places]
    taken = {path for _, path in resolved if path is not None}
    read: list[tuple[Place, str]] = []
    for place, path in resolved:
        images = _images(tree, path, place.split, root, placed)
        if not images:
            meant = _missing(tree, root, place, placed, given.path, taken, empty=path is not None)
            path, images = meant, _images(tree, meant, place.split, root, placed)
        placed.images += images
        if path is not None:
            placed.problems += _shared(read, place, path, given.path)
            read.append((place, path))
    return placed


def _shared(before: Sequence[tuple[Place, str]], place: Place, path: str, manifest: str) -> Iterator[dict[str, object]]:
    """Whether another split is the same folder or list, or one of both lies in the other."""
    for other, its in before:
        if other.split == place.split:
            continue
        inner, outer = (path, its) if len(path) > len(its) else (its, path)
        if path == its:
            words = f"are one folder or list, {path}"
        elif outer == "." or inner.startswith(f"{outer}/"):
            words = f"overlap: {inner} lies in {outer}"
        else:
            continue
        yield {
            "kind": "shared-split-folder", "path": path, "manifest": manifest, "line": place.line,
            "detail": f"{other.split} and {place.split} {words}",
        }  # fmt: skip


def _images(tree: Tree, path: str | None, split: str, root: str, placed: Placed) -> list[Image]:
    """Of a folder or a list."""
    if path is None:
        return []
    if tree.is_file(path):
        return list(_listed(tree, path, split, root, placed))
    return [Image(split, image) for image in tree.below(path)]


def by_folders(tree: Tree, *, split: bool) -> Placed:
    """Without a description: `images/train` and `train/images` are splits where there may be some, else none are."""
    placed = Placed()
    start = 0 if tree.root in ("", ".") else len(posixpath.normpath(tree.root)) + 1
    names = {part for folder in tree.with_images for part in folder[start:].split("/")}
    means = meanings(names) if split else {}
    for image in _of_the_dataset(tree, start):
        parts = posixpath.dirname(image)[start:].split("/")
        placed.images.append(Image(next((means[part] for part in parts if part in means), None), image))
    if any(image.split for image in placed.images):
        found = sorted({image.split for image in placed.images if image.split})
        placed.assumptions.append(f"no data.yaml: splits were taken from folder names ({', '.join(found)})")
    else:
        placed.assumptions.append("no data.yaml: the dataset is read as one split")
    return placed


def _of_the_dataset(tree: Tree, start: int) -> Sequence[str]:
    """Images in a folder `images` or in one where some have labels: others are there for readers."""
    labelled = {posixpath.dirname(image) for image in tree.images if label_of(image) in tree.files}
    found = [
        image
        for image in tree.images
        if posixpath.dirname(image) in labelled or "images" in posixpath.dirname(image)[start:].split("/")
    ]
    return found or tree.images


def _root(tree: Tree, given: Description, placed: Placed) -> str:
    """The folder that `path` means: of those that it may mean, the one from which most splits are found."""
    home = posixpath.dirname(given.path) or "."
    if given.root is None:
        return home
    if is_absolute(given.root):
        detail = f"path is only true on one machine: {given.root}"
        placed.problems.append(
            {"kind": "absolute-path", "path": given.root, "manifest": given.path, "line": given.root_line,
             "detail": detail}
        )  # fmt: skip
        inside = posixpath.normpath(os.path.relpath(given.root, tree.source.base))
        likely = [inside] if given.root.startswith("/") and tree.is_folder(inside) else []
    else:
        likely = [posixpath.normpath(given.root), posixpath.normpath(posixpath.join(home, given.root))]
        likely = [folder for folder in likely if tree.is_folder(folder)]
    likely.append(home)
    best = max(likely, key=lambda folder: sum(_find(tree, folder, place) is not None for place in given.places))
    if best != posixpath.normpath(given.root) and not is_absolute(given.root):
        said = f"path: {display(given.root)} of {display(given.path)} was taken for {display(best)}"
        placed.assumptions.append(f"{said}: Ultralytics looks for it where it is started, then in its datasets_dir")
    return best


def _find(tree: Tree, root: str, place: Place) -> str | None:
    """Where it lies; from a path that nothing is at Ultralytics takes the `../` that Roboflow writes."""
    written = place.written
    if is_absolute(written):
        path = posixpath.normpath(os.path.relpath(written, tree.source.base))
        return path if written.startswith("/") and tree.exists(path) else None
    path = posixpath.normpath(posixpath.join(root, written))
    if not tree.exists(path) and written.startswith("../") and place.alone:
        path = posixpath.normpath(posixpath.join(root, written[3:]))
    return path if tree.exists(path) else None


def _resolve(tree: Tree, root: str, place: Place, placed: Placed, manifest: str) -> str | None:
    path = _find(tree, root, place)
    if is_absolute(place.written):
        placed.problems.append(
            {"kind": "absolute-path", "path": place.written, "manifest": manifest, "line": place.line,
             "detail": f"{place.split} is only true on one machine: {place.written}"}
        )  # fmt: skip
    return path


def _missing(
    tree: Tree, root: str, place: Place, placed: Placed, manifest: str, taken: set[str], *, empty: bool
) -> str | None:
    """A split without images is a problem, and what is probably meant is read in its place."""
    found = tree.meant(place.written, root, place.split, taken)
    detail = f"{place.split}: {place.written} " + ("holds no image" if empty else "is not there")
    if found is not None:
        taken.add(found)
        detail += f", but {found} {'does' if empty else 'is'} and was read as {place.split}"
    kind = "missing-split-folder" if place.split in ("train", "val") else "missing-test-folder"
    placed.problems.append(
        {"kind": kind, "path": place.written, "manifest": manifest, "line": place.line, "detail": detail}
    )
    return found


def _listed(tree: Tree, path: str, split: str, root: str, placed: Placed) -> Iterator[Image]:
    content = tree.source.read(path) or b""
    lines = [line.strip() for line in content.decode("utf-8-sig", "surrogateescape").splitlines()]
    home = _home(tree, path, root, [line for line in lines if line])
    if home is None:
        home = "."
    elif home != ".":
        said = f"paths in {display(path)} were taken from {display(home.rstrip('/'))}"
        placed.assumptions.append(f"{said}: Ultralytics takes those without ./ from the folder where it is started")
    for number, line in enumerate(lines, 1):
        if layout.suffix(line) in SUFFIXES:
            yield Image(split, _written(line, path, home), path, number)


def _home(tree: Tree, path: str, root: str, lines: Sequence[str]) -> str | None:
    """The folder from which most of the first paths are found; None where each says itself where it starts."""
    some = [line for line in lines if not line.startswith("./") and not is_absolute(line)][:_PROBED]
    if not some:
        return None
    beside = posixpath.dirname(path) or "."
    # Darknet's export writes `data/` before each, wherever the dataset lies.
    homes = (".", root, beside, posixpath.join(beside, ".."), *(f"{folder}//" for folder in (root, beside)))
    return max(homes, key=lambda home: sum(tree.is_file(_written(line, path, home)) for line in some))


def _written(line: str, path: str, home: str) -> str:
    """From the source's base; a home that ends in // takes the place of the path's own first folder."""
    if line.startswith("./"):
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), line))
    if is_absolute(line):
        return line
    if home.endswith("//"):
        line = line.partition("/")[2] or line
    return posixpath.normpath(posixpath.join(home, line))
