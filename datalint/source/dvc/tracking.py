"""What DVC tracks below a root, as entries: those of its cache, and pointers for what is not here."""

from __future__ import annotations

import os
import posixpath
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.entry import Entry, FileLocator, node_of
from datalint.errors import DatalintError
from datalint.source.dvc.stages import UnreadableError, is_stage, outputs
from datalint.source.dvc.store import Store, top_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from datalint.source.dvc.stages import Output


@dataclass(frozen=True, slots=True)
class Tracked:
    """An output that is not as its stage says."""

    kind: str
    """dvc-missing, dvc-unmade (a pipeline that was never run), dvc-changed, or bad-dvc-file for the stage itself."""
    path: str
    stage: str
    detail: str
    unknown: bool = False
    """Nothing is known of its files: neither their number nor their names were judged."""


@dataclass(slots=True)
class Tracking:
    """Stages below one folder, the anchor, and the caches that their outputs may lie in; paths start from there."""

    anchor: str
    read: Callable[[str], bytes | None]
    bad: dict[str, str] = field(default_factory=dict)
    """Stage -> why it cannot be read."""
    _stores: dict[str, Store] = field(default_factory=dict)

    def outputs(self, stages: Iterable[str], root: str) -> list[Output]:
        """Outputs at, below or above a root."""
        found: dict[str, Output] = {}
        for stage in stages:
            try:
                some = list(outputs(stage, self.read))
            except (UnreadableError, DatalintError) as error:
                self.bad[stage] = str(error)
                continue
            for out in some:
                # A lock knows more than the plan that was never run.
                better = out.path not in found or not found[out.path].md5
                if better and (within(out.path, root) or within(root, out.path)):
                    found[out.path] = out
        return list(found.values())

    def files(self, out: Output) -> dict[str, tuple[str, int | None]] | None:
        """Path -> md5 and size of each file of an output; None where nobody knows them."""
        if out.files is not None:
            return {f"{out.path}/{name}": about for name, about in out.files.items()}
        if not out.md5:
            return None
        if not out.folder:
            return {out.path: (out.md5, out.size)}
        listed = self._store(out).listed(out.md5)
        return None if listed is None else {f"{out.path}/{name}": (md5, None) for name, md5 in listed.items()}

    def stored(self, out: Output, md5: str) -> tuple[str, os.stat_result] | None:
        """Where the cache has that content."""
        return self._store(out).find(md5)

    def ignores(self, out: Output) -> bool:
        """Whether DVC does not count all files of an output."""
        return self._store(out).ignores()

    def _store(self, out: Output) -> Store:
        """Of the repository that the stage lies in."""
        folder = posixpath.dirname(out.stage)
        if folder not in self._stores:
            top = top_of(os.path.join(self.anchor, folder))
            known = (store for store in self._stores.values() if store.top == top)
            self._stores[folder] = next(known, None) or Store(top)
        return self._stores[folder]


def within(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies below it."""
    return folder in ("", ".") or path == folder or path.startswith(folder + "/")


def stages_of(paths: Iterable[str]) -> list[str]:
    """Those of the paths that DVC reads outputs from."""
    return [path for path in paths if path.endswith((".dvc", "dvc.lock", "dvc.yaml")) and is_stage(path)]


def stages_above(anchor: str, root: str) -> Iterator[str]:
    """Stages in the folders that lead to a root: a folder `data` that DVC tracks has its own beside it, `data.dvc`."""
    folder, above = "" if root in ("", ".") else root, posixpath.dirname(root)
    # The top of a file system is its own parent: a root may be an absolute path.
    while folder and above != folder:
        folder, above = above, posixpath.dirname(above)
        try:
            names = sorted(os.listdir(os.path.join(anchor, folder)))
        except OSError:
            continue
        yield from (posixpath.join(folder, name) for name in stages_of(names))


def overlaid(
    tracking: Tracking, stages: Iterable[str], root: str, here: Mapping[str, Entry]
) -> tuple[dict[str, Entry], list[Tracked]]:
    """Pointers, by path, for files of a work tree that are not there, and what is said of each output once.

    `here`: the files at and below the root, by path.
    """
    pointers: dict[str, Entry] = {}
    told: list[Tracked] = []
    paths = sorted(here)
    for out in tracking.outputs(stages, root):
        known = tracking.files(out)
        if known is None:
            told += _unknown(tracking, out, root, _below(out.path, paths, here))
            continue
        gone = {
            path: about
            for path, about in known.items()
            if within(path, root) and (path not in here or here[path].kind == "broken-link")
        }
        if gone:
            stored = {md5: tracking.stored(out, md5) for md5, _ in gone.values()}
            pointers |= {
                path: _pointer(tracking.anchor, path, md5, stored[md5], size) for path, (md5, size) in gone.items()
            }
            cached = None not in stored.values()
            told.append(Tracked("dvc-missing", out.path, out.stage, _words(out, len(gone), len(known), cached=cached)))
        elif within(out.path, root):
            told += _changed(tracking, out, _below(out.path, paths, here))
    told += [Tracked("bad-dvc-file", stage, stage, why) for stage, why in tracking.bad.items()]
    return pointers, told


def _pointer(anchor: str, path: str, md5: str, found: tuple[str, os.stat_result] | None, size: int | None) -> Entry:
    """`found` is where the cache has it, which tells the size that a list does not."""
    place = FileLocator(os.path.join(anchor, path))
    return Entry(path, place, "pointer", found[1].st_size if found else size, content_id=f"dvc:{md5}")


def _below(folder: str, paths: Sequence[str], here: Mapping[str, Entry]) -> list[Entry]:
    """Entries of a file, or of all files below a folder."""
    # '0' is the character after '/'.
    some = paths[bisect_left(paths, folder + "/") : bisect_left(paths, folder + "0")] if folder != "." else paths
    return [here[path] for path in ([folder] if folder in here else some)]


def _words(out: Output, gone: int, total: int, *, cached: bool) -> str:
    some = f"all of its {total:,}" if gone == total else f"{gone:,} of its {total:,}"
    what = f"{some} {'file' if total == 1 else 'files'}" if out.folder else "it"
    where = "in DVC's cache and not in the work tree" if cached else "not here"
    return f"{what} {'is' if gone == 1 else 'are'} {where}: `dvc {'checkout' if cached else 'pull'}`"


def _unknown(tracking: Tracking, out: Output, root: str, here: Sequence[Entry]) -> Iterator[Tracked]:
    """An output whose files only a remote knows."""
    if not out.md5:
        if not here:
            yield Tracked("dvc-unmade", out.path, out.stage, "it was never made: `dvc repro`", unknown=True)
        return
    many = out.n_files
    files = "its files" if many is None else f"its {many:,} {'file' if many == 1 else 'files'}"
    size = "" if out.size is None else f" ({out.size:,} bytes)"
    if not here:
        yield Tracked("dvc-missing", out.path, out.stage, f"none of {files}{size} is here: `dvc pull`", unknown=True)
    elif within(out.path, root) and many is not None and len(here) < many:
        gone = many - len(here)
        words = f"{gone:,} of {files} {'is' if gone == 1 else 'are'} not here: `dvc pull`"
        yield Tracked("dvc-missing", out.path, out.stage, words, unknown=True)
    elif within(out.path, root):
        yield from _changed(tracking, out, here)


def _changed(tracking: Tracking, out: Output, here: Sequence[Entry]) -> Iterator[Tracked]:
    """By number and size, which cost nothing: nobody hashes gigabytes for it."""
    if tracking.ignores(out):
        return
    files = [entry for entry in here if entry.kind == "file"]
    size = sum(entry.size or 0 for entry in files)
    if out.n_files is not None and len(files) != out.n_files:
        detail = f"it has {len(files):,} {'file' if len(files) == 1 else 'files'}, and its stage says {out.n_files:,}"
    elif out.size is not None and size != out.size:
        detail = f"it has {size:,} bytes, and its stage says {out.size:,}"
    else:
        return
    yield Tracked("dvc-changed", out.path, out.stage, detail)


def expanded(tracking: Tracking, files: Mapping[str, Entry]) -> tuple[dict[str, Entry], list[Tracked]]:
    """Outputs of a snapshot, which git does not have: content of the cache, and pointers where it lacks it.

    What git has itself stays as it is.
    """
    made: dict[str, Entry] = {}
    told: list[Tracked] = []
    for out in tracking.outputs(stages_of(files), "."):
        known = tracking.files(out)
        if known is None:
            told += _unknown(tracking, out, ".", [])
            continue
        for path, (md5, size) in known.items():
            if path not in files:
                found = tracking.stored(out, md5)
                pointer = _pointer(tracking.anchor, path, md5, None, size)
                made[path] = _cached(path, md5, *found) if found else pointer
    told += [Tracked("bad-dvc-file", stage, stage, why) for stage, why in tracking.bad.items()]
    return made, told


def _cached(path: str, md5: str, place: str, status: os.stat_result) -> Entry:
    locator = FileLocator(place)
    return Entry(path, locator, "file", status.st_size, status.st_mtime_ns, node_of(status), f"dvc:{md5}")
