"""The verdict of an unchanged git index, shown again without judging anything.

Two keys, tried in turn. The first is the checksum that git writes at the end of its index, and the last commit:
nothing at all has changed. The second is the list of index entries that the last verdict read (dataset,
configuration, rules, baseline), and what the last commit has in their place: something else has changed. Neither
needs numpy, duckdb or a decoder. A verdict is remembered only where the two decide it: everything was read, and no
rule failed.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from datalint import __version__, git_index, limits, trust
from datalint.facts import cache

if TYPE_CHECKING:
    from datalint.finding import Result
    from datalint.request import Request


@dataclass(frozen=True, slots=True)
class Key:
    """Where the verdicts are kept, what was asked, and the state of the index."""

    cache_dir: str
    question: str
    index: str | None
    """Checksum of the index and id of the last commit; None where git must be asked for either."""
    top: str


def key_of(request: Request) -> Key | None:
    """None when the run does not judge the index, or must not use the cache."""
    if not request.staged or not request.use_cache or request.base is not None:
        return None
    here = os.getcwd()
    located = git_index.locate(here)
    if located is None:
        return None
    top, index, directory = located
    folder = os.path.abspath(
        request.cache_dir or os.environ.get("DATALINT_CACHE_DIR") or os.path.join(top, ".datalint_cache")
    )
    if not trust.believable(folder):
        return None
    words = {
        **asdict(request),
        "workers": None,
        "since": _compared(request, top),
        "policy_from": _policy(request, top),
        "here": os.path.relpath(here, top),
        "beside": _beside(here, top),
    }
    checksum, commit = git_index.checksum(index), git_index.last_commit(directory)
    state = f"{checksum}:{commit}" if checksum and commit else None
    return Key(folder, _text(words, _today(), circumstances(folder)), state, top)


def circumstances(folder: str) -> list[object]:
    """What a verdict depends on beside the data and what was asked: datalint, the machine, readings in the cache."""
    return [_engine(), _machine(), _dry_runs(folder)]


def _compared(request: Request, top: str) -> list[str] | None:
    """The commit that is named, and the one where this branch left it."""
    if request.since is None:
        return None
    from datalint import git

    tip = git.commit(top, request.since)
    return [request.since, tip, git.fork(top, tip) or ""]


def _policy(request: Request, top: str) -> list[str] | None:
    """The commit whose policy counts."""
    if request.policy_from is None:
        return None
    from datalint import git

    return [request.policy_from, git.commit(top, request.policy_from)]


def recall(key: Key) -> tuple[Result, str] | None:
    """The remembered result and its `fail_on`, or None when it must be judged."""
    if not os.path.isdir(key.cache_dir):
        return None
    with cache.open_cache(key.cache_dir) as store:
        if key.index is not None:
            told = _load(store.verdict_get(f"index:{key.question}:{key.index}"))
            if told is not None:
                return told
        scope = store.verdict_get(f"scope:{key.question}")
        if scope is None:
            return None
        paths = json.loads(scope)
        text = store.verdict_get(f"entries:{key.question}:{_entries(key.top, paths)}")
        told = _load(text)
        if told is not None and text is not None and key.index is not None:
            store.verdict_put(f"index:{key.question}:{key.index}", text)
        return told


def remember(key: Key, result: Result, fail_on: str, scope: tuple[str, ...]) -> None:
    """Keep a verdict that depends on nothing but the index; `scope` are the paths that were read."""
    if result.not_checked:
        return
    from datalint.report.document import to_document

    text = json.dumps({"result": to_document(result), "fail_on": fail_on})
    with cache.open_cache(key.cache_dir) as store:
        store.verdict_put(f"scope:{key.question}", json.dumps(scope))
        store.verdict_put(f"entries:{key.question}:{_entries(key.top, scope)}", text)
        if key.index is not None:
            store.verdict_put(f"index:{key.question}:{key.index}", text)


def _load(text: str | None) -> tuple[Result, str] | None:
    if text is None:
        return None
    from datalint.report.document import from_document

    try:
        document: dict[str, Any] = json.loads(text)
        return from_document(document["result"]), document["fail_on"]
    except (ValueError, KeyError, TypeError):
        # A cache is never trusted: what cannot be read is judged again.
        return None


def _entries(top: str, scope: tuple[str, ...] | list[str]) -> str:
    import hashlib

    from datalint import git

    return hashlib.sha256(git.index_listing(top, scope) + b"\0\0" + git.committed(top, scope)).hexdigest()


def _beside(here: str, top: str) -> list[tuple[str, int, int]]:
    """Configurations in the work tree: where they differ from the index, the report says so."""
    found = []
    folder = here
    while True:
        for name in ("datalint.yaml", "pyproject.toml"):
            path = os.path.join(folder, name)
            with suppress(OSError):
                status = os.stat(path)
                found.append((path, status.st_size, status.st_mtime_ns))
        if folder == top or len(folder) <= len(top):
            return found
        folder = os.path.dirname(folder)


def _dry_runs(folder: str) -> list[object]:
    """Readings that a verdict may rest on: a new one, or another Keras, and it is judged again."""
    try:
        with os.scandir(os.path.join(folder, "dry_run")) as entries:
            found = sorted((entry.name, entry.stat().st_mtime_ns) for entry in entries)
    except OSError:
        return []
    if not found:
        return []
    from datalint.versions import installed

    return [found, installed()]


def _text(*parts: object) -> str:
    """As it stands: loading a hash function takes longer than comparing some hundred letters."""
    return json.dumps(parts, sort_keys=True)


def _engine() -> str:
    """Which datalint speaks: its version, its interpreter, and the rules on disk (a checkout may edit them).

    And what is installed beside it, as a decoder may be since: each package has a folder of its own there (PEP 376), so
    the folder that holds them changes with any of them.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    folders = (os.path.join(here, "rules"), os.path.join(os.path.dirname(here), "rules"))
    rules = next(folder for folder in folders if os.path.isdir(folder))
    with os.scandir(rules) as entries:
        newest = max((entry.stat().st_mtime_ns for entry in entries), default=0)
    places = [path for path in sys.path if path.endswith(("site-packages", "dist-packages")) and os.path.isdir(path)]
    return f"{__version__} {sys.version_info[:2]} {newest} {[os.stat(path).st_mtime_ns for path in places]}"


def _today() -> str:
    """Ignores expire at midnight UTC, so a verdict lives for a day."""
    return datetime.now(UTC).date().isoformat()


def _machine() -> str:
    """`local` is another target on another machine, or with another limit of a container, a process or a job."""
    memory = min((limit.value for limit in limits.memory("/", os.environ)), default=None)
    return f"{limits.cores('/')} {memory} {os.environ.get('CUDA_VISIBLE_DEVICES', '-')}"
