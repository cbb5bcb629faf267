"""`datalint cache`: where it lies and what is in it; drop what is useless, too much, or all."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from datalint import sides, trust
from datalint.errors import ExitCode, UsageError
from datalint.facts import upkeep
from datalint.readings import FOLDER
from datalint.report.words import count, printable
from datalint.sizes import byte_count, size
from datalint.workspace import cache_dirs

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    most = _most(arguments)
    folders = cache_dirs(arguments.config, arguments.cache_dir)
    present = [folder for folder in folders if os.path.isdir(folder)]
    for folder in present:
        if (arguments.prune or arguments.clear) and not trust.believable(folder):
            raise UsageError(f"{folder} is tracked by git and is not ours to change", hint="`git rm -r --cached` it")
        _one(folder, arguments, most)
    if not present:
        sys.stdout.write(f"{folders[0]}: there is no cache\n")
    return ExitCode.CLEAN


def _most(arguments: argparse.Namespace) -> int | None:
    if arguments.max_size is None:
        return None
    if not arguments.prune:
        raise UsageError("--max-size says how far --prune goes: give both")
    try:
        return byte_count(f"{arguments.max_size} B" if arguments.max_size.isdigit() else arguments.max_size)
    except ValueError as error:
        raise UsageError(f"--max-size: {error}", hint="such as 500MB or 2GiB") from error


def _one(folder: str, arguments: argparse.Namespace, most: int | None) -> None:
    before = upkeep.holding(folder)
    warnings = [*before.warnings]
    if arguments.clear or arguments.prune:
        sides.clear(folder)
    if arguments.clear:
        warnings += upkeep.clear(folder)
        shutil.rmtree(os.path.join(folder, FOLDER), ignore_errors=True)
    elif arguments.prune:
        warnings += upkeep.prune(folder, most_bytes=most)
    sys.stderr.writelines(f"datalint: {printable(warning)}\n" for warning in dict.fromkeys(warnings))
    now = upkeep.holding(folder) if arguments.clear or arguments.prune else before
    changed = f", {size(before.size - now.size)} less than before" if now.size < before.size else ""
    compared = sides.held(folder)
    stale = f", {now.stale:,} of them made by other versions" if now.stale else ""
    sys.stdout.write(
        f"{folder}: {size(now.size)}{changed}\n"
        f"  {count(now.facts, 'fact')} about images{stale}\n"
        f"  {count(now.signatures, 'file')} known by size, time and inode\n"
        f"  {count(now.verdicts, 'verdict')} of the index, {count(compared, 'side')} of comparisons\n"
    )
