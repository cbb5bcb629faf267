"""`datalint explain RULE`: the rule's page, with the values in force here."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from datalint.config import RuleSetting
from datalint.errors import ExitCode, UsageError
from datalint.report.style import Style, wants_color
from datalint.ruleset import all_rules, builtin_rules
from datalint.similar import did_you_mean
from datalint.workspace import open_home

if TYPE_CHECKING:
    import argparse

    from datalint.config import Config
    from datalint.rule.model import Rule


def run(arguments: argparse.Namespace) -> int:
    workspace = open_home(arguments.config)
    rules = {rule.id: rule for rule in builtin_rules(tests=False)}
    if arguments.rule not in rules:
        # A rule of the user's own that is broken keeps nobody from ours.
        rules = {rule.id: rule for rule in all_rules(workspace.source, workspace.home, workspace.config)}
    rule = rules.get(arguments.rule)
    if rule is None:
        raise UsageError(
            f"unknown rule {arguments.rule!r}",
            hint=did_you_mean(arguments.rule, rules) or _where(arguments.rule, workspace.config),
        )
    setting = workspace.config.rules.settings.get(rule.id, RuleSetting())
    style = Style(color=wants_color(arguments.color, sys.stdout))
    sys.stdout.write(page(rule, setting, style))
    return ExitCode.CLEAN


def _where(rule: str, config: Config) -> str:
    if "/" in rule and not config.rules.paths:
        return "rules of your own are those of the folders in `rules.paths`, which names none here"
    return "`datalint rules` lists them"


def _named(rule: Rule) -> tuple[str, ...]:
    """What tells one finding from another: its path where it has one, else the columns of its key."""
    names = ("path",) if "path" in rule.key else rule.key
    return tuple(f'{name}: "..."' for name in names)


def page(rule: Rule, setting: RuleSetting, style: Style) -> str:
    """Title, why, parameters, remedy, how to accept it, SQL."""
    severity = "off" if setting.off else (setting.severity or rule.severity).value
    default = "" if severity == rule.severity.value else f" (default: {rule.severity.value})"
    lines = [
        f"{style.paint(rule.id, 'bold')}: {rule.title}",
        f"{severity}{default}, {rule.family.headline}" + (f", tags {', '.join(rule.tags)}" if rule.tags else ""),
        "",
        rule.docs.strip(),
        "",
    ]
    if rule.params:
        lines.append(style.paint("parameters", "bold"))
        for param in rule.params.values():
            value = setting.params.get(param.name, param.default)
            origin = "" if param.name in setting.params else " (default)"
            meaning = f": {param.doc}" if param.doc else ""
            lines.append(f"  {param.name} = {json.dumps(value, ensure_ascii=False)}{origin}{meaning}")
        lines.append("")
    if rule.remedy:
        lines += [style.paint("next step", "bold"), f"  {rule.remedy}", ""]
    lines += [
        style.paint("to accept a finding, in datalint.yaml", "bold"),
        "  ignore:",
        f'    - {{rule: {rule.id}, {", ".join(_named(rule))}, reason: "..."}}',
        "",
        style.paint("query", "bold"),
        *(f"  {line}" for line in rule.sql.strip().splitlines()),
    ]
    return "\n".join(lines) + "\n"
