"""`datalint init`: a commented datalint.yaml from what is found; it never overwrites one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from datalint import dataset
from datalint.errors import ExitCode, UsageError
from datalint.init import propose
from datalint.request import Request
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    import argparse

NAME = "datalint.yaml"


def run(arguments: argparse.Namespace) -> int:
    if os.path.lexists(NAME) and not arguments.stdout:
        raise UsageError(f"{NAME} is already here", hint="`datalint init --stdout` prints a proposal")
    workspace = open_workspace(Request(path=arguments.path))
    found = dataset.read(workspace.source, root=workspace.root)
    text = propose(found, path=os.path.relpath(arguments.path))
    if arguments.stdout:
        sys.stdout.write(text)
        return ExitCode.CLEAN
    try:
        with open(NAME, "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {NAME}: {error.strerror}") from error
    sys.stdout.write(f"wrote {NAME}\nnext: read what it assumed, then `datalint check`\n")
    return ExitCode.CLEAN
