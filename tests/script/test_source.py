"""Files that are scripts or notebooks, and files that are neither."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from datalint.errors import UsageError
from datalint.script import recipe, source

if TYPE_CHECKING:
    from pathlib import Path

FIT = "model.fit(x, y, batch_size=7)\n"


def batch(path: Path) -> tuple[Any, str]:
    return recipe.read(str(path)).values["batch"]


def notebook(path: Path, *cells: str | list[str], kind: str = "code", **more: object) -> Path:
    path.write_text(json.dumps({"cells": [{"cell_type": kind, "source": cell} for cell in cells], **more}), "utf-8")
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"# -*- coding: latin-1 -*-\nname = '\xe9'\n" + FIT.encode(),
        b"#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\nname = '\x80'\n" + FIT.encode(),
        b"\xef\xbb\xbfname = '\xc3\xa9'\n" + FIT.encode(),
        b"name = 'x'\r\n" + FIT.encode(),
    ],
)
def test_a_script_is_decoded_as_python_decodes_it(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(content)
    assert batch(path)[0] == 7


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x = 1\ny = (2\nz = 3\n", r"train\.py:2:5: it is no Python \d\.\d+: '\(' was never closed"),
        (b"print 'hello'\n", r"train\.py:1:1: it is no Python"),
        (b"x = 1\n\ty = 2\n", r"train\.py:2:\d: it is no Python"),
        (b"x = 1\ny = '\xe9'\n", r"train\.py:2:6: not utf-8"),
        (b"# coding: latin-1\nx = '\0'\n", r"train\.py:2:6: a NUL byte"),
        (b"# coding: klingon\n", r"train\.py:1:1: its encoding is not known: unknown encoding: klingon"),
        (b"# coding: hex\nx = 1\n", r"train\.py:1:1: its encoding is not one of text"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", r"train\.py:1:5: a NUL byte: it is no Python"),
        (b"<!DOCTYPE html>\n<html>\n", r"train\.py:1:1: it is no Python"),
        (b"x = " + b"(" * 5000 + b")" * 5000, r"train\.py:1:\d+: it is no Python"),
        (b"x = " + b"1+" * 100_000 + b"1", r"train\.py:1:1: it is nested too deep"),
        (b"x = " + b"9" * 5000, r"train\.py:1:1: it is no Python"),
    ],
)
def test_what_is_no_python_has_a_place(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said) as error:
        source.read(str(path))
    assert error.value.position is not None


def test_what_is_not_there_or_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read gone\.py: No such file"):
        source.read(str(tmp_path / "gone.py"))
    with pytest.raises(UsageError, match="it is not a file"):
        source.read(str(tmp_path))
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(UsageError, match="it is not a file"):
        source.read(str(tmp_path / "pipe.py"))
    with pytest.raises(UsageError, match="cannot read"):
        source.read("a\0b.py")


def test_what_is_too_large_is_no_script(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(b"x = 1\n" * (source.MOST_BYTES // 6 + 1))
    with pytest.raises(UsageError, match="is larger than 32 MiB"):
        source.read(str(path))


def test_warnings_of_python_about_the_script_are_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text('pattern = "\\d"\nif pattern is "x":\n    pass\n' + FIT)
    assert batch(path)[0] == 7


def test_a_name_is_shown_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/train.py").write_text(FIT)
    monkeypatch.chdir(tmp_path)
    assert batch(tmp_path / "src/train.py")[1].startswith("inferred from src/train.py:1: ")
    monkeypatch.chdir(tmp_path / "src")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/fit.py").write_text(FIT)
    assert batch(tmp_path / "other/fit.py")[1].startswith("inferred from fit.py:1: ")


def test_a_notebook_is_read_cell_by_cell(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "Train.ipynb",
        [
            "%matplotlib inline\n",
            "!pip install keras \\\n",
            "    tensorflow\n",
            "files = !ls data\n",
            "print?\n",
            "if files:\n",
            "    !ls\n",
            "    BATCH = 7",
        ],
        "%%bash\ncd (",
        "%%time\nresult = await something()\nmodel.fit(\n    x, y,\n    batch_size=BATCH)",
    )
    assert batch(path) == (7, "inferred from Train.ipynb:cell 3:5: batch_size=BATCH")


def test_cells_of_text_count_and_are_not_read(tmp_path: Path) -> None:
    cells = [{"cell_type": "markdown", "source": "# Train ("}, {"cell_type": "code", "source": FIT}]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}))
    assert batch(tmp_path / "a.ipynb")[1].startswith("inferred from a.ipynb:cell 2:1: ")


def test_old_notebooks_are_read_too(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "input": [FIT]}]
    (tmp_path / "a.ipynb").write_text(json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}))
    assert batch(tmp_path / "a.ipynb")[0] == 7


def test_a_percent_sign_within_brackets_is_no_magic(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "size = (21\n% 14)\nmodel.fit(x, y, batch_size=size)")
    assert batch(path)[0] == 7


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"cells": [', r"a\.ipynb:1:12: it is no notebook"),
        (b"[1, 2]", r"a\.ipynb:1:1: it is no notebook: it has no cells"),
        (b'{"cells": 3}', r"a\.ipynb:1:1: it is no notebook: it has no cells"),
        (b'\n"\xe9"', r"a\.ipynb:2:2: not utf-8"),
        (b"[" * 100_000, r"a\.ipynb:1:1: it is no notebook"),
        (b'{"cells": [{}, 1, {"cell_type": "code", "source": "a = 1\\nb = = 2"}]}', r"a\.ipynb:cell 3:2:5: it is no"),
        (b'{"cells": [{"cell_type": "code", "source": ["a\\n", "\\u0000"]}]}', r"a\.ipynb:cell 1:2:1: a NUL byte"),
    ],
)
def test_what_is_no_notebook_has_a_place(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        source.read(str(tmp_path / "a.ipynb"))


def test_what_a_cell_holds_besides_text_is_passed_over(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": None}, {"cell_type": "code", "source": [1, FIT]}, {"cell_type": "code"}]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}))
    assert batch(tmp_path / "a.ipynb")[0] == 7
