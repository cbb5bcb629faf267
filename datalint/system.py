"""Small files of the system: what cannot be read says nothing, it stops nothing."""

from __future__ import annotations

import os


def text(folder: str, name: str) -> str:
    """Content of a small file; empty when it cannot be read."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def number(folder: str, name: str) -> int | None:
    """A file that holds one whole number, else None."""
    found = text(folder, name).strip()
    return int(found) if found.isdigit() else None


def names(folder: str) -> list[str]:
    """What lies in a folder, sorted; nothing where it cannot be listed."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
