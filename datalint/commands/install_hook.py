"""`datalint install-hook`: a native git hook; it never overwrites another one."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from datalint import git
from datalint.errors import ExitCode, UnfinishedError, UsageError

if TYPE_CHECKING:
    import argparse

_HOOK = """\
#!/bin/sh
# Written by `datalint install-hook`. Refuses a commit that would leave the dataset untrainable.
# To leave it out once: git commit --no-verify
exec {command} check --staged
"""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every verb has this signature
    folder = git.hooks_folder(os.getcwd())
    path = os.path.join(folder, "pre-commit")
    text = _HOOK.format(command=f"{shlex.quote(sys.executable)} -m datalint")
    try:
        os.makedirs(folder, exist_ok=True)
        # Exclusive creation: two runs at once cannot overwrite each other either.
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        if _is_ours(path, text):
            sys.stdout.write(f"{path} is already there\n")
            return ExitCode.CLEAN
        raise UsageError(
            f"{path} exists and was not written by this datalint",
            hint="add this line to it: " + text.splitlines()[-1].removeprefix("exec ") + " || exit $?",
        ) from None
    except OSError as error:
        raise UnfinishedError(f"cannot write {path}: {error.strerror}") from error
    sys.stdout.write(f"wrote {path}\n")
    return ExitCode.CLEAN


def _is_ours(path: str, text: str) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read() == text
    except (OSError, UnicodeDecodeError):
        return False
