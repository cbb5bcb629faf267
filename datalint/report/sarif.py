"""SARIF 2.1.0, within what GitHub's code scanning takes: the worst results first, and the rest counted in words.

Limits: https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote

from datalint import __version__
from datalint.finding import RuleInfo, Severity
from datalint.outcome import RULE_FAILED
from datalint.report.words import count, place_of, readable, worst_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.finding import Finding, NotChecked, Result
    from datalint.report.style import Style

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RESULTS = 25_000
"""Results of a run that are taken; of these the 5,000 worst are shown."""
SHOWN = 5_000
BYTES = 10_000_000
"""Of the compressed file."""
TAGS = 20
LETTERS = 1024
"""Of a rule's descriptions."""
NOTIFICATIONS = 1000

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}

Document = dict[str, Any]


def render(result: Result, out: TextIO, style: Style) -> None:  # noqa: ARG001 - every format has this signature
    """One run. With `since`, new results come before unchanged ones; those that are mended are only counted.

    SARIF lists them as `absent`; code scanning documents no such state, and an alert for what is mended is wrong.
    """
    found = _ordered(result)
    kept = found[:RESULTS]
    text = _written(result, kept, len(found))
    while kept and _too_large(text):
        kept = kept[: len(kept) * 2 // 3]
        text = _written(result, kept, len(found))
    out.write(text)


def _ordered(result: Result) -> list[tuple[Finding, str | None]]:
    """Findings and whether they are new, where anybody asked."""
    if result.since is None:
        return [(finding, None) for finding in worst_first(result.findings)]
    new = [(finding, "new") for finding in worst_first(result.findings)]
    return [*new, *((finding, "unchanged") for finding in worst_first(result.since.old))]


def _too_large(text: str) -> bool:
    # Never larger when compressed: most reports are not measured.
    data = text.encode()
    return len(data) > BYTES and len(gzip.compress(data, 6)) > BYTES


def _written(result: Result, kept: Sequence[tuple[Finding, str | None]], total: int) -> str:
    rules = _rules(result, [finding for finding, _ in kept])
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    places = Counter(_spot(finding) for finding, _ in kept)
    run: Document = {
        "tool": {"driver": {"name": "datalint", "semanticVersion": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not any(item.what.startswith(RULE_FAILED) for item in result.not_checked),
                "toolExecutionNotifications": _notifications(result, len(kept), total),
            }
        ],
        "results": [
            _result(finding, state, index[finding.rule], alone=places[_spot(finding)] == 1) for finding, state in kept
        ],
        "properties": {
            "verdict": result.verdict.value,
            "dataset": readable(result.dataset.name),
            "target": readable(result.target),
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _spot(finding: Finding) -> tuple[str, str, int]:
    return (finding.rule, *place_of(finding))


def _rules(result: Result, findings: Sequence[Finding]) -> list[Document]:
    """Those of the results, by name; what is said of the ignores themselves has no rule file."""
    known = {rule.id: rule for rule in result.rules}
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.rule, finding)
    return [_rule(known.get(name) or _unknown(first[name])) for name in sorted(first)]


def _unknown(finding: Finding) -> RuleInfo:
    return RuleInfo(finding.rule, finding.rule.replace("-", " "), finding.severity, finding.family, (), "")


def _rule(rule: RuleInfo) -> Document:
    title, why = readable(rule.title), "\n".join(readable(line) for line in rule.why.splitlines()).strip()
    why = why or title
    return {
        "id": rule.id,
        "shortDescription": {"text": _short(title)},
        "fullDescription": {"text": _short(why.split("\n\n")[0].replace("\n", " "))},
        "help": {"text": why, "markdown": f"**{title}** ({rule.family.headline})\n\n{why}\n"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": list(dict.fromkeys((rule.family.value, *map(readable, rule.tags))))[:TAGS],
            "problem.severity": _PROBLEMS[rule.severity],
        },
    }


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def _result(finding: Finding, state: str | None, rule: int, *, alone: bool) -> Document:
    text = f"{finding.message}\n{finding.remedy}" if finding.remedy else finding.message
    prints = {"datalint/v1": finding.fingerprint}
    if not alone:
        # GitHub reckons this one from the line that is pointed at: several of a rule at one place would be one alert.
        prints["primaryLocationLineHash"] = f"{finding.fingerprint}:1"
    document: Document = {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": "\n".join(readable(line) for line in text.split("\n"))},
        "locations": [_location(*place_of(finding))],
        "partialFingerprints": prints,
    }
    if finding.path and finding.manifest is not None and finding.path != finding.manifest:
        document["relatedLocations"] = [_location(finding.path, 1)]
    if finding.other_path:
        document.setdefault("relatedLocations", []).append(_location(finding.other_path, 1))
    if state is not None:
        document["baselineState"] = state
    return document


def _location(path: str, line: int) -> Document:
    return {"physicalLocation": {"artifactLocation": {"uri": uri(path)}, "region": {"startLine": line}}}


def uri(path: str) -> str:
    """Relative, percent-encoded byte by byte: a colon in the first part would read as a scheme."""
    path = path.removeprefix("./")
    return quote(path.encode("utf-8", "surrogateescape") if not _lone(path) else path.encode("utf-8", "surrogatepass"))


def _lone(path: str) -> bool:
    """Whether a surrogate is there that stands for no byte of a name."""
    return any("\ud800" <= letter <= "\udfff" and not "\udc80" <= letter <= "\udcff" for letter in path)


def _notifications(result: Result, kept: int, total: int) -> list[Document]:
    told = []
    if kept < total:
        are = "is" if total - kept == 1 else "are"
        told.append(
            _notification(
                "warning",
                f"{count(total, 'finding')} in all: the {kept:,} worst are here, the other {total - kept:,} {are} not, "
                f"for code scanning takes no more; it shows {SHOWN:,}",
            )
        )
    if result.since is not None and result.since.mended:
        mended = count(len(result.since.mended), "finding")
        told.append(_notification("note", f"mended since {result.since.base}: {mended}"))
    told += [_unchecked(item) for item in result.not_checked[:NOTIFICATIONS]]
    more = len(result.not_checked) - NOTIFICATIONS
    if more > 0:
        told.append(_notification("warning", f"{more:,} more were not checked"))
    return [*told, *(_notification("note", note) for note in result.notes)]


def _unchecked(item: NotChecked) -> Document:
    level = "error" if item.what.startswith(RULE_FAILED) else "warning"
    return _notification(level, f"not checked: {item.what}: {item.reason}")


def _notification(level: str, text: str) -> Document:
    return {"level": level, "message": {"text": readable(text)}}
