"""A script or notebook -> statements whose line numbers lead back to the file; nothing is executed."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import stat
import tokenize
import warnings
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from datalint.entry import display
from datalint.errors import Position, UsageError

MOST_BYTES = 32 << 20
"""Of a script; a notebook with pictures in its outputs has some of them."""
_NOTEBOOK = ".ipynb"
_SHELL = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?{1,2})$")
_CAPTURED = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*$")
# Magics whose cell is Python all the same.
_PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")
# What a notebook allows beside a module: `await` outside of functions.
_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


@dataclass(frozen=True, slots=True)
class Script:
    """Statements in their order; `starts` are the lines before the first of each cell, empty for a plain script."""

    name: str
    statements: tuple[ast.stmt, ...]
    starts: tuple[int, ...] = ()
    cells: tuple[int, ...] = ()

    def place(self, line: int) -> str:
        """`train.py:14`, or `train.ipynb:cell 3:2`, where cells of text count too."""
        if not self.starts:
            return f"{self.name}:{line}"
        index = bisect_right(self.starts, line - 1) - 1
        return f"{self.name}:cell {self.cells[index]}:{line - self.starts[index]}"


def read(path: str) -> Script:
    """UsageError, with its position, for what is no Python."""
    name = _name(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UsageError(f"cannot read {name}: it is not a file")
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > MOST_BYTES:
        raise UsageError(f"{name} is larger than {MOST_BYTES >> 20} MiB: it is no script")
    if name.lower().endswith(_NOTEBOOK):
        return _notebook(name, content)
    return Script(name, tuple(_parse(_decoded(content, name), name).body))


def _name(path: str) -> str:
    """From here, or the bare name of a file that lies elsewhere: the proposal is read on other machines."""
    try:
        below = os.path.relpath(path)
    except ValueError:
        below = os.pardir
    return display(os.path.basename(path) if below.startswith(os.pardir) else below)


def _decoded(content: bytes, name: str) -> str:
    """As Python reads it: by its byte order mark or its line `coding:` (PEP 263), else as UTF-8."""
    nul = content.find(b"\0")
    if nul >= 0:
        raise UsageError("a NUL byte: it is no Python", _at(name, content, nul))
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return io.TextIOWrapper(io.BytesIO(content), encoding).read()
    except SyntaxError as error:
        _check_utf8(content, name)
        raise UsageError(f"its encoding is not known: {error.msg}", Position(name)) from error
    except UnicodeDecodeError as error:
        raise _not_text(error, content, name) from error
    except (LookupError, ValueError) as error:
        raise UsageError(f"its encoding is not one of text: {error}", Position(name)) from error


def _check_utf8(content: bytes, name: str) -> None:
    """Of a byte in the first lines that is not UTF-8, Python says that a declaration is missing, and no place."""
    try:
        if b"coding" not in b"".join(content.splitlines()[:2]):
            content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_text(error, content, name) from error


def _not_text(error: UnicodeDecodeError, content: bytes, name: str) -> UsageError:
    hint = "say its encoding in the first line: `# -*- coding: latin-1 -*-`"
    return UsageError(f"not {error.encoding}: {error.reason}", _at(name, content, error.start), hint)


def _at(name: str, content: bytes, offset: int) -> Position:
    before = content[:offset]
    return Position(name, before.count(b"\n") + 1, offset - before.rfind(b"\n"))


def _parse(text: str, name: str, flags: int = ast.PyCF_ONLY_AST) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # `"\d"` is a warning of Python about the user's script, not about ours.
            warnings.simplefilter("ignore")
            tree = compile(text, name, "exec", flags, dont_inherit=True)
    except SyntaxError as error:
        position = Position(name, error.lineno or 1, max(1, error.offset or 1))
        raise UsageError(f"it is no Python {_version()}: {error.msg}", position) from error
    except (RecursionError, MemoryError) as error:
        raise UsageError("it is nested too deep to be read", Position(name)) from error
    except (ValueError, OverflowError) as error:
        raise UsageError(f"it is no Python: {error}", Position(name)) from error
    assert isinstance(tree, ast.Module)
    return tree


def _version() -> str:
    import sys

    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _notebook(name: str, content: bytes) -> Script:
    try:
        data = json.loads(content)
    except UnicodeDecodeError as error:
        raise UsageError(f"not {error.encoding}: {error.reason}", _at(name, content, error.start)) from error
    except json.JSONDecodeError as error:
        raise UsageError(f"it is no notebook: {error.msg}", Position(name, error.lineno, error.colno)) from error
    except (RecursionError, ValueError) as error:
        raise UsageError(f"it is no notebook: {error}", Position(name)) from error
    statements: list[ast.stmt] = []
    starts, cells, line = [0], [1], 0
    for number, text in _cells(data, name):
        tree = _cell(text, f"{name}:cell {number}")
        ast.increment_lineno(tree, line)
        statements += tree.body
        starts.append(line)
        cells.append(number)
        line += text.count("\n") + 1
    return Script(name, tuple(statements), tuple(starts), tuple(cells))


def _cells(data: Any, name: str) -> list[tuple[int, str]]:
    """Number and text of the cells that hold code, in the forms of nbformat 4 and 3."""
    sheets = data.get("worksheets") if isinstance(data, dict) else None
    cells = sheets[0].get("cells") if isinstance(sheets, list) and sheets and isinstance(sheets[0], dict) else None
    cells = data.get("cells", cells) if isinstance(data, dict) else None
    if not isinstance(cells, list):
        raise UsageError("it is no notebook: it has no cells", Position(name))
    found = []
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        text = cell.get("source", cell.get("input", ""))
        lines = text if isinstance(text, list) else [text]
        found.append((number, "".join(line for line in lines if isinstance(line, str))))
    return found


def _cell(text: str, name: str) -> ast.Module:
    if "\0" in text:
        raise UsageError("a NUL byte: it is no Python", Position(name, text[: text.index("\0")].count("\n") + 1))
    first = text.lstrip().split("\n", 1)[0].strip()
    if first.startswith("%%") and not first.startswith(_PYTHON_MAGICS):
        return ast.Module([], [])
    try:
        return _parse(text, name, _FLAGS)
    except UsageError:
        # Only now: a line of Python may begin with `%`, too, within brackets.
        return _parse(_without_magics(text), name, _FLAGS)


def _without_magics(text: str) -> str:
    """The same number of lines, without `%magic`, `!shell` and `help?`."""
    lines, goes_on = [], False
    for line in text.split("\n"):
        shell = None if goes_on else _SHELL.match(line)
        captured = None if goes_on else _CAPTURED.match(line)
        is_python = not (goes_on or shell or captured)
        if captured:
            lines.append(f"{captured[1]}...")
        elif shell:
            lines.append(f"{shell[1]}pass")
        else:
            lines.append("" if goes_on else line)
        goes_on = not is_python and line.endswith("\\")
    return "\n".join(lines)
