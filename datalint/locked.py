"""What the lock file says of the dataset, compared with what is there: the table `locked`."""

from __future__ import annotations

import hashlib
import posixpath
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint import lockfile
from datalint.entry import FileLocator, display
from datalint.errors import UsageError
from datalint.facts.content import digested
from datalint.facts.ids import read_ids
from datalint.finding import NotChecked
from datalint.lock_gone import settled, there
from datalint.lockfile import Line
from datalint.source.lfs import POINTER_BYTES, pointed
from datalint.tables import Data, text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from datalint.entry import Entry
    from datalint.facts.gather import Gathered
    from datalint.lockfile import Difference, Lock, Use
    from datalint.looked import Looked
    from datalint.request import Request
    from datalint.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Comparison:
    """The table `locked`, and what of the lock was not compared."""

    table: Data
    not_checked: Sequence[NotChecked] = ()
    notes: Sequence[str] = ()


@dataclass(slots=True)
class Present:
    """Files by their path from the configuration; those that nobody could read have no content id."""

    lines: dict[str, Line] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)


def read(request: Request, looked: Looked) -> Comparison:
    """Empty without a lock file; raises UsageError for one that is damaged, and where --verify-lock finds none."""
    workspace = looked.workspace
    name = workspace.config.lock
    base = _of_policy(workspace)
    own = _own(workspace, base)
    lock = base if base is not None and (own is None or own.root != base.root) else own
    if lock is None:
        if request.verify_lock:
            raise UsageError(f"there is no {name} to verify", hint="`datalint lock` writes it")
        return Comparison(Data({}))
    root = root_of(workspace)
    if lock.root != root:
        if request.verify_lock:
            raise UsageError(f"{name} locks {display(lock.root)}, not {display(root)}")
        note = f"{name} locks {display(lock.root)}: {display(root)} was not compared with it"
        return Comparison(Data({}), notes=(note,))
    now = present(looked, fresh=request.verify_lock)
    lines = lock.lines
    if base is not None and lock is own:
        # Who takes a line out does not unlock the file: only what is gone from the dataset may go from the lock.
        kept = {path: line for path, line in base.lines.items() if path in now.lines and path not in lines}
        lines = {**kept, **lines}
    if request.verify_lock:
        _hash_alike(lines, now)
    found = list(settled(lockfile.compare(lines, now.lines), looked))
    return Comparison(_table(found, name), tuple(_not_checked(found)))


def _own(workspace: Workspace, base: Lock | None) -> Lock | None:
    """The lock file that lies with the data. One that does not load counts as none where the policy has `base`."""
    name = workspace.config.lock
    content = workspace.read_beside(name)
    try:
        return None if content is None else lockfile.parse(content, name)
    except UsageError:
        if base is None:
            raise
        return None


def _of_policy(workspace: Workspace) -> Lock | None:
    """That of the commit whose policy counts; None where no such commit is named, and where it has none."""
    name = workspace.config.lock
    content = workspace.policy.there.read(name) if workspace.policy else None
    return None if content is None else lockfile.parse(content, workspace.home_label + name)


def root_of(workspace: Workspace) -> str:
    """The dataset, from the folder of the configuration."""
    return _from_home(workspace.root, workspace)


def _from_home(path: str, workspace: Workspace) -> str:
    if workspace.home == ".":
        return posixpath.normpath(path)
    base = workspace.source.base
    return posixpath.relpath(posixpath.join(base, path), posixpath.join(base, workspace.home))


def present(looked: Looked, *, fresh: bool = False) -> Present:
    """Every file that can be locked; `fresh` reads annotation files again, whatever their time stamps say."""
    found = looked.dataset
    made = Present()
    uses: dict[object, list[Use]] = {}
    columns = found.samples.columns
    for number, split, label in zip(columns["file_id"], columns["split"], columns["label"], strict=True):
        if split is not None or label is not None:
            uses.setdefault(number, []).append((text(split), text(label)))
    _add(made, looked, found.files, looked.files, uses)
    splits = found.mask_rows.columns["split"]
    of_masks = {number: [(text(split), None)] for number, split in enumerate(splits) if split is not None}
    _add(made, looked, found.masks, looked.masks, of_masks)
    # Annotations of records lie in their shards.
    if not len(found.shards):
        entries = _annotation_files(
            looked, {str(path) for path in found.annotations.columns["path"] if path is not None}
        )
        for entry, (identity, size) in zip(entries, read_ids(entries, looked.cache, fresh=fresh), strict=True):
            path = _from_home(entry.path, looked.workspace)
            if path not in made.lines:
                made.lines[path] = Line(identity or "", size, ())
                made.entries[path] = entry
    return made


def _add(
    made: Present,
    looked: Looked,
    entries: Sequence[Entry],
    gathered: Gathered,
    uses: Mapping[object, Sequence[Use]] | Mapping[int, Sequence[Use]],
) -> None:
    """Lines of files that there are facts about."""
    source = looked.workspace.source
    at_home = looked.workspace.home == "."
    facts = gathered.data.columns
    shared: dict[tuple[Use, ...], tuple[Use, ...]] = {}
    rows = zip(entries, gathered.identities, facts["size_bytes"], facts["status"], facts["cause"], strict=True)
    for number, (entry, identity, size, status, cause) in enumerate(rows):
        if status == "missing":
            continue
        if cause == "lfs-pointer":
            read = pointed(source.read(entry.path, limit=POINTER_BYTES) or b"")
            identity = identity if read is None else f"lfs:{read[0]}"
        path = entry.path if at_home else _from_home(entry.path, looked.workspace)
        if path in made.lines:
            path = _next(path, made.lines)
        each = uses.get(number, ())
        of = tuple(each) if len(each) < 2 else tuple(sorted(set(each), key=_order))
        made.lines[path] = Line(identity or "", size if isinstance(size, int) else None, shared.setdefault(of, of))
        made.entries[path] = entry


def _order(use: Use) -> tuple[str, str]:
    return use[0] or "", use[1] or ""


def _next(path: str, taken: Collection[str]) -> str:
    """An archive may hold two members of one name: no path has a NUL of its own."""
    number = 2
    while f"{path}\0{number}" in taken:
        number += 1
    return f"{path}\0{number}"


def _annotation_files(looked: Looked, named: Collection[str]) -> list[Entry]:
    """`named` as tables show them, where an undecodable byte is no byte any more."""
    if not named:
        return []
    source = looked.workspace.source
    shown = {display(entry.path): entry for entry in source.entries(looked.workspace.root)}
    found = (shown.get(path) or there(source, path) for path in sorted(named))
    return [entry for entry in found if entry is not None]


_HASHES = {("lfs", 68): "sha256", ("dvc", 36): "md5"}


def _hash_alike(locked: Mapping[str, Line], now: Present) -> None:
    """Where a pointer alone was locked, what is here now is hashed as the pointer says."""
    for path, old in locked.items():
        new, entry = now.lines.get(path), now.entries.get(path)
        name = _HASHES.get(lockfile.kind(old.content_id))
        if new is None or entry is None or name is None or not new.content_id.startswith("git:"):
            continue
        if entry.kind != "file" or not isinstance(entry.locator, FileLocator):
            continue
        with suppress(OSError), open(entry.locator.path, "rb") as file:
            hashed = digested(file, hashlib.new(name, usedforsecurity=False))
            now.lines[path] = new._replace(content_id=f"{old.content_id[:3]}:{hashed}")


def _not_checked(found: Sequence[Difference]) -> Iterator[NotChecked]:
    """What `unseen` does not tell already."""
    sizes = sum(each.status == "unchecked" and _only_sizes(each) for each in found)
    if sizes:
        yield NotChecked(
            f"content of {sizes:,} locked {'file' if sizes == 1 else 'files'}",
            "the lock has their Git LFS or DVC hash, so their size alone was compared: "
            "`datalint check --verify-lock` reads them",
        )
    for kind, reason in _ELSEWHERE.items():
        number = sum(each.status == kind for each in found)
        if number:
            yield NotChecked(f"{number:,} locked {'file' if number == 1 else 'files'}", reason)


_ELSEWHERE = {
    "outside": "git ignores them: `datalint check` without --staged or --tree compares the work tree with the lock",
    "sparse": "the sparse checkout leaves them out: `datalint check --staged` compares the whole index with the lock",
}


def _only_sizes(each: Difference) -> bool:
    """The bytes are here."""
    return each.new is not None and each.new.content_id.startswith("git:")


def _table(found: Sequence[Difference], lock: str) -> Data:
    none = Line("", None, ())
    pairs = [(each.old or none, each.new or none) for each in found]
    return Data(
        {
            "path": [_shown(each.path) for each in found],
            "status": [each.status if each.status in _STATUSES else "unchecked" for each in found],
            "old_path": [None if each.old_path is None else _shown(each.old_path) for each in found],
            "content_id": [new.content_id or None for _, new in pairs],
            "old_content_id": [old.content_id or None for old, _ in pairs],
            "size_bytes": [new.size for _, new in pairs],
            "old_size_bytes": [old.size for old, _ in pairs],
            "split": [_said(new, 0) for _, new in pairs],
            "old_split": [_said(old, 0) for old, _ in pairs],
            "label": [_said(new, 1) for _, new in pairs],
            "old_label": [_said(old, 1) for old, _ in pairs],
            "lock": [lock] * len(found),
        }
    )


_STATUSES = {"changed", "relabelled", "moved", "missing", "dropped", "added"}


def _shown(path: str) -> str:
    """As the other tables name the file; a second member of one name is told by its number."""
    return display(path).replace("\0", " #")


def _said(line: Line, part: int) -> str | None:
    values = [use[part] for use in line.uses if use[part] is not None]
    return ", ".join(display(str(value)) for value in dict.fromkeys(values)) or None
