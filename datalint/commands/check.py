"""`datalint check`: show the verdict of an unchanged index again, or judge; write every report; exit."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint import replay, report
from datalint.commands import reader_has_gone
from datalint.errors import UnfinishedError, UsageError
from datalint.outcome import exit_code
from datalint.report.style import Style, wants_color
from datalint.report.words import count, printable
from datalint.request import Request, named_config

if TYPE_CHECKING:
    import argparse

    from datalint.check import Judged
    from datalint.finding import Result


def run(arguments: argparse.Namespace) -> int:
    request = request_of(arguments)
    outputs = outputs_of(arguments)
    edits = arguments.write_baseline or arguments.prune_baseline
    if edits and request.since:
        raise UsageError("the baseline is written from all findings: leave --since out")
    if edits and (request.staged or request.tree or not request.use_ignores):
        raise UsageError("the baseline is edited in the work tree: leave --staged, --tree and --no-ignores out")
    if edits and request.policy_from is not None:
        hint = "leave --policy-from out, and DATALINT_POLICY_FROM unset"
        raise UsageError(f"the baseline of {request.policy_from} counts, and is not edited here", hint=hint)
    if request.verify_lock and (request.staged or request.tree):
        hint = "`git fsck` verifies what git has"
        raise UsageError("--verify-lock reads the work tree: leave --staged and --tree out", hint=hint)
    key = None if edits else replay.key_of(request)
    remembered = replay.recall(key) if key else None
    result, fail_on = remembered or _judge(request, key, arguments)
    return tell(result, fail_on, outputs, arguments)


Output = tuple[str, str | None]
"""Format, and the file it goes to."""


def outputs_of(arguments: argparse.Namespace) -> list[Output]:
    """What `-o` asks for; raises UsageError for a format that does not exist."""
    return [_output(text) for text in arguments.output] or _default_outputs()


def tell(result: Result, fail_on: str, outputs: list[Output], arguments: argparse.Namespace) -> int:
    """Write every report; returns the exit code."""
    for name, file in outputs:
        _write(result, fail_on, name, file, arguments)
    if all(name in ("concise", "github") for name, _ in outputs):
        # A line a finding has no room for them, and they may say that something was not read.
        with suppress(OSError):  # whoever closed it has the verdict, and so has the exit code
            sys.stderr.writelines(f"datalint: {printable(note)}\n" for note in result.notes)
    return exit_code(result, fail_on)


def request_of(arguments: argparse.Namespace) -> Request:
    """Also for `facts` and `lock`, which have fewer options."""
    pushed, pushed_from = _pushed() if arguments.staged else (None, None)
    return replace(
        looking(arguments),
        staged=arguments.staged and not pushed,
        tree=pushed or _commit("--tree", arguments.tree),
        base=_commit("--base", getattr(arguments, "base", None)) or pushed_from or None,
        since=_since(arguments, pushed_from),
        policy_from=_policy_from(arguments),
    )


def _commit(option: str, said: str | None) -> str | None:
    """UsageError for an empty one, as an unset variable of CI leaves it: no commit must not mean the work tree."""
    if said == "":
        raise UsageError(f"{option}: no commit ''", hint=f"leave {option} out, or set what stands there")
    return said


def looking(arguments: argparse.Namespace) -> Request:
    """What both sides of a comparison have in common."""
    return Request(
        path=arguments.path,
        format=arguments.format,
        # Here, so that an answer that is remembered and the other side of a comparison know of it too.
        config=named_config(arguments.config),
        select=_words(getattr(arguments, "select", [])),
        ignore=_words(getattr(arguments, "ignore", [])),
        target=getattr(arguments, "target", None),
        fail_on=getattr(arguments, "fail_on", None),
        use_ignores=not getattr(arguments, "no_ignores", False),
        use_cache=not arguments.no_cache,
        verify_lock=getattr(arguments, "verify_lock", False),
        cache_dir=arguments.cache_dir,
        workers=arguments.workers,
        timeout=arguments.timeout,
    )


def _pushed() -> tuple[str | None, str | None]:
    """The commit that a push or CI (`pre-commit run --from-ref A --to-ref B`) brings, and where it starts.

    Where a push begins a history pre-commit names the branch alone; where it begins a branch, other clients name a
    start of zeros, which is no commit.
    """
    pushed = os.environ.get("PRE_COMMIT_TO_REF") or os.environ.get("PRE_COMMIT_LOCAL_BRANCH") or None
    start = os.environ.get("PRE_COMMIT_FROM_REF") if pushed else None
    return pushed, start if start and start.strip("0") else None


def _since(arguments: argparse.Namespace, pushed_from: str | None) -> str | None:
    """What a push brings in is told from where it starts, whatever the hook compares a commit with.

    A hook that compares with the last commit lets the first one be made: all of it is new.
    """
    since: str | None = getattr(arguments, "since", None)
    if since == "HEAD":
        from datalint import git

        return None if git.is_unborn(os.getcwd()) else pushed_from or since
    return since and (pushed_from or since)


def _policy_from(arguments: argparse.Namespace) -> str | None:
    """None where the verb judges nothing, and where nobody names a commit; an empty option is no commit."""
    if not hasattr(arguments, "policy_from"):
        return None
    asked: str | None = arguments.policy_from
    return asked if asked is not None else os.environ.get("DATALINT_POLICY_FROM") or None


def _judge(request: Request, key: replay.Key | None, arguments: argparse.Namespace) -> tuple[Result, str]:
    from datalint.queries import rule_engine

    with rule_engine(request) as engine:
        from datalint import check, progress, since

        judge = check.check if request.since is None else since.check
        with progress.bar("reading images") as advance:
            judged = judge(request, progress=advance, engine=engine)
    if arguments.write_baseline or arguments.prune_baseline:
        _edit_baseline(judged, accept_new=arguments.write_baseline)
        judged = check.check(request)
    if key is not None:
        replay.remember(key, judged.result, judged.fail_on, judged.scope)
    return judged.result, judged.fail_on


def _edit_baseline(judged: Judged, *, accept_new: bool) -> None:
    """Drop what is gone and, on demand, accept what was found."""
    from datalint import baseline

    workspace = judged.workspace
    path = os.path.join(workspace.source.base, workspace.home, workspace.config.baseline)
    old = baseline.load(workspace.read_home, workspace.config.baseline)
    new = baseline.prune(old, judged.remaining.gone)
    if accept_new:
        new |= baseline.accept(judged.remaining.kept)
    if accept_new or new != old:
        baseline.write(path, new)
    sys.stderr.write(f"datalint: {count(len(new), 'accepted finding')} in {os.path.relpath(path)}\n")


def _words(options: list[str]) -> tuple[str, ...]:
    return tuple(word.strip() for option in options for word in option.split(",") if word.strip())


def _output(text: str) -> Output:
    name, _, file = text.partition("=")
    if name not in report.FORMATS:
        raise UsageError(f"unknown output format {name!r}: one of {', '.join(report.FORMATS)}")
    return name, file or None


def _default_outputs() -> list[Output]:
    # GitHub's runner turns what `github` writes into annotations, and shows the text in the log.
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return [("text", None), ("github", None)]
    people = sys.stdout.isatty() or "PRE_COMMIT" in os.environ or "GIT_INDEX_FILE" in os.environ
    return [("text" if people else "concise", None)]


def _write(result: Result, fail_on: str, name: str, file: str | None, arguments: argparse.Namespace) -> None:
    limit = 0 if arguments.verbose else 10
    if file is None:
        style = Style(color=wants_color(arguments.color, sys.stdout), limit=limit, fail_on=fail_on)
        try:
            report.load(name).render(result, sys.stdout, style)
            sys.stdout.flush()
        except BrokenPipeError:
            reader_has_gone()  # whoever reads one line has the verdict, and so has the exit code
        return
    try:
        with open(file, "w", encoding="utf-8", errors="backslashreplace") as out:
            report.load(name).render(result, out, Style(limit=limit, fail_on=fail_on))
    except OSError as error:
        raise UnfinishedError(f"cannot write the report to {file}: {error.strerror}") from error
