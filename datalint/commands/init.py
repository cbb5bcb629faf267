"""`datalint init`: a commented datalint.yaml from what is found; it never overwrites one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from datalint import dataset
from datalint.dataset.inside import dataset_below
from datalint.errors import ExitCode
from datalint.init import SCHEMA_NAME, propose, refuse_to_replace, write, write_schema
from datalint.request import Request
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    if not arguments.stdout:
        refuse_to_replace(os.curdir)
    workspace = open_workspace(Request(path=arguments.path))
    found, path = dataset.read(workspace.source, root=workspace.root), arguments.path
    inside = dataset_below(workspace.source, workspace.root) if found.format == "imagefolder" else None
    if inside is not None:
        found, path = dataset.read(workspace.source, root=inside), os.path.join(workspace.source.base, inside)
    text = propose(found, path=os.path.relpath(path), schema=SCHEMA_NAME if arguments.schema else None)
    if arguments.stdout:
        sys.stdout.write(text)
        return ExitCode.CLEAN
    written = [write(os.curdir, text), *([write_schema(os.curdir)] if arguments.schema else [])]
    sys.stdout.write(f"wrote {' and '.join(map(os.path.normpath, written))}\n")
    sys.stdout.write("next: read what it assumed, then `datalint check`\n")
    return ExitCode.CLEAN
