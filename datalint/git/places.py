"""Where a repository has what, and how it is set up."""

from __future__ import annotations

import functools
import os

from datalint.git.process import ask, run


def top_level(directory: str) -> str:
    """Absolute path of the work tree that holds `directory`."""
    return os.fsdecode(run(directory, "rev-parse", "--show-toplevel").removesuffix(b"\n"))


def hooks_folder(directory: str) -> str:
    """Where git looks for hooks (core.hooksPath counts)."""
    found = run(directory, "rev-parse", "--git-path", "hooks").removesuffix(b"\n")
    return os.path.join(directory, os.fsdecode(found))


def common_folder(directory: str) -> str:
    """The repository's shared folder, which holds `objects` and `lfs`."""
    found = run(directory, "rev-parse", "--git-common-dir").removesuffix(b"\n")
    return os.path.join(directory, os.fsdecode(found))


def setting(directory: str, name: str) -> str | None:
    """A value of git's configuration, which only the owner of this machine writes."""
    process = ask(directory, "config", "--type=path", "--get", name)
    return None if process.returncode else os.fsdecode(process.stdout.removesuffix(b"\n"))


@functools.cache
def is_partial(directory: str) -> bool:
    """Whether a remote has promised objects that this clone lacks (`git clone --filter`)."""
    words = ("config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$")
    return not ask(directory, *words).returncode
