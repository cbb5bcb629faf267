"""A rule file's text -> Rule. Everything that needs no database is checked here, with its place."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from datalint import strict_yaml
from datalint.errors import Position, UsageError, together
from datalint.finding import Family, Severity
from datalint.rule.cases import read_cases
from datalint.rule.checks import COMPARISON, translate, unclosed
from datalint.rule.model import Piece, Rule
from datalint.rule.params import read_params
from datalint.rule.reader import Reader, is_a, shown, suggestion
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from datalint.rule.model import Case
    from datalint.strict_yaml import Way

MAX_CHARACTERS = 200_000
_NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*"
BUILTIN_ID = re.compile(rf"{_NAME}\Z")
CUSTOM_ID = re.compile(rf"{_NAME}/{_NAME}\Z")
_KEYS = {
    "id": str, "title": str, "severity": str, "family": str, "docs": str, "message": str, "key": list, "tests": list,
    "remedy": str, "since": str, "tags": list, "cost": str, "params": dict, "sql": str, "check": dict,
}  # fmt: skip
_REQUIRED = ("id", "title", "severity", "family", "docs", "message", "key", "tests")
_TESTS = re.compile("^tests:", re.MULTILINE)
_OPENED = {"'": "text", '"': "name", "/": "comment"}
_CHECK_KEYS = {"select": str, "where": str, "group_by": (str, list), "metric": str, "warn": str, "fail": str,
               "columns": list}  # fmt: skip


def is_rule_file(path: str) -> bool:
    """By its name, in whatever case some system writes it: one that is passed over is a rule that never speaks."""
    return path.lower().endswith((".yaml", ".yml"))


def load_rule(text: str | bytes, file: str, *, builtin: bool | None, tests: bool = True) -> Rule:
    """Raises UsageError with file:line:column, and with all mistakes that do not hang together.

    `builtin` None takes an id with or without a namespace. Without `tests`, only what stands before them is read: half
    the work, for files whose tests are known to be good.
    """
    if len(text) > MAX_CHARACTERS:
        raise UsageError(f"a rule file longer than {MAX_CHARACTERS:,} characters", Position(file))
    if not tests and isinstance(text, str):
        text = _TESTS.split(text, 1)[0]
    loaded = strict_yaml.load(text, file)
    if loaded.data is None:
        raise UsageError("the file is empty", loaded.position())
    reader = Reader(loaded)
    try:
        return _rule(reader, builtin=builtin, tests=tests)
    except UsageError as error:
        raise together([error, *_mistakes(reader, builtin=builtin)]) from None


def _mistakes(reader: Reader, *, builtin: bool | None) -> Iterator[UsageError]:
    """What is wrong with each part that can be read without the others."""
    data = reader.loaded.data
    parts: list[tuple[str, type, Callable[[], object]]] = [
        ("id", str, lambda: _check_id(reader, data["id"], builtin=builtin)),
        ("severity", str, lambda: reader.one_of(("severity",), [*Severity])),
        ("family", str, lambda: reader.one_of(("family",), [*Family])),
        ("title", str, lambda: reader.one_line("title")),
        ("message", str, lambda: reader.template("message")),
        ("remedy", str, lambda: reader.template("remedy")),
        ("key", list, lambda: reader.names("key")),
        ("params", dict, lambda: read_params(reader, data["params"])),
        ("check", dict, lambda: _check(reader, data["check"])),
    ]
    for key, kind, read in parts:
        if isinstance(data, dict) and isinstance(data.get(key), kind):
            try:
                read()
            except UsageError as error:
                yield error


def _rule(reader: Reader, *, builtin: bool | None, tests: bool) -> Rule:
    loaded = reader.loaded
    top = reader.mapping((), _KEYS, required=_REQUIRED if tests else _REQUIRED[:-1])
    _check_id(reader, top["id"], builtin=builtin)
    if ("sql" in top) == ("check" in top):
        reader.fail("a rule has either `sql` or `check`", ("check",) if "check" in top else (), key=True)
    params = read_params(reader, top.get("params", {}))
    sql, pieces = _check(reader, top["check"]) if "check" in top else _sql(reader, top["sql"])
    cases = read_cases(reader, top["tests"], params) if tests else ()
    return Rule(
        id=top["id"],
        title=reader.one_line("title"),
        severity=Severity(reader.one_of(("severity",), [*Severity])),
        family=Family(reader.one_of(("family",), [*Family])),
        docs=reader.text("docs"),
        message=reader.text("message"),
        remedy=top.get("remedy", ""),
        key=reader.names("key"),
        since=top.get("since", ""),
        tags=reader.names("tags") if "tags" in top else (),
        cost=reader.one_of(("cost",), ["low", "high"]) if "cost" in top else "low",
        params=params,
        sql=sql,
        pieces=pieces,
        tests=cases,
        extra=_extra(cases),
        templates={key: reader.template(key) for key in ("message", "remedy") if key in top},
        file=loaded.file,
        position=loaded.position(("id",)),
        source=loaded,
    )


def _check_id(reader: Reader, name: str, *, builtin: bool | None) -> None:
    if builtin and not BUILTIN_ID.match(name):
        reader.fail(f"id {name!r} must be words in lower case joined by dashes", ("id",))
    if builtin is False and not CUSTOM_ID.match(name):
        hint = "a rule of your own has a namespace, so that it never meets one of ours: acme/min-resolution"
        reader.fail(f"id {name!r} must be namespace/name, in lower case with dashes", ("id",), hint=hint)
    if builtin is None and not BUILTIN_ID.match(name) and not CUSTOM_ID.match(name):
        reader.fail(f"id {name!r} must be namespace/name, in lower case with dashes", ("id",))
    stem = posixpath.splitext(posixpath.basename(reader.loaded.file.replace("\\", "/")))[0]
    if stem != name.rpartition("/")[2]:
        reader.fail(f"id {name!r} does not belong in a file called {stem!r}", ("id",))


def _sql(reader: Reader, sql: str) -> tuple[str, tuple[Piece, ...]]:
    if not sql.strip():
        reader.fail("sql is empty", ("sql",))
    return sql, (Piece(0, len(sql), ("sql",)),)


def _check(reader: Reader, check: dict[str, Any]) -> tuple[str, tuple[Piece, ...]]:
    for key in ("warn", "fail"):
        if is_a(check.get(key), (int, float)):
            reader.fail(f"{key} is a comparison, as in `< {check[key]}`; got {check[key]}", ("check", key))
    reader.mapping(("check",), _CHECK_KEYS, required=("select", "metric"))
    if check["select"] not in TABLES:
        hint = suggestion(check["select"], TABLES)
        reader.fail(f"select: there is no table {check['select']!r}", ("check", "select"), hint=hint)
    for key, value in check.items():
        if value == []:
            reader.fail(f"{key} is empty", ("check", key))
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            way: Way = ("check", key, index) if isinstance(value, list) else ("check", key)
            if not isinstance(item, str) or not item.strip():
                reader.fail(f"{key}: expected text, got {shown(item)}", way)
            if (offset := unclosed(item)) is not None:
                raise UsageError(f"{key}: the {_OPENED[item[offset]]} is not closed", reader.loaded.inside(way, offset))
    if "warn" not in check and "fail" not in check:
        reader.fail("a check needs `warn`, `fail` or both", ("check",))
    if "columns" in check and "group_by" in check:
        reader.fail("a check with `group_by` returns those columns", ("check", "columns"), key=True)
    for key in ("warn", "fail"):
        if key in check and not COMPARISON.match(check[key]):
            reader.fail(f"{key} is a comparison, as in `< $limit`; got {shown(check[key])}", ("check", key))
    return translate(check)


def _extra(cases: Iterable[Case]) -> tuple[str, ...]:
    """Columns that the tests give to an open table and that are not its own: the user's manifest has them."""
    found: dict[str, None] = {}
    for case in cases:
        for table, rows in case.given.items():
            own = {column.name for column in TABLES[table].columns}
            found.update((name, None) for row, _ in rows for name in row if name not in own)
    return tuple(found)
