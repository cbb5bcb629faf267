"""Near-duplicates by a peer: `python duplicates_peer.py imagededup|cleanvision FOLDER OUT` writes pairs to OUT.

Needs numpy, Pillow and the peer, and nothing of this repository. Each line of OUT is a JSON list: two names of files,
and the distance in bits where the peer tells it. Both run with their own defaults and on all cores.
"""

from __future__ import annotations

import itertools
import json
import logging
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def imagededup(folder: str) -> Iterator[tuple[str, str, int]]:
    """PHash, pairs within the default of ten bits.

    The packages' `__init__` import PyTorch and, for its CNN, load weights. Hashing uses neither, so empty packages with
    the same search path stand in for them: what runs is the peer's own hashing and search, less that import.
    """
    logging.disable(logging.INFO)
    for name in ("imagededup", "imagededup.methods", "imagededup.utils"):
        _bare(name)
    from importlib import import_module

    method: Any = import_module("imagededup.methods.hashing").PHash(verbose=False)
    found = method.find_duplicates(image_dir=folder, scores=True)
    for name, others in found.items():
        yield from ((name, other, int(distance)) for other, distance in others if name < other)


def _bare(name: str) -> None:
    """A package without what its `__init__` does."""
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit(f"not installed: {name}")
    module = ModuleType(name)
    module.__path__ = list(spec.submodule_search_locations)
    module.__spec__ = ModuleSpec(name, None, is_package=True)
    sys.modules[name] = module


def cleanvision(folder: str) -> Iterator[tuple[str, str]]:
    """Sets of near and of exact duplicates, every pair of a set; nothing else is looked for."""
    from importlib import import_module

    lab: Any = import_module("cleanvision").Imagelab(data_path=folder)
    lab.find_issues({"near_duplicates": {}, "exact_duplicates": {}}, verbose=False)
    for kind in ("near_duplicates", "exact_duplicates"):
        for members in lab.info[kind]["sets"]:
            yield from itertools.combinations(sorted(Path(member).name for member in members), 2)


def main() -> None:
    peer, folder, out = sys.argv[1:]
    found = {"imagededup": imagededup, "cleanvision": cleanvision}[peer](folder)
    Path(out).write_text("".join(f"{json.dumps(pair)}\n" for pair in found))


if __name__ == "__main__":
    main()
