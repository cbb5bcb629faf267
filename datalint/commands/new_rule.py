"""`datalint new-rule acme/name`: a rule file to start from, with two tests that show how."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from datalint.errors import ExitCode, UnfinishedError, UsageError
from datalint.rule.new import CUSTOM_ID, text_of

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    if not CUSTOM_ID.fullmatch(arguments.rule):
        raise UsageError(
            f"{arguments.rule!r} is not a name for a rule of your own",
            hint="namespace/name in lower case with dashes, as in acme/min-resolution",
        )
    path = os.path.join(arguments.folder, arguments.rule.split("/", 1)[1] + ".yaml")
    try:
        os.makedirs(arguments.folder, exist_ok=True)
        with open(path, "x", encoding="utf-8") as file:
            file.write(text_of(arguments.rule))
    except FileExistsError as error:
        raise UsageError(f"{path} is already there") from error
    except OSError as error:
        raise UnfinishedError(f"cannot write {path}: {error.strerror}") from error
    sys.stdout.write(
        f"wrote {path}\n"
        f"next: edit it, then `datalint test {path}`\n"
        f"to use it, in datalint.yaml: rules: {{paths: [{arguments.folder}]}}\n"
    )
    return ExitCode.CLEAN
