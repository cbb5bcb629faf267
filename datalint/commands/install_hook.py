"""`datalint install-hook`: native git hooks; it never overwrites another one."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from datalint import git
from datalint.errors import ExitCode, UnfinishedError, UsageError

if TYPE_CHECKING:
    import argparse

_COMMIT = """\
#!/bin/sh
# Written by `datalint install-hook`. Refuses a commit that would leave the dataset untrainable.
# To leave it out once: git commit --no-verify
exec {command} check --staged
"""
_MERGE = _COMMIT.replace("a commit", "a merge").replace("git commit", "git merge")
# git writes a line for each ref: its name here, its commit, its name there, the commit that it has there (githooks(5)).
_PUSH = """\
#!/bin/sh
# Written by `datalint install-hook --type pre-push`. Refuses a push of a commit whose dataset would not train.
# To leave it out once: git push --no-verify
code=0
while read -r _ commit _ base; do
    case "$commit" in *[!0]*) ;; *) continue ;; esac  # the ref is deleted: nothing is pushed
    git cat-file -e "$base^{{commit}}" 2>/dev/null || base=  # a new ref, or a commit that this clone lacks
    {command} check --tree "$commit" ${{base:+--base "$base"}} </dev/null || code=$?
done
exit $code
"""
_HOOKS = {"pre-commit": _COMMIT, "pre-merge-commit": _MERGE, "pre-push": _PUSH}


def run(arguments: argparse.Namespace) -> int:
    folder = git.hooks_folder(os.getcwd())
    # The repository that is judged has no say in what Python loads from the working directory.
    command = f"{shlex.quote(sys.executable)} -P -m datalint"
    for name in dict.fromkeys(arguments.type or ["pre-commit"]):
        _install(os.path.join(folder, name), _HOOKS[name].format(command=command), command)
    return ExitCode.CLEAN


def _install(path: str, text: str, command: str) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # Exclusive creation: two runs at once cannot overwrite each other either.
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        if not os.path.isdir(folder := os.path.dirname(path)):
            raise UsageError(
                f"{folder} is no folder, and git looks for hooks there", hint="see `git config core.hooksPath`"
            ) from None
        if _is_ours(path, text):
            sys.stdout.write(f"{path} is already there\n")
            return
        raise UsageError(
            f"{path} exists and was not written by this datalint", hint=_hint(path, text, command)
        ) from None
    except OSError as error:
        raise UnfinishedError(f"cannot write {path}: {error.strerror}") from error
    sys.stdout.write(f"wrote {path}\n")


def _hint(path: str, text: str, command: str) -> str:
    if os.path.basename(path) != "pre-push":
        return f"add this line to it: {command} check --staged || exit $?"
    return "add these lines to it, before anything else reads its input:\n" + "\n".join(text.splitlines()[3:])


def _is_ours(path: str, text: str) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read() == text
    except (OSError, UnicodeDecodeError):
        return False
