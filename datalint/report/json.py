"""The result as one versioned JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from datalint.report.document import to_document

if TYPE_CHECKING:
    from datalint.finding import Result
    from datalint.report.style import Style


def render(result: Result, out: TextIO, style: Style) -> None:  # noqa: ARG001 - every format has this signature
    """Indented, ASCII-safe, with a final newline; strict JSON (no NaN)."""
    json.dump(to_document(result), out, indent=2, allow_nan=False)
    out.write("\n")
