"""Where the git index lies and what state it is in, without running git: the hook's first question."""

from __future__ import annotations

import os
import re
from typing import Literal

# The index ends with a checksum of everything before it (gitformat-index): 20 bytes of SHA-1, or 32 of SHA-256,
# whose last 20 tell states apart just as well and spare us a look into the configuration.
_CHECKSUM_BYTES = 20
_ID = re.compile("[0-9a-f]{40,64}")


def locate(start: str) -> tuple[str, str, str] | None:
    """Top level of the work tree, path of its index and its git directory, or None outside a work tree.

    Honours GIT_INDEX_FILE (`git commit -a`, `--only` judge an index of their own) and the `.git` file of
    worktrees and submodules. With GIT_DIR or GIT_WORK_TREE set elsewhere it gives up: git itself must answer.
    """
    if "GIT_WORK_TREE" in os.environ:
        return None
    folder = os.path.abspath(start)
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    directory = _git_directory(os.path.join(folder, ".git"))
    if directory is None:
        return None
    declared = os.environ.get("GIT_DIR")
    if declared and os.path.realpath(declared) != os.path.realpath(directory):
        return None
    index = os.environ.get("GIT_INDEX_FILE")
    # git itself reads a relative GIT_INDEX_FILE from the top level of the work tree.
    return folder, os.path.join(folder, index) if index else os.path.join(directory, "index"), directory


def _git_directory(path: str) -> str | None:
    if os.path.isdir(path):
        return path
    try:
        with open(path, "rb") as file:
            word, _, target = os.fsdecode(file.read()).partition(": ")
    except OSError:
        return None
    return os.path.join(os.path.dirname(path), target.rstrip("\r\n")) if word == "gitdir" else None


def checksum(index: str) -> str | None:
    """Trailing checksum of the index in hexadecimal; None where there is none (index.skipHash) or no index."""
    try:
        with open(index, "rb") as file:
            file.seek(-_CHECKSUM_BYTES, os.SEEK_END)
            tail = file.read()
    except OSError:
        return None
    return tail.hex() if any(tail) else None


def last_commit(directory: str) -> str | None:
    """What HEAD leads to, in hexadecimal; None before the first commit and where only git can tell (reftable)."""
    found = _line(os.path.join(directory, "HEAD"))
    if found is not None and found.startswith("ref: "):
        name = found.removeprefix("ref: ")
        common = os.path.join(directory, _line(os.path.join(directory, "commondir")) or ".")
        found = _line(os.path.join(common, name)) or _packed(os.path.join(common, "packed-refs"), name)
    # A branch may be another name of a branch (git-symbolic-ref): its file says that name for ever.
    return found if found and _ID.fullmatch(found) else None


def _line(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read()).rstrip("\r\n") or None
    except OSError:
        return None


def _packed(path: str, name: str) -> str | None:
    """One line a ref: its commit, a space, its name (git-pack-refs)."""
    ending = b" " + os.fsencode(name) + b"\n"
    try:
        with open(path, "rb") as file:
            return next((line[: -len(ending)].decode() for line in file if line.endswith(ending)), None)
    except OSError:
        return None


def may_track(index: str, directory: str, folder: str) -> bool:
    """Whether the index may hold a file below `folder`, a path relative to the top level: then git must be asked.

    Names stand in it as they are, also those of folders further down, except in version 4, which shortens them, and in
    an index that is split in two (gitformat-index: the other half is a file named sharedindex in the git directory).
    """
    try:
        with open(index, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    if os.fsencode(folder.replace(os.sep, "/")) + b"/" in data:
        return True
    split = any(name.startswith("sharedindex.") for name in os.listdir(directory))
    return split or data[4:8] == b"\0\0\0\4"


_SHA256 = re.compile(r"^\s*objectformat\s*=\s*sha256\s*$", re.IGNORECASE | re.MULTILINE)


def object_format(start: str) -> Literal["sha1", "sha256"]:
    """Hash function of the repository around a folder (extensions.objectFormat, git-config); SHA-1 without one."""
    located = locate(start)
    if located is None:
        return "sha1"
    common = os.path.join(located[2], _line(os.path.join(located[2], "commondir")) or ".")
    try:
        with open(os.path.join(common, "config"), encoding="utf-8", errors="replace") as file:
            return "sha256" if _SHA256.search(file.read()) else "sha1"
    except OSError:
        return "sha1"
