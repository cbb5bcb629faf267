"""One JSON object a line: the head of the document, then every finding, then what was not checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from datalint.report.document import to_document

if TYPE_CHECKING:
    from datalint.finding import Result
    from datalint.report.style import Style


def render(result: Result, out: TextIO, style: Style) -> None:  # noqa: ARG001 - every format has this signature
    """`type` tells the lines apart: result, finding, not_checked."""
    document = to_document(result)
    findings, not_checked = document.pop("findings"), document.pop("not_checked")
    lines = [
        {"type": "result", **document},
        *({"type": "finding", **item} for item in findings),
        *({"type": "not_checked", **item} for item in not_checked),
    ]
    out.writelines(json.dumps(line, allow_nan=False) + "\n" for line in lines)
