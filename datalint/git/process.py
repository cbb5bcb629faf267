"""The only module that runs git. Names travel as bytes and NUL-separated, so no name can break a listing."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from datalint.errors import UnfinishedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ENVIRONMENT = {
    "LC_ALL": "C",
    # `git status`-like commands must not write the index of a repository that is being committed.
    "GIT_OPTIONAL_LOCKS": "0",
    # A blob that a partial clone has not fetched is missing: thousands of downloads, one at a time, are not a check.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
# They would change what our own pathspecs mean.
_UNWANTED = ("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS")
# What git exits with when it refuses.
REFUSED = 128


def run(directory: str, *words: str, feed: bytes = b"") -> bytes:
    """Standard output of a git command; raises UsageError with git's own first line when it refuses."""
    process = ask(directory, *words, feed=feed)
    if process.returncode:
        lines = process.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit {process.returncode}"]
        # Of a repository that somebody else owns git says what to do, on another line.
        hint = next((f"`{line.strip()}`" for line in lines if line.strip().startswith("git config ")), "")
        raise UsageError(f"git {words[0]}: {lines[0].removeprefix('fatal: ')}", hint=hint)
    return process.stdout


def ask(
    directory: str, *words: str, feed: bytes = b"", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The same where a refusal is an answer too."""
    own = {**_environment(), **(environment or {})}
    with _installed():
        return subprocess.run(_words(directory, *words), input=feed, capture_output=True, check=False, env=own)


def save(directory: str, *words: str, file: IO[bytes]) -> bool:
    """Write what a command prints, of any size, to a file; whether git did not refuse."""
    with _installed():
        done = subprocess.run(
            _words(directory, *words), stdout=file, stderr=subprocess.DEVNULL, check=False, env=_environment()
        )
    return not done.returncode


def start(directory: str, *words: str) -> subprocess.Popen[bytes]:
    """A command that is fed and read while it runs."""
    with _installed():
        return subprocess.Popen(
            _words(directory, *words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )


def _words(directory: str, *words: str) -> tuple[str, ...]:
    return ("git", "-C", directory, *words)


@contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UnfinishedError("git is not installed or not on PATH") from error


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    # We run git in other folders than the one that these were named from.
    places = {name: os.path.abspath(kept[name]) for name in ("GIT_DIR", "GIT_WORK_TREE") if kept.get(name)}
    return {**kept, **places, **_ENVIRONMENT}
