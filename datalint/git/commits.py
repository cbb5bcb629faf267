"""Names of commits, and how commits are related."""

from __future__ import annotations

import os
import shutil
import tempfile

from datalint.errors import UsageError
from datalint.git.process import ask, run


class AmbiguousError(UsageError):
    """A name that git takes for one of several commits."""


def commit(top: str, ref: str) -> str:
    """Full id of a commit; raises UsageError for a ref that does not lead to one, or that may mean two.

    Of a tag and a branch git takes the tag: whoever may push one called `origin/main` would choose what counts.
    """
    words = ("-c", "core.warnAmbiguousRefs=true", "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
    process = ask(top, *words)
    if process.returncode:
        raise UsageError(f"no commit {ref!r} in {top}", hint="a shallow clone may lack it: `git fetch` it first")
    found = process.stdout.decode().strip()
    if b" is ambiguous" in process.stderr and ref != found:
        hint = f"name one in full, such as refs/remotes/{ref}: `git for-each-ref` lists them"
        raise AmbiguousError(f"{ref!r} may mean more than one commit in {top}", hint=hint)
    return found


def is_unborn(directory: str) -> bool:
    """Whether the branch that is checked out has no commit yet."""
    found = ask(directory, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").returncode
    return bool(found) and not ask(directory, "symbolic-ref", "--quiet", "HEAD").returncode


def fork(top: str, base: str, head: str | None = None) -> str | None:
    """Commit where `head` left the commit `base`; None where the two share none.

    Without a head: what is about to be committed. In the middle of a merge that has what is merged in as a parent too,
    and git-merge-base takes further commits for those of a merge that is yet to be made.
    """
    names = ["HEAD", *_merged(top)] if head is None else [commit(top, head)]
    return ask(top, "merge-base", base, *names).stdout.decode().strip() or None


def _merged(top: str) -> list[str]:
    """Commits that an unfinished merge takes in."""
    path = os.fsdecode(run(top, "rev-parse", "--git-path", "MERGE_HEAD").removesuffix(b"\n"))
    try:
        with open(os.path.join(top, path), encoding="ascii") as file:
            return file.read().split()
    except OSError:
        return []


def is_cut_off(top: str, head: str) -> bool:
    """Whether a commit has a parent that is not here, as the last one of a shallow clone."""
    head = commit(top, head)
    if ask(top, "rev-parse", "--verify", "--quiet", f"{head}^^{{commit}}").stdout:
        return False
    # As it was written: git itself says that such a commit has none.
    head_lines, _, _ = run(top, "cat-file", "commit", head).partition(b"\n\n")
    return b"\nparent " in head_lines


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
        written = ask(top, "write-tree", environment=elsewhere)
    return None if written.returncode else written.stdout.decode().strip()
