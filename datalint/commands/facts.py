"""`datalint facts`: the tables that rules read, for authors who explore before they write a rule."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from datalint import check, nearby, progress
from datalint.commands.check import request_of
from datalint.errors import ExitCode, UsageError
from datalint.report.words import printable
from datalint.rule.engine import RuleEngine
from datalint.rule.handover import extra_columns
from datalint.tables import TABLES
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    import argparse

    from datalint.tables import Data

FORMATS = ("csv", "jsonl", "parquet")
_DEFAULT = (
    "select s.split, s.label, s.group_key, s.line, f.*{own} from samples s join files f on f.file_id = s.file_id "
    "order by s.sample_id"
)


def run(arguments: argparse.Namespace) -> int:
    name, _, file = arguments.output.partition("=")
    if name not in FORMATS:
        raise UsageError(f"unknown output format {name!r}: one of {', '.join(FORMATS)}")
    if name == "parquet" and not file:
        raise UsageError("parquet is not text: name a file, -o parquet=FILE")
    if arguments.sql is not None and not arguments.sql.strip():
        raise UsageError("--sql: the query is empty")
    request = request_of(arguments)
    near = nearby.Asked.ALL if re.search(r"\bnear\b", arguments.sql or "", re.IGNORECASE) else nearby.Asked.NOTHING
    with RuleEngine() as engine:
        workspace = open_workspace(request)
        with progress.bar("reading images") as advance:
            evidence = check.collect(workspace, request, near=near, progress=advance)
        for warning in evidence.notes:
            sys.stderr.write(f"datalint: {printable(warning)}\n")
        query = arguments.sql or default(evidence.tables["samples"])
        engine.export(evidence.tables, query, format=name, file=file or None, out=sys.stdout.buffer)
    return ExitCode.CLEAN


def default(samples: Data) -> str:
    """Every sample with all that is known of its file, and the columns that the user's manifest has besides."""
    files = {column.name for column in TABLES["files"].columns}
    own = ""
    for name in extra_columns({"samples": samples}):
        quoted = name.replace('"', '""')
        own += f', s."{quoted}"' + (f' as "{quoted} (manifest)"' if name.lower() in files else "")
    return _DEFAULT.format(own=own)
