"""How a report may look: colour, how many findings of one rule are shown, and what counts as failed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


@dataclass(frozen=True, slots=True)
class Style:
    """`limit` is the number of findings shown per rule in `text`; 0 shows all.

    `fail_on` is what blocks, for formats that know only passed and failed.
    """

    color: bool = False
    limit: int = 10
    fail_on: str = "error"

    def paint(self, text: str, *styles: str) -> str:
        if not self.color or not styles:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def wants_color(choice: str, out: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """`--color` first, then NO_COLOR (no-color.org), FORCE_COLOR, then whether `out` is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return out.isatty() and environment.get("TERM") != "dumb"
