"""Brace notation of shards, as in `train-{000000..000146}.tar`: what bash and the package braceexpand make of it."""

from __future__ import annotations

import re
from itertools import chain, product
from typing import TYPE_CHECKING

from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST = 1_000_000
"""Names that one pattern may stand for; larger data sets have fewer shards."""
_RANGE = re.compile(r"(-?[0-9]{1,18})\.\.(-?[0-9]{1,18})(?:\.\.-?([0-9]{1,18}))?")
_WORD = re.compile(r"[{},]|[^{},]+")


def expand(pattern: str) -> list[str]:
    """Every name that it stands for, in order; itself where it has no braces.

    Raises UsageError for braces that do not match, and for more than MOST names.
    """
    found: list[str] = []
    for name in _alternatives(_words(pattern), pattern):
        if len(found) == MOST:
            raise UsageError(f"{pattern} stands for more than {MOST:,} names")
        found.append(name)
    return found


def is_pattern(path: str) -> bool:
    """Whether braces in it stand for several names."""
    return "{" in path and "}" in path and ("," in path or ".." in path)


def place(path: str) -> str:
    """The path itself, or of a pattern the folder that all its names lie in."""
    if not is_pattern(path):
        return path
    return path[: path.index("{")].rpartition("/")[0] or "."


def _words(pattern: str) -> list[str]:
    depth, words = 0, _WORD.findall(pattern)
    for word in words:
        depth += (word == "{") - (word == "}")
        if not 0 <= depth <= 8:
            break
    if depth:
        raise UsageError(f"{pattern}: its braces do not match")
    return words


def _alternatives(words: list[str], pattern: str) -> Iterator[str]:
    """What a text without an outer comma stands for."""
    parts: list[Iterable[str]] = []
    at = 0
    while at < len(words):
        if words[at] != "{":
            parts.append((words[at],))
            at += 1
            continue
        end = _closing(words, at)
        parts.append(_choice(words[at + 1 : end], pattern))
        at = end + 1
    # `product` holds all that a part stands for before it gives the first.
    bounded = [_bounded(part, pattern) for part in parts]
    return ("".join(chosen) for chosen in product(*bounded))


def _bounded(part: Iterable[str], pattern: str) -> list[str]:
    found: list[str] = []
    for word in part:
        if len(found) == MOST:
            raise UsageError(f"{pattern} stands for more than {MOST:,} names")
        found.append(word)
    return found


def _choice(inside: list[str], pattern: str) -> Iterable[str]:
    numbers = _RANGE.fullmatch("".join(inside))
    if numbers is not None:
        return _range(numbers[1], numbers[2], numbers[3])
    options = _split(inside)
    if len(options) == 1:
        # As in bash, braces around one word are text.
        return (f"{{{word}}}" for word in _alternatives(inside, pattern))
    return chain.from_iterable(_alternatives(option, pattern) for option in options)


def _range(start: str, end: str, step: str | None) -> Iterator[str]:
    padded = any(re.match(r"-?0[0-9]", text) for text in (start, end))
    width = max(len(start), len(end)) if padded else 0
    first, last, by = int(start), int(end), int(step or 1) or 1
    numbers = range(first, last + 1, by) if first < last else range(first, last - 1, -by)
    return (f"{number:0{width}d}" for number in numbers)


def _split(words: list[str]) -> list[list[str]]:
    """Runs of words between the commas that are in no inner braces."""
    runs: list[list[str]] = [[]]
    depth = 0
    for word in words:
        depth += (word == "{") - (word == "}")
        if word == "," and not depth:
            runs.append([])
        else:
            runs[-1].append(word)
    return runs


def _closing(words: list[str], at: int) -> int:
    depth = 0
    for at_, word in enumerate(words[at:], at):
        depth += (word == "{") - (word == "}")
        if not depth:
            return at_
    raise AssertionError("balanced before")
