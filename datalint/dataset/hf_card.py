"""What the head of a Hugging Face dataset's README.md states: files of each split, and how many examples they have."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datalint.globs import glob_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.dataset.listing import Listing

_LIMIT = 1 << 20
_HEAD = re.compile(rb"\A(?:\xef\xbb\xbf)?---\r?\n(.*?)\r?\n---\s*?(?:\n|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Card:
    """Of its default configuration, else the first one."""

    patterns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Split -> globs; empty where names alone decide."""
    examples: Mapping[str, int] = field(default_factory=dict)
    """Split -> number of its examples."""
    others: Sequence[str] = ()
    """Configurations that are not read."""

    def splits_of(self, files: Sequence[str]) -> dict[str, Sequence[str]]:
        """Path -> its splits, for those that a glob names."""
        found: dict[str, list[str]] = {}
        for split, globs in self.patterns.items():
            matching = [re.compile(glob_pattern(f"/{glob.removeprefix('./')}")) for glob in globs]
            for path in files:
                if any(pattern.fullmatch(path) for pattern in matching):
                    found.setdefault(path, []).append(split)
        return dict(found)


def read(listing: Listing) -> Card:
    """An empty one where there is no README.md, or nothing that can be read in it."""
    import yaml

    head = _HEAD.search(listing.head("README.md", _LIMIT)) if "README.md" in listing.files else None
    if head is None:
        return Card()
    try:
        stated = yaml.safe_load(head[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return Card()
    if not isinstance(stated, dict):
        return Card()
    configs = _mappings(stated.get("configs"))
    chosen = next((each for each in configs if each.get("default") or each.get("config_name") == "default"), None)
    chosen = chosen or next(iter(configs), {})
    name = chosen.get("config_name", "default")
    infos = _mappings(stated.get("dataset_info"))
    info = next((each for each in infos if each.get("config_name", "default") == name), {})
    examples = {
        str(each["name"]): each["num_examples"]
        for each in _mappings(info.get("splits"))
        if "name" in each and isinstance(each.get("num_examples"), int)
    }
    others = tuple(str(each.get("config_name")) for each in configs if each is not chosen)
    return Card(dict(_patterns(chosen.get("data_files"))), examples, others)


def _patterns(stated: Any) -> Iterator[tuple[str, list[str]]]:
    """One glob, several, or some for each split."""
    if isinstance(stated, str):
        yield "train", [stated]
    elif isinstance(stated, list) and all(isinstance(each, str) for each in stated) and stated:
        yield "train", stated
    for each in _mappings(stated):
        path = each.get("path")
        globs = [path] if isinstance(path, str) else path if isinstance(path, list) else []
        if "split" in each:
            yield str(each["split"]), [glob for glob in globs if isinstance(glob, str)]


def _mappings(value: Any) -> list[dict[str, Any]]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, dict)]
