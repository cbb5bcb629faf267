"""The only module that runs git. Names travel as bytes and NUL-separated, so no name can break a listing."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from datalint.errors import UnfinishedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

_ENVIRONMENT = {
    "LC_ALL": "C",
    # `git status`-like commands must not write the index of a repository that is being committed.
    "GIT_OPTIONAL_LOCKS": "0",
    # A blob that a partial clone has not fetched is missing: thousands of downloads, one at a time, are not a check.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
# They would change what our own pathspecs mean.
_UNWANTED = ("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS")
# The empty blob, by SHA-1 and by SHA-256.
_EMPTY = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)
# A record of `ls-files --stage -z`, and one of `ls-tree -z`.
_STAGED = re.compile("([0-7]+) ([0-9a-f]+) ([0-3])\t([^\0]+)\0")
_COMMITTED = re.compile("([0-7]+) [a-z]+ ([0-9a-f]+)\t([^\0]+)\0")
# What git exits with when it refuses.
_REFUSED = 128
REGULAR, EXECUTABLE, LINK, SUBMODULE = "100644", "100755", "120000", "160000"


class Item(NamedTuple):
    """One entry of the index or of a tree; `stage` is above 0 in an unfinished merge."""

    path: str
    mode: str
    blob: str
    stage: int = 0


@dataclass(frozen=True, slots=True)
class Items:
    """Entries column by column, as there may be a million."""

    paths: Sequence[str] = ()
    modes: Sequence[str] = ()
    blobs: Sequence[str] = ()
    stages: Sequence[str] = ()
    """One digit each; empty for a tree."""

    def __iter__(self) -> Iterator[Item]:
        stages = map(int, self.stages or "0" * len(self.paths))
        return map(Item, self.paths, self.modes, self.blobs, stages)

    def without(self, places: Container[int]) -> Items:
        """Those at other places."""
        kept = [place for place in range(len(self.paths)) if place not in places]
        return Items(*([column[place] for place in kept] if column else () for column in self._columns()))

    def _columns(self) -> tuple[Sequence[str], ...]:
        return self.paths, self.modes, self.blobs, self.stages


class AmbiguousError(UsageError):
    """A name that git takes for one of several commits."""


@dataclass(frozen=True, slots=True)
class Change:
    """A path that differs from the base: A added, M modified, T other type, D deleted, R renamed (same bytes)."""

    path: str
    status: str
    old_path: str | None = None


def run(directory: str, *words: str, feed: bytes = b"") -> bytes:
    """Standard output of a git command; raises UsageError with git's own first line when it refuses."""
    process = _run(directory, words, feed)
    if process.returncode:
        lines = process.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit {process.returncode}"]
        # Of a repository that somebody else owns git says what to do, on another line.
        hint = next((f"`{line.strip()}`" for line in lines if line.strip().startswith("git config ")), "")
        raise UsageError(f"git {words[0]}: {lines[0].removeprefix('fatal: ')}", hint=hint)
    return process.stdout


def _run(
    directory: str, words: Sequence[str], feed: bytes, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ("git", "-C", directory, *words),
            input=feed,
            capture_output=True,
            check=False,
            env={**_environment(), **(environment or {})},
        )
    except FileNotFoundError as error:
        raise UnfinishedError("git is not installed or not on PATH") from error


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    # We run git in other folders than the one that these were named from.
    places = {name: os.path.abspath(kept[name]) for name in ("GIT_DIR", "GIT_WORK_TREE") if kept.get(name)}
    return {**kept, **places, **_ENVIRONMENT}


def top_level(directory: str) -> str:
    """Absolute path of the work tree that holds `directory`."""
    return os.fsdecode(run(directory, "rev-parse", "--show-toplevel").removesuffix(b"\n"))


def hooks_folder(directory: str) -> str:
    """Where git looks for hooks (core.hooksPath counts)."""
    found = run(directory, "rev-parse", "--git-path", "hooks").removesuffix(b"\n")
    return os.path.join(directory, os.fsdecode(found))


def setting(directory: str, name: str) -> str | None:
    """A value of git's configuration, which only the owner of this machine writes."""
    process = _run(directory, ("config", "--type=path", "--get", name), b"")
    return None if process.returncode else os.fsdecode(process.stdout.removesuffix(b"\n"))


@functools.cache
def is_partial(directory: str) -> bool:
    """Whether a remote has promised objects that this clone lacks (`git clone --filter`)."""
    words = ("config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$")
    return not _run(directory, words, b"").returncode


def left_out(top: str, folder: str) -> list[str]:
    """Files at or below a folder that a sparse checkout leaves out of the work tree, named from the top."""
    lines = run(top, "ls-files", "-t", "-z", "--full-name", "--", *_below(folder)).split(b"\0")
    return [os.fsdecode(line[2:]) for line in lines if line.startswith(b"S ")]


def ignored(folder: str, paths: Sequence[str]) -> set[str]:
    """Those of the paths, relative to a folder of the work tree, that are not in the index and that git ignores."""
    if not paths:
        return set()
    listed = _run(folder, ("check-ignore", "-z", "--stdin"), b"".join(os.fsencode(path) + b"\0" for path in paths))
    return {os.fsdecode(path) for path in listed.stdout.split(b"\0") if path}


def untracked(top: str, folder: str) -> int:
    """Files at or below a folder of the work tree that are not in the index, also those that git ignores."""
    return run(top, "ls-files", "--others", "-z", "--", *_below(folder)).count(b"\0")


def common_folder(directory: str) -> str:
    """The repository's shared folder, which holds `objects` and `lfs`."""
    found = run(directory, "rev-parse", "--git-common-dir").removesuffix(b"\n")
    return os.path.join(directory, os.fsdecode(found))


def index_listing(top: str, paths: Sequence[str]) -> bytes:
    """Mode, blob id and name of every index entry at or below `paths`, as git prints it."""
    return run(top, "ls-files", "--stage", "-z", "--full-name", "--", *_below(*paths))


def _below(*paths: str) -> list[str]:
    """Pathspecs of what lies at or below any of the paths; none, which is everything, where one is the top."""
    return [] if {"", "."} & set(paths) else [f":(top,literal){path}" for path in paths]


def has_links(top: str) -> bool:
    """Whether the index holds a symbolic link."""
    listed = index_listing(top, ["."])
    return listed.startswith(b"120000 ") or b"\x00120000 " in listed


def index_items(top: str) -> Items:
    """What a commit of the index would hold, in git's order; `git add --intent-to-add` alone adds nothing."""
    found = _STAGED.findall(os.fsdecode(run(top, "ls-files", "--stage", "-z")))
    if not found:
        return Items()
    modes, blobs, stages, paths = zip(*found, strict=True)
    items = Items(paths, modes, blobs, stages)
    if not _EMPTY.isdisjoint(blobs):
        intended = _intended(top)
        pairs = enumerate(zip(blobs, paths, strict=True))
        return items.without({place for place, (blob, path) in pairs if blob in _EMPTY and path in intended})
    return items


def _intended(top: str) -> set[str]:
    """Paths that are in the index by intention only: git lists them as empty blobs that the work tree adds."""
    names = run(top, "diff-files", "--diff-filter=A", "--name-only", "-z").split(b"\0")
    return {os.fsdecode(name) for name in names}


def committed(top: str, paths: Sequence[str]) -> bytes:
    """Mode and object id of each of the paths in the last commit, as git prints them; empty before the first one."""
    if not _run(top, ("rev-parse", "--verify", "--quiet", "HEAD^{commit}"), b"").stdout:
        return b""
    if {"", "."} & set(paths):
        return run(top, "rev-parse", "--verify", "HEAD^{tree}")
    return run(top, "ls-tree", "-z", "--full-tree", "HEAD", "--", *paths)


def commit(top: str, ref: str) -> str:
    """Full id of a commit; raises UsageError for a ref that does not lead to one, or that may mean two.

    Of a tag and a branch git takes the tag: whoever may push one called `origin/main` would choose what counts.
    """
    words = ("-c", "core.warnAmbiguousRefs=true", "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
    process = _run(top, words, b"")
    if process.returncode:
        raise UsageError(f"no commit {ref!r} in {top}", hint="a shallow clone may lack it: `git fetch` it first")
    found = process.stdout.decode().strip()
    if b" is ambiguous" in process.stderr and ref != found:
        hint = f"name one in full, such as refs/remotes/{ref}: `git for-each-ref` lists them"
        raise AmbiguousError(f"{ref!r} may mean more than one commit in {top}", hint=hint)
    return found


def is_unborn(directory: str) -> bool:
    """Whether the branch that is checked out has no commit yet."""
    found = _run(directory, ("rev-parse", "--verify", "--quiet", "HEAD^{commit}"), b"").returncode
    return bool(found) and not _run(directory, ("symbolic-ref", "--quiet", "HEAD"), b"").returncode


def fork(top: str, base: str, head: str | None = None) -> str | None:
    """Commit where `head` left the commit `base`; None where the two share none.

    Without a head: what is about to be committed. In the middle of a merge that has what is merged in as a parent too,
    and git-merge-base takes further commits for those of a merge that is yet to be made.
    """
    names = ["HEAD", *_merged(top)] if head is None else [commit(top, head)]
    return _run(top, ("merge-base", base, *names), b"").stdout.decode().strip() or None


def _merged(top: str) -> list[str]:
    """Commits that an unfinished merge takes in."""
    path = os.fsdecode(run(top, "rev-parse", "--git-path", "MERGE_HEAD").removesuffix(b"\n"))
    try:
        with open(os.path.join(top, path), encoding="ascii") as file:
            return file.read().split()
    except OSError:
        return []


def tree_of(top: str, commit: str) -> str:
    """Id of what a commit holds: two commits with the same files have the same."""
    return run(top, "rev-parse", "--verify", f"{commit}^{{tree}}").decode().strip()


def index_tree(top: str) -> str | None:
    """Id that a commit of the index would have as its tree; None in an unfinished merge. Nothing is written to git."""
    index, objects = (
        os.path.join(top, os.fsdecode(run(top, "rev-parse", "--git-path", name).removesuffix(b"\n")))
        for name in ("index", "objects")
    )
    others = os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES")
    with tempfile.TemporaryDirectory(prefix="datalint-") as folder:
        copy = os.path.join(folder, "index")
        try:
            shutil.copyfile(index, copy)
        except OSError:
            return None
        elsewhere = {
            "GIT_INDEX_FILE": copy,
            "GIT_OBJECT_DIRECTORY": folder,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(filter(None, (os.path.abspath(objects), others))),
        }
        written = _run(top, ("write-tree",), b"", elsewhere)
    return None if written.returncode else written.stdout.decode().strip()


def tree_items(top: str, ref: str) -> Items:
    """Every file of a commit; raises UsageError for a ref that does not exist."""
    found = _COMMITTED.findall(os.fsdecode(run(top, "ls-tree", "-r", "-z", "--full-tree", commit(top, ref))))
    if not found:
        return Items()
    modes, blobs, paths = zip(*found, strict=True)
    return Items(paths, modes, blobs)


def changes(top: str, *, base: str | None = None, head: str | None = None, worktree: bool = False) -> list[Change]:
    """What `head` (None: the index, or the tracked files of the work tree) has made of `base`.

    Without a base: of the last commit, or of the parent of `head`; where there is none, of nothing. Renames are
    those with the same bytes: guessing at similar ones would read every blob.
    """
    start = commit(top, base) if base is not None else _before(top, head)
    words = ("-z", "--name-status", "--find-renames=100%", "-l0", "--ignore-submodules=dirty")
    if worktree:
        listing = run(top, "diff", "--no-ext-diff", *words, start, "--")
    elif head is None:
        listing = run(top, "diff-index", "-r", "--cached", *words, start, "--")
    else:
        listing = run(top, "diff-tree", "-r", *words, start, commit(top, head), "--")
    return _changes(listing)


def _before(top: str, head: str | None) -> str:
    """HEAD, the parent of `head`, or the empty tree where that is missing."""
    name = "HEAD" if head is None else f"{commit(top, head)}^"
    found = _run(top, ("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"), b"")
    return found.stdout.decode().strip() or run(top, "hash-object", "-t", "tree", "--stdin").decode().strip()


def is_cut_off(top: str, head: str) -> bool:
    """Whether a commit has a parent that is not here, as the last one of a shallow clone."""
    head = commit(top, head)
    if _run(top, ("rev-parse", "--verify", "--quiet", f"{head}^^{{commit}}"), b"").stdout:
        return False
    # As it was written: git itself says that such a commit has none.
    head_lines, _, _ = run(top, "cat-file", "commit", head).partition(b"\n\n")
    return b"\nparent " in head_lines


def _changes(listing: bytes) -> list[Change]:
    fields = iter(os.fsdecode(field) for field in listing.split(b"\0")[:-1])
    found = []
    for status in fields:
        old = next(fields) if status.startswith("R") else None
        found.append(Change(next(fields), status[0], old))
    return found


def show(top: str, ref: str, path: str) -> bytes | None:
    """Content of one file of a commit, None where the commit has no such file."""
    name = f"{commit(top, ref)}:{os.path.normpath(path)}"
    try:
        process = _run(top, ("cat-file", "blob", name), b"")
    except ValueError:
        return None
    return None if process.returncode else process.stdout


def sizes(top: str, blobs: Iterable[str]) -> dict[str, int]:
    """Bytes of every blob that the repository has; one git process for all of them."""
    wanted = set(blobs)
    words = ("cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer")
    process = _run(top, words, "".join(f"{blob}\n" for blob in wanted).encode())
    if process.returncode:
        # At the first blob that a partial clone has not fetched git gives up: ask for all that it has.
        process = _run(top, (*words, "--batch-all-objects", "--unordered"), b"")
    lines = (line.split(b" ") for line in process.stdout.splitlines())
    found = ((name.decode(), int(size)) for name, size in lines if size.isdigit())
    return {name: size for name, size in found if name in wanted}


def write_blob(repository: str, blob: str, place: str) -> None:
    """Copy a blob of any size to a file that appears whole; raises FileNotFoundError where git lacks it."""
    part = f"{place}.part"
    with open(part, "wb") as file:
        command = ("git", "-C", repository, "cat-file", "blob", blob)
        done = subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=False, env=_environment())
    if done.returncode:
        os.unlink(part)
        raise FileNotFoundError(f"git object {blob} is missing")
    os.replace(part, place)


class BlobReader:
    """Reads blobs over one `git cat-file --batch` process; close it, or use it in a `with` block."""

    def __init__(
        self, repository: str, *, around: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    ) -> None:
        """`around` is entered while git starts."""
        self._repository = repository
        self._around = around
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            with self._around():
                return subprocess.Popen(
                    ("git", "-C", self._repository, "cat-file", "--batch"),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=_environment(),
                )
        except FileNotFoundError as error:
            raise UnfinishedError("git is not installed or not on PATH") from error

    def read(self, blob: str) -> bytes:
        """Bytes of one blob; raises FileNotFoundError where git lacks it, OSError when git itself is gone."""
        source, sink = self._process.stdin, self._process.stdout
        assert source is not None
        assert sink is not None
        source.write(blob.encode() + b"\n")
        source.flush()
        head = sink.readline()
        if not head:
            raise self._ended(blob)
        if not head.rstrip(b"\n").rpartition(b" ")[2].isdigit():
            raise FileNotFoundError(f"git object {blob} is missing")
        size = int(head.split()[2])
        data = sink.read(size + 1)
        if len(data) != size + 1:
            raise OSError(f"git cat-file ended within object {blob}")
        return data[:-1]

    def _ended(self, blob: str) -> OSError:
        """Git gives up (128) on a blob that a partial clone has not fetched; for the next one it starts anew."""
        self.close()
        here = not _run(self._repository, ("rev-parse", "--git-dir"), b"").returncode
        if self._process.returncode != _REFUSED or not here:
            return OSError(f"git cat-file ended before object {blob}")
        self._process = self._start()
        return FileNotFoundError(f"git object {blob} is damaged, or a partial clone has not fetched it")

    def close(self) -> None:
        """Ends git; also after it died by itself."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
