"""One JSON object a line: the head of the document, then every finding, what was not checked, and the rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from datalint.report.document import to_document

if TYPE_CHECKING:
    from datalint.finding import Result
    from datalint.report.style import Style


def render(result: Result, out: TextIO, style: Style) -> None:  # noqa: ARG001 - every format has this signature
    """`type` tells the lines apart: result, finding, old, mended, not_checked, rule."""
    document = to_document(result)
    parts = {"finding": document.pop("findings")}
    if document["since"] is not None:
        parts |= {kind: document["since"].pop(kind) for kind in ("old", "mended")}
    parts |= {"not_checked": document.pop("not_checked"), "rule": document.pop("rules")}
    lines = [{"type": "result", **document}, *({"type": kind, **item} for kind in parts for item in parts[kind])]
    out.writelines(json.dumps(line, allow_nan=False) + "\n" for line in lines)
