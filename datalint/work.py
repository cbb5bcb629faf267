"""What an engine hands back in the place of an item that its worker did not survive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lost:
    cause: str
    """decoder-crash or decoder-hang."""
    detail: str
