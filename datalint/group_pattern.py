"""`dataset.group`: which part of a path is the group. No pattern and no name make it slow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    Token = tuple[str, str]

_TOKEN = re.compile(
    r"(?P<group>\{group\})|\\(?P<escaped>.)|(?P<star>\*)|(?P<digits>#)|(?P<odd>[{}\\][^/*#]*)|(?P<text>.)", re.DOTALL
)
_OPEN = frozenset({"group", "star"})
_WILD: dict[str, str] = {"group": "([^/]+?)", "star": "[^/]*?"}
_LONGEST_PATTERN = 200
_LONGEST_PATH = 4096
"""Characters, as in Linux' PATH_MAX: a cell of a hostile manifest may be any length."""


@dataclass(frozen=True, slots=True)
class GroupPattern:
    """Matches the end of a path, as many parts of it as the pattern has itself."""

    text: str
    depth: int
    pattern: re.Pattern[str]

    def group(self, path: str) -> str | None:
        """What `{group}` stands for, several of them joined by slashes; None where the path does not match."""
        start = len(path)
        for _ in range(self.depth):
            start = path.rfind("/", 0, start)
            if start < 0:
                break
        if len(path) - start > _LONGEST_PATH:
            return None
        found = self.pattern.fullmatch(path, start + 1)
        return found and (found[1] if found.re.groups == 1 else "/".join(found.groups()))


def compiled(text: str) -> GroupPattern:
    r"""UsageError, without a place, for what is no pattern.

    `{group}` is at least one character, as few as the rest allows; `*` is anything, `#` all digits in a row, and `\`
    takes the next character as it is; none of them is a slash. The name matches with or without its suffix.
    """
    if len(text) > _LONGEST_PATTERN:
        raise UsageError(f"longer than {_LONGEST_PATTERN} characters")
    parts = [list(_tokens(part)) for part in text.split("/")]
    if not all(parts) or any(part in (".", "..") for part in text.split("/")):
        raise UsageError(
            f"a part of {text!r} is no name", hint="a pattern begins and ends with a name, not with a slash"
        )
    if not any(kind == "group" for part in parts for kind, _ in part):
        hint = "it marks the group, as in '{group}_frame_#'; a column of a manifest is named in dataset.columns.group"
        raise UsageError(f"no {{group}} in {text!r}", hint=hint)
    *folders, name = [_part(part) for part in parts]
    suffix = "" if parts[-1][-1][0] == "star" else r"(?:\.[^./]*)?"
    # A part has one match or none, so nothing that follows need try another (atomic group).
    words = "".join(f"(?>{folder}/)" for folder in folders) + name + suffix
    return GroupPattern(text, len(parts), re.compile(words, re.DOTALL))


def _tokens(part: str) -> Iterator[Token]:
    """Kind and text; UsageError where two of them leave open which one takes what."""
    before: Token = ("", "")
    for found in _TOKEN.finditer(part):
        kind = found.lastgroup or ""
        if kind == "odd":
            hint = "{group} is the group, * is anything, # is digits; a backslash before one of them takes it as it is"
            raise UsageError(f"{found[0]!r} is not understood", hint=hint)
        token = ("text", found["escaped"]) if kind == "escaped" else (kind, found[0])
        if before[0] in _OPEN and token[0] in _OPEN:
            raise UsageError(f"nothing tells where {before[1]} ends in {before[1] + token[1]!r}")
        if before[0] == "digits" and (token[0] == "digits" or token[1] in "0123456789"):
            raise UsageError(f"{before[1] + token[1]!r} matches nothing: # takes all digits in a row")
        yield token
        before = token


def _part(tokens: list[Token]) -> str:
    """One name: what stands between two open ends is found at its leftmost place, which leaves most for the rest."""
    first, *rest = _pieces(tokens)
    words = [first[1]]
    words += [f"(?>{_WILD[kind]}{piece})" for kind, piece in rest[:-1]]
    return "".join(words) + "".join(f"{_WILD[kind]}{piece}" for kind, piece in rest[-1:])


def _pieces(tokens: list[Token]) -> list[Token]:
    """What follows each open end, the beginning of the name first."""
    pieces: list[Token] = [("", "")]
    for kind, text in tokens:
        if kind in _OPEN:
            pieces.append((kind, ""))
            continue
        opened, piece = pieces[-1]
        # All digits in a row, so also none before: a run is looked at once.
        digits = "[0-9]++" if piece or not opened else "(?<![0-9])[0-9]++"
        pieces[-1] = (opened, piece + (digits if kind == "digits" else re.escape(text)))
    return pieces
