"""A side of a comparison, remembered in the cache under the id of its tree: what a commit holds is judged once.

What is judged before it is committed is the earlier side of the next commit. What is damaged, or made by other
versions, rules or settings, is passed over and judged again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zlib
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from datalint import replay, trust
from datalint.facts.database import make_folder
from datalint.facts.gather import extractor_version
from datalint.followed import Sample, Side, Total
from datalint.report.document import finding_document, findings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from datalint.config import BoundRule
    from datalint.request import Request
    from datalint.rule.model import Rule
    from datalint.workspace import Workspace

FOLDER = "since"
SCHEMA = 4
KEPT = 8
"""Trees that are remembered: those that the branches at work on this machine left."""
_ENDING = ".json.z"


def key_of(request: Request, tree: str | None, workspace: Workspace, rules: Iterable[BoundRule[Rule]]) -> str | None:
    """File that a tree is remembered in, under these rules and settings; None where the cache may not be used."""
    if tree is None or not request.use_cache or not trust.believable(workspace.cache_dir):
        return None
    judged_by = [
        (item.rule.id, item.severity, dict(item.params), item.rule.key, item.rule.sql, item.rule.severity)
        for item in rules
    ]
    asked = {name: value for name, value in asdict(request).items() if name not in _ELSEWHERE}
    place = (os.path.realpath(workspace.source.base), workspace.root, workspace.home)
    parts = (SCHEMA, tree, asked, judged_by, repr(workspace.config), place, extractor_version())
    text = json.dumps([*parts, replay.circumstances(workspace.cache_dir)], sort_keys=True, default=str)
    return os.path.join(workspace.cache_dir, FOLDER, hashlib.sha256(text.encode()).hexdigest()[:32] + _ENDING)


_ELSEWHERE = frozenset(
    {"staged", "tree", "base", "since", "workers", "cache_dir", "fail_on", "use_ignores", "verify_lock"}
)
"""Of a request: what does not change how a commit is judged."""


def recall(key: str | None) -> Side | None:
    """The remembered side, or None when it must be judged."""
    if key is None:
        return None
    try:
        with open(key, "rb") as file:
            first = zlib.decompressobj()
            told = json.loads(first.decompress(file.read()))
        if told["name"] != os.path.basename(key):
            return None  # somebody has put another side in its place
        side = _side(told, json.loads(zlib.decompress(first.unused_data)))
    except (OSError, zlib.error, ValueError, KeyError, TypeError):
        return None
    with suppress(OSError):
        os.utime(key)
    return side


def packed(samples: Sequence[Sample]) -> bytes:
    """As `remember` keeps them: by column, as there may be a million."""
    return _packed(list(zip(*samples, strict=True)))


def remember(key: str | None, side: Side, samples: bytes | None = None) -> None:
    """Keep a side of which everything could be read; a full disk or a kill leaves what was there.

    `samples` are its own, where they are `packed` already.
    """
    if key is None or side.mute or side.unread:
        return
    folder = os.path.dirname(key)
    told = _packed({"name": os.path.basename(key), **_document(side)})
    with suppress(OSError):
        make_folder(os.path.dirname(folder))
        os.makedirs(folder, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
            file.write(told + (packed(side.samples) if samples is None else samples))
        os.replace(file.name, key)
        _forget(folder)


def held(cache_dir: str) -> int:
    """How many a cache holds."""
    with suppress(FileNotFoundError):
        return sum(name.endswith(_ENDING) for name in os.listdir(os.path.join(cache_dir, FOLDER)))
    return 0


def clear(cache_dir: str) -> None:
    """Forget all of them."""
    shutil.rmtree(os.path.join(cache_dir, FOLDER), ignore_errors=True)


def _forget(folder: str) -> None:
    """All but the newest."""
    with os.scandir(folder) as entries:
        kept = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.name.endswith(_ENDING))
    for _, path in kept[:-KEPT]:
        os.unlink(path)


def _packed(plain: object) -> bytes:
    return zlib.compress(json.dumps(plain).encode(), 1)


def _document(side: Side) -> dict[str, Any]:
    """Plain values of all but its samples."""
    return {
        "base": side.base,
        "root": side.root,
        "manifest": side.manifest,
        "findings": [finding_document(finding) for finding in side.findings],
        "footprint": list(side.footprint),
    }


def _side(told: dict[str, Any], samples: list[list[Any]]) -> Side:
    return Side(
        base=told["base"],
        root=told["root"],
        manifest=told["manifest"],
        findings=findings_of(told["findings"]),
        samples=list(map(Sample._make, zip(*samples, strict=True))),
        footprint=[Total(*row) for row in told["footprint"]],
    )
