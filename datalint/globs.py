"""Globs as in .gitignore, as regular expressions."""

from __future__ import annotations

import re


def glob_pattern(glob: str) -> str:
    """The regular expression (for a full match) of a .gitignore glob; no glob makes it slow.

    Without a slash before its end it matches a name at any depth; a folder takes all below it along.
    """
    parts = glob.strip("/").split("/")
    if "/" not in glob.rstrip("/"):
        parts.insert(0, "**")
    # A trailing slash, or `/**`, asks for what lies below a folder.
    below = "/.+" if glob.endswith("/") or parts[-1] == "**" else "(?:/.+)?"
    while parts and parts[-1] == "**":
        parts.pop()
    if not parts:
        return ".+"
    first, *rest = _split(parts)
    words = ["".join(f"{_part_pattern(part)}/" for part in first)]
    for index, run in enumerate(rest):
        text = "/".join(map(_part_pattern, run))
        last = index == len(rest) - 1
        # The leftmost place of a run leaves the most for what follows: no other need be tried (atomic group).
        words.append(f"(?:[^/]+/)*{text}" if last else f"(?>(?:[^/]+/)*?{text}/)")
    return ("".join(words) if rest else words[0].removesuffix("/")) + below


def _split(parts: list[str]) -> list[list[str]]:
    """Runs of parts between `**`; only the first may be empty."""
    runs: list[list[str]] = [[]]
    for before, part in zip(["", *parts], parts, strict=False):
        if part != "**":
            runs[-1].append(part)
        elif before != "**":
            runs.append([])
    return runs


def _part_pattern(part: str) -> str:
    """One name: what stands between two stars is found at its leftmost place, as fnmatch does."""
    first, *rest = _pieces(part)
    words = [first]
    words += [f"(?>[^/]*?{piece})" for piece in rest[:-1]]
    return "".join(words) + "".join(f"[^/]*{piece}" for piece in rest[-1:])


def _pieces(part: str) -> list[str]:
    """The patterns between the stars of a name."""
    pieces = [""]
    place = 0
    while place < len(part):
        letter = part[place]
        found = _CLASS.match(part, place)
        place += 1
        if letter == "*":
            pieces.append("")
        elif letter == "?":
            pieces[-1] += "[^/]"
        elif letter == "\\" and place < len(part):
            pieces[-1] += re.escape(part[place])
            place += 1
        elif found:
            pieces[-1] += _class_pattern(found[1], found[2])
            place = found.end()
        else:
            pieces[-1] += re.escape(letter)
    return pieces


_CLASS = re.compile(r"\[([!^]?)(\]?[^\]]*)\]")


def _class_pattern(negation: str, inner: str) -> str:
    r"""`[a-z]` and `[!a-z]`; one that makes no sense, such as `[z-a]`, matches nothing, as in git."""
    escaped = re.sub(r"([\\\[\]&~|])", r"\\\1", inner)
    pattern = f"[{'^/' if negation else ''}{escaped}]"
    try:
        re.compile(pattern)
    except re.error:
        return "(?!)"
    return pattern
