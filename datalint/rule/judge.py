"""Rows that a rule returned -> findings."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from datalint.finding import Finding, RuleInfo, Severity, Value, fingerprint
from datalint.tables import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from datalint.rule.model import Bound, Rule
    from datalint.rule.outcome import Outcome


def judge(
    bound: Bound, outcome: Outcome, *, manifest: str | None = None, manifests: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """One finding a row. A severity that the user set beats the row's, which beats the rule's.

    `manifest` is that of the dataset, where it has one: every line that a rule tells is a line of it. Where it has
    several, `manifests` says by the path of an image which one names it.
    """
    rule = bound.rule
    several = manifests or {}
    for cells in outcome.rows:
        row = dict(zip(outcome.columns, cells, strict=True))
        names = {**bound.params, **row}
        severity, remark = _severity(rule, row)
        values = {name: _value(value) for name, value in row.items()}
        path, line = text(row.get("path")), _line(row.get("line"))
        lists = manifest or text(row.get("manifest")) or several.get(path or "")
        yield Finding(
            rule=rule.id,
            severity=bound.severity or severity,
            family=rule.family,
            message=(_sentence(rule, "message", names) or rule.title) + remark,
            remedy=_sentence(rule, "remedy", names),
            path=path,
            line=line,
            manifest=None if line is None or path == lists else lists,
            other_path=text(row.get("other_path")),
            fingerprint=fingerprint(rule.id, {name: values.get(name) for name in rule.key}),
            values=values,
        )


def told(rules: Iterable[Bound], findings: Iterable[Finding]) -> list[RuleInfo]:
    """What reports say of the rules that found something, by name."""
    found = {finding.rule for finding in findings}
    return [
        RuleInfo(rule.id, rule.title, bound.severity or rule.severity, rule.family, rule.tags, rule.docs)
        for bound in sorted(rules, key=lambda bound: bound.rule.id)
        if (rule := bound.rule).id in found
    ]


def twins(rules: Iterable[Bound], findings: Iterable[Finding]) -> Iterator[str]:
    """Notes about the user's own rules whose `key` does not tell their findings apart; ours are tested for it."""
    keys: dict[str, Counter[str]] = {bound.rule.id: Counter() for bound in rules if "/" in bound.rule.id}
    for finding in findings:
        if finding.rule in keys:
            keys[finding.rule][finding.fingerprint] += 1
    for rule, found in keys.items():
        if found.total() > len(found):
            shared = f"{len(found):,} {'key' if len(found) == 1 else 'keys'}"
            yield (
                f"{rule}: {found.total():,} findings share {shared}, so that the baseline and --since take one for "
                "the other: name further columns in its `key`"
            )


def _severity(rule: Rule, row: Mapping[str, Any]) -> tuple[Severity, str]:
    given = row.get("severity")
    if given is None:
        return rule.severity, ""
    try:
        return Severity(given), ""
    except ValueError:
        return rule.severity, f" (the rule calls it {given!r}, which is no severity)"


def _sentence(rule: Rule, key: str, names: Mapping[str, Any]) -> str:
    template = rule.templates.get(key)
    if template is None:
        return ""
    try:
        return template.render(names).strip()
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        return f"{rule.title} (its {key} cannot be written: {error})"


def _value(value: Any) -> Value:
    return value if value is None or isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)


def _line(value: Any) -> int | None:
    """Lines count from 1; anything else a rule returns is no line."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 1 else None
