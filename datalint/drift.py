"""How the policy that comes with the data differs from the one in force: a finding `policy-changed` for each file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datalint import baseline, lockfile, strict_yaml
from datalint import config as configuration
from datalint.config_file import FILES, parse_toml, parse_yaml
from datalint.config_schema import shown
from datalint.entry import display
from datalint.errors import UsageError
from datalint.finding import Family, Finding, Severity, fingerprint
from datalint.rule.load import is_rule_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.config import Config
    from datalint.config_file import Document
    from datalint.policies import Home, Policy
    from datalint.workspace import Workspace

RULE = "policy-changed"
_MOST = 8
"""Differences of one file that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A file, from the top of the repository, and what is said of it."""

    path: str
    words: str
    line: int | None = None
    about: str = ""
    """The rule, where it is a rule's file."""
    remedy: str | None = None
    """What to do, where it is not the policy's commit that decides."""
    severity: Severity = Severity.WARNING


def findings(workspace: Workspace) -> list[Finding]:
    """Empty where the data is judged by its own policy."""
    policy = workspace.policy
    if policy is None:
        return []
    return [_finding(change, policy, workspace.source.base) for change in _changes(policy, workspace)]


def _changes(policy: Policy, workspace: Workspace) -> Iterator[_Change]:
    yield from _configuration(policy)
    own = _own(policy)
    yield from _rules(policy, own)
    yield from _baseline(policy, own)
    yield from _lock(policy)
    place = os.path.join(workspace.source.base, workspace.root)
    declared = policy.config.dataset.format
    there, here = (declared, declared) if declared else policy.formats(place)
    yield from _format(policy, place, there, here)
    yield from _description(policy, place, there)


def _finding(change: _Change, policy: Policy, base: str) -> Finding:
    path = display(os.path.relpath(os.path.join(policy.here.source.base, change.path), base))
    return Finding(
        rule=RULE,
        severity=change.severity,
        family=Family.MISLED,
        message=f"{path} {change.words}",
        remedy=change.remedy or f"{policy.ref} decides until this is merged: let those who own the policy review it",
        path=path,
        line=change.line,
        fingerprint=fingerprint(RULE, {"path": display(change.path), "rule": change.about}),
        values={"policy": policy.ref, "changes": change.words},
    )


def _configuration(policy: Policy) -> Iterator[_Change]:
    """Every file that is the configuration on either side."""
    names = (policy.here.explicit,) if policy.here.explicit else FILES
    folders = dict.fromkeys((policy.there.folder, policy.here.folder))
    for folder in folders:
        for path in (os.path.normpath(os.path.join(folder, name)) for name in names):
            there = _document(policy.there, path)
            try:
                here = _document(policy.here, path)
            except UsageError as error:
                yield _Change(path, f"does not load, and {policy.ref} counts: {error.message}", _line(error))
                continue
            if there is None and here is not None:
                yield _Change(path, f"does not count: {policy.ref} has no such configuration")
            elif there is not None and here is None:
                yield _Change(path, f"is no configuration any more, and that of {policy.ref} counts")
            elif there is not None and here is not None:
                yield from _compared(path, there, here, policy.ref)


def _document(home: Home, path: str) -> Document | None:
    """The file at a path from the top, None where it is no configuration; of the policy it is known to load."""
    content = home.source.read(path)
    if content is None:
        return None
    name = os.path.basename(path)
    try:
        return parse_toml(content, name) if name.endswith(".toml") else parse_yaml(content, name)
    except UsageError:
        if name in FILES and not configuration.present(lambda asked: content if asked == name else None):
            return None  # a pyproject.toml that is broken elsewhere
        raise


def _line(error: UsageError) -> int | None:
    return error.position.line if error.position else None


def _compared(path: str, there: Document, here: Document, ref: str) -> Iterator[_Change]:
    found = list(_differences(_Side(there.data, there.written), _Side(here.data, here.written), ()))
    if found:
        words = f"differs from {ref}, which counts: {_some([word for _, word in found])}"
        yield _Change(path, words, here.position(found[0][0]).line)


@dataclass(frozen=True, slots=True)
class _Side:
    """A value and, for numbers below it, how they are written: that decides what an ignore matches."""

    value: Any
    written: Mapping[tuple[str | int, ...], str]


def _differences(there: _Side, here: _Side, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Way to a value, and what became of it, from the policy to here."""
    old, new = there.value, here.value
    if way == ("ignore",):
        yield from ((way, word) for word in _ignores(old or [], new or []))
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            inner = (*way, str(key))
            if key == "ignore" and not way:
                yield from _differences(_Side(old.get(key), {}), _Side(new.get(key), {}), inner)
            elif key not in new:
                yield inner, f"{'.'.join(inner)} (gone)"
            elif key not in old:
                yield inner, f"{'.'.join(inner)} (new, {shown(new[key])})"
            else:
                yield from _differences(_Side(old[key], there.written), _Side(new[key], here.written), inner)
    elif _text(old) != _text(new) or there.written.get(way) != here.written.get(way):
        yield way, f"{'.'.join(way) or 'everything'} ({shown(old)} -> {shown(new)})"


def _ignores(old: Sequence[Any], new: Sequence[Any]) -> Iterator[str]:
    """An entry that was edited is one that is gone and one that is new."""
    before, after = ({_text(entry): entry for entry in entries} for entries in (old, new))
    for text, entry in {**before, **after}.items():
        if (text in before) != (text in after):
            rule = entry.get("rule") if isinstance(entry, dict) else entry
            yield f"ignore of {shown(rule).strip(chr(34))} ({'new' if text in after else 'gone'})"


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _some(words: Sequence[str], most: int = _MOST) -> str:
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more:,} more" if more > 0 else "")


def _own(policy: Policy) -> Config:
    """The configuration that the data would have had; that of the policy where it does not load, which is said."""
    try:
        return configuration.load(policy.here.read, explicit=policy.here.explicit)
    except UsageError:
        return policy.config


def _rules(policy: Policy, own: Config) -> Iterator[_Change]:
    there, here = _rule_files(policy.there, policy.config), _rule_files(policy.here, own)
    for name in dict.fromkeys([*there, *here]):
        if name not in here:
            path = there[name][0]
            gone = policy.here.source.read(path, limit=1) is None
            word = "is gone" if gone else "is not read by the configuration here"
            yield _Change(path, f"{word}, and rule {name} of {policy.ref} counts", about=name)
        elif name not in there:
            yield _Change(here[name][0], f"does not count: {policy.ref} has no rule {name}", about=name)
        else:
            old, new = there[name][1], here[name][1]
            words = [word for _, word in _differences(_Side(old, {}), _Side(new, {}), ())]
            if words:
                keys = _some([word.split(" ", 1)[0] for word in words])
                yield _Change(here[name][0], f"differs from {policy.ref}, whose rule {name} counts: {keys}", about=name)


def _rule_files(home: Home, config: Config) -> dict[str, tuple[str, Any]]:
    """Path and content of each rule by its id; a file that does not load is known by its path."""
    found: dict[str, tuple[str, Any]] = {}
    for folder in config.rules.paths:
        for entry in home.entries(folder):
            if entry.kind == "file" and is_rule_file(entry.path):
                data = _rule(home, entry.path)
                name = data.get("id") if isinstance(data, dict) else None
                found[name if isinstance(name, str) else display(entry.path)] = (entry.path, data)
    return found


def _rule(home: Home, path: str) -> Any:
    try:
        content = home.source.read(path)
        return None if content is None else strict_yaml.load(content, path).data
    except UsageError as error:
        return error.message


def _baseline(policy: Policy, own: Config) -> Iterator[_Change]:
    path = policy.here.path(own.baseline)
    old = baseline.load(policy.there.read, policy.config.baseline)
    try:
        new = baseline.load(policy.here.read, own.baseline)
    except UsageError as error:
        yield _Change(path, f"does not load, and the baseline of {policy.ref} counts: {error.message}", _line(error))
        return
    more, fewer = ([entry for key, entry in one.items() if key not in other] for one, other in ((new, old), (old, new)))
    if more:
        rules = _some(sorted({entry.rule for entry in more}))
        findings = "a finding" if len(more) == 1 else f"{len(more):,} findings"
        yield _Change(path, f"accepts {findings} that {policy.ref} does not, and that counts: {rules}")
    elif fewer:
        findings = "a finding" if len(fewer) == 1 else f"{len(fewer):,} findings"
        yield _Change(path, f"accepts {findings} less than {policy.ref}, and that counts")


_LOCKED = {"changed": "other content of", "relabelled": "another split or label of", "missing": "no line for"}


def _lock(policy: Policy) -> Iterator[_Change]:
    """A lock file that is new locks more, and is no difference that anybody must know of."""
    name = policy.config.lock
    path = policy.there.path(name)
    content, old = policy.here.source.read(path), policy.there.read(name)
    if old is None:
        return
    if content is None:
        yield _Change(path, f"is gone, and that of {policy.ref} counts")
        return
    try:
        new = lockfile.parse(content, path)
    except UsageError as error:
        yield _Change(path, f"does not load, and that of {policy.ref} counts: {error.message}", _line(error))
        return
    kept = lockfile.parse(old, policy.name(path))
    if new.root != kept.root:
        root, other = display(new.root), display(kept.root)
        yield _Change(path, f"locks {root}, and that of {policy.ref}, which counts, {other}")
        return
    found: dict[str, list[str]] = {}
    for each in lockfile.compare(kept.lines, new.lines):
        # Hashes of two kinds cannot be compared: nobody knows whether they are of the same content.
        status = "changed" if each.status == "unchecked" else each.status
        found.setdefault(status, []).append(display(each.old_path or each.path))
    words = [f"{word} {_some(found[status], 1)}" for status, word in _LOCKED.items() if status in found]
    if words:
        remedy = "what it says of a file counts, unless it has no line for one that is there: see that each is meant"
        yield _Change(path, f"differs from {policy.ref}: {', '.join(words)}", remedy=remedy)


def _format(policy: Policy, place: str, old: str | None, new: str | None) -> Iterator[_Change]:
    """Where no configuration names the format, and the data look like another one than before."""
    if None not in (old, new) and old != new:
        path = os.path.relpath(os.path.realpath(place), os.path.realpath(policy.here.source.base))
        words = f"looks like {new}, and is read as {old}, as in {policy.ref}"
        yield _Change(path, words, remedy="let those who own the policy name `dataset.format`")


def _description(policy: Policy, place: str, name: str | None) -> Iterator[_Change]:
    """Annotations that the commit judges, that are still here, and that another file keeps from being read.

    No other difference takes data out of the gate's sight, so this one blocks.
    """
    there, here = policy.described_by(place, name)
    for path in there:
        if path not in here and policy.here.source.read(path, limit=1) is not None:
            others = _some([display(other) for other in here if other not in there], 1)
            yield _Change(
                path,
                f"is read in {policy.ref} and not here" + (f", where {others} is" if others else ""),
                remedy="keep one of them, or let those who own the policy name the one that counts as `dataset.path`",
                severity=Severity.ERROR,
            )
