"""`datalint diff`: what became of a dataset between two commits, folders or manifests."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint import git, progress, since
from datalint.commands.check import looking, outputs_of, tell
from datalint.errors import UnfinishedError, UsageError

if TYPE_CHECKING:
    import argparse

    from datalint.request import Request


def run(arguments: argparse.Namespace) -> int:
    outputs = outputs_of(arguments)
    asked = looking(arguments)
    earlier = _side(arguments.a, asked)
    later = asked if arguments.b is None else _side(arguments.b, asked)
    with progress.bar("reading images") as advance:
        judged = since.diff(earlier, later, name=arguments.a, progress=advance)
    return tell(judged.result, judged.fail_on, outputs, arguments)


def _side(word: str, asked: Request) -> Request:
    """A path where there is one, else a commit; raises UsageError for neither, and for a word that is both."""
    here, commit = os.path.lexists(word), _is_commit(word)
    if here and commit and os.path.basename(word) == word:
        hint = f"./{word} is the path, refs/heads/{word} a branch"
        raise UsageError(f"{word!r} is a path and a commit", hint=hint)
    if here:
        return replace(asked, path=word)
    if commit:
        return replace(asked, tree=word)
    raise UsageError(f"{word!r} is neither a path nor a commit", hint=_no_repository())


def _no_repository() -> str:
    """Why git knows no commit at all from here; empty where it does."""
    try:
        git.top_level(os.getcwd())
    except UsageError as error:
        return f"{error.message}: {error.hint}" if error.hint else error.message
    return ""


def _is_commit(word: str) -> bool:
    try:
        git.commit(os.getcwd(), word)
    except git.AmbiguousError:
        raise
    except (UsageError, UnfinishedError):
        return False
    return True
