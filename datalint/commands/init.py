"""`datalint init`: a commented datalint.yaml from what is found; it never overwrites one."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint import dataset
from datalint.dataset import layout, sequences
from datalint.dataset.inside import clear_place
from datalint.entry import display
from datalint.errors import ExitCode, UnfinishedError
from datalint.init import RULES, SCHEMA_NAME, propose, refuse_to_replace, write, write_schema
from datalint.report.words import count
from datalint.request import Request
from datalint.rule.load import is_rule_file
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    import argparse

    from datalint.dataset import Dataset
    from datalint.script.recipe import Proposal
    from datalint.workspace import Workspace


def run(arguments: argparse.Namespace) -> int:
    if not arguments.stdout:
        refuse_to_replace(os.curdir)
    said = _said(arguments.from_script)
    workspace = open_workspace(Request(path=arguments.path))
    found, path = _dataset(workspace, arguments.path, said)
    if not found.files and not layout.IMAGE_LIKE.intersection(map(str, found.skipped.columns["suffix"])):
        raise UnfinishedError(f"no images in {display(arguments.path)}: nothing was written; name the dataset's folder")
    text = propose(
        found,
        path=os.path.relpath(path),
        schema=SCHEMA_NAME if arguments.schema else None,
        said=said,
        groupings=list(sequences.seen(found)),
        rules=any(is_rule_file(name) for _, _, names in os.walk(RULES) for name in names),
    )
    if arguments.stdout:
        sys.stdout.write(text)
        return ExitCode.CLEAN
    written = [write(os.curdir, text), *([write_schema(os.curdir)] if arguments.schema else [])]
    sys.stdout.write(f"wrote {' and '.join(map(os.path.normpath, written))}\n")
    if said is not None:
        sys.stdout.write(_read_of(said))
    sys.stdout.write("next: read what it assumed, then `datalint check`\n")
    return ExitCode.CLEAN


def _said(path: str | None) -> Proposal | None:
    if path is None:
        return None
    from datalint.script import recipe  # only those who name a script pay for it

    return recipe.read(path)


def _read_of(said: Proposal) -> str:
    if not said.values:
        return f"nothing of how it trains was recognised in {said.script}: the recipe is assumed\n"
    asked = len({key for key, _ in said.notes} - said.values.keys())
    more = f"; {count(asked, 'key')} of it the script leaves open" if asked else ""
    return f"read {said.script}: {count(len(said.values), 'value')} inferred{more}\n"


def _dataset(workspace: Workspace, path: str, said: Proposal | None) -> tuple[Dataset, str]:
    """What lies at the path, or at the one place below it that clearly holds the dataset."""
    framework, loader = ("keras", "") if said is None else (said.framework, said.loader)
    found = dataset.read(workspace.source, root=workspace.root, framework=framework, loader=loader)
    inside = clear_place(workspace.source, workspace.root) if found.format == "imagefolder" else None
    if inside is None:
        return found, path
    found = dataset.read(workspace.source, root=inside.root, framework=framework, loader=loader)
    if inside.left_out:
        found = replace(found, assumptions=(*found.assumptions, inside.left_out))
    return found, os.path.join(workspace.source.base, inside.root)
