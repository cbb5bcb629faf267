"""`datalint rules`: every rule with its severity here, family and title."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from datalint.errors import ExitCode
from datalint.ruleset import all_rules
from datalint.workspace import open_home

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    workspace = open_home(arguments.config)
    rules = all_rules(workspace.source, workspace.home, workspace.config)
    rows = []
    for rule in rules:
        setting = workspace.config.rules.settings.get(rule.id)
        severity = (setting.severity if setting else None) or rule.severity
        rows.append(
            {
                "id": rule.id,
                "severity": "off" if setting and setting.off else severity.value,
                "family": rule.family.value,
                "title": rule.title,
                "tags": list(rule.tags),
                "file": rule.file,
            }
        )
    if arguments.output == "json":
        json.dump(rows, sys.stdout, indent=2)
        sys.stdout.write("\n")
        return ExitCode.CLEAN
    width = max(len(str(row["id"])) for row in rows)
    for row in rows:
        sys.stdout.write(f"{row['id']:<{width}}  {row['severity']:<7}  {row['family']:<8}  {row['title']}\n")
    return ExitCode.CLEAN
