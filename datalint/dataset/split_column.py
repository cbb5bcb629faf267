"""The split column of a manifest -> names of splits, and the spellings that a filter on one name misses."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from datalint.dataset.splits import SPLITS
from datalint.entry import display
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# Beside the usual name these are often a split of their own: `val` and `dev`, `test` and `holdout`.
_APART = frozenset({"dev", "eval", "evaluation", "holdout"})
_NAMED = 8
"""Splits that a hint lists."""


def names(written: Counter[str]) -> dict[str, str]:
    """Spelling -> split. Case and spaces do not count in usual names; of two usual names for one split one takes it.

    So `validation` is `val`, but beside `val` it keeps its own name, as a folder of that name does.
    """
    found: dict[str, str] = {}
    for usual, words in _usual(written).items():
        first = min(words, key=lambda word: (word != usual, word))
        for word, spellings in words.items():
            own = max(spellings, key=lambda each: (written[each], each)).strip()
            found.update((each, usual if word == first else own) for each in spellings)
    return {each: found.get(each, each.strip()) for each in written}


def as_written(declared: Mapping[str, str], written: Collection[str]) -> dict[str, str]:
    """The same, with `true` for True where the manifest is JSON and writes it so."""
    found = {}
    for name, split in declared.items():
        json = name.lower() if name in ("True", "False") and name not in written else name
        found[json if json in written else name] = split
    return found


def check_declared(declared: Mapping[str, str], written: Counter[str], manifest: str) -> None:
    """UsageError for a declared split that no row is of: a slip of the pen would leave its rules silent."""
    cells = sorted({each.strip() for each in written})
    for name, split in declared.items():
        if name not in cells:
            seen = ", ".join(map(display, cells[:_NAMED]))
            message = f"dataset.splits.{split}: no row of {manifest} has the split {name!r}"
            hint = f"there are: {seen}" if seen else "it has no column for the split"
            raise UsageError(message, hint=hint, keys=("dataset", "splits", split))


def undeclared(declared: Mapping[str, str], meant: Mapping[str, str]) -> Iterator[str]:
    """What becomes of the cells that nobody declared, where others are."""
    rest = sorted({each.strip() for each, split in meant.items() if declared and split not in declared.values()})
    if rest:
        named = ", ".join(map(display, rest[:_NAMED]))
        verb = "is" if len(rest) == 1 else "are"
        yield f"dataset.splits does not say what {named} {verb}: a split of its own, unused"


def slips(written: Counter[str]) -> Iterator[tuple[str, str]]:
    """Each spelling that is not the most frequent one of its split, and what that means, in words."""
    groups: list[list[str]] = [
        [each for word, spellings in words.items() if word not in _APART or len(words) == 1 for each in spellings]
        for words in _usual(written).values()
    ]
    stripped: defaultdict[str, list[str]] = defaultdict(list)
    for each in written:
        if each.strip().lower() not in SPLITS:
            stripped[each.strip()].append(each)
    for same in (*groups, *stripped.values()):
        most = max(same, key=lambda each: (written[each], each), default="")
        for each in same:
            if each != most:
                one = written[each] == 1
                rows = f"{written[each]:,} {'row has' if one else 'rows have'}"
                yield (
                    each,
                    f"{rows} the split {each!r}: code that asks for {most!r} ({written[most]:,} "
                    f"{'row' if written[most] == 1 else 'rows'}) never sees {'it' if one else 'them'}",
                )


def _usual(written: Counter[str]) -> Mapping[str, Mapping[str, list[str]]]:
    """Usual name -> word in lower case -> its spellings."""
    found: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in written:
        word = each.strip().lower()
        if word in SPLITS:
            found[SPLITS[word]][word].append(each)
    return found
