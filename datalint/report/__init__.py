"""Report formats: one module each, with `render(result, out, style)`; this dict is the register."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TextIO, cast

if TYPE_CHECKING:
    from datalint.finding import Result
    from datalint.report.style import Style

FORMATS = {
    "text": "datalint.report.text",
    "concise": "datalint.report.concise",
    "json": "datalint.report.json",
    "jsonl": "datalint.report.jsonl",
    "github": "datalint.report.github",
    "sarif": "datalint.report.sarif",
    "gitlab": "datalint.report.gitlab",
    "junit": "datalint.report.junit",
    "markdown": "datalint.report.markdown",
}


class Report(Protocol):
    """What every format module offers."""

    def render(self, result: Result, out: TextIO, style: Style) -> None: ...


def load(name: str) -> Report:
    """The module of one format; imported only when it is asked for."""
    return cast("Report", import_module(FORMATS[name]))
