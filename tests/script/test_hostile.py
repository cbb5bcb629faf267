"""Scripts that would hang, overflow or mislead a reader that is not careful."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from datalint.script import recipe

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = "import tensorflow as tf\nds = tf.keras.utils.image_dataset_from_directory('x', batch_size=9)\n"
FIT = "model.fit(ds, epochs=2)\n"


def read(text: str, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    path = folder / "train.py"
    path.write_text(text, "utf-8")
    found = recipe.read(str(path))
    return {key: value for key, (value, _) in found.values.items()}, dict(found.notes)


@pytest.mark.parametrize(
    "middle",
    [
        "x = foo(1) + bar.baz(2)\n" * 20_000,
        pytest.param("x = foo(1) + bar.baz(2)\n" * 100_000, marks=pytest.mark.exhaustive),
        "".join(f"if a{n}:\n  b{n} = {n}\nelse:\n  b{n} = c\n" for n in range(10_000)),
        "ds = ds.map(augment)\n" * 150,
        "optimizer = tf.keras.optimizers.Adam()\n" * 5_000,
        "".join(" " * depth + "if x:\n" for depth in range(95)) + " " * 95 + "y = 1\n",
        "".join(" " * depth + f"for x{depth} in range(3):\n" for depth in range(19)) + " " * 19 + "y = 1\n",
        "x = " + "[" * 90 + "1" + "]" * 90 + "\n",
        "x = " + "[1 for a in " * 30 + "b" + "]" * 30 + "\n",
        "if a:\n  pass\n" + "elif b:\n  c = 1\n" * 80,
        "x = " + "a." * 300 + "b\n",
        "x = " + "f(" * 90 + ")" * 90 + "\n",
        "x = " + "not " * 90 + "y\n",
        "a = b\nb = a\na = b\n",
        "def f():\n  return g()\ndef g():\n  return f()\nx = f()\n",
        "def f(x):\n  return f(f(x))\ny = f(f(f(1)))\n",
        "f = lambda: f()\nx = f()\n",
        "".join(f"def f{n}(a):\n  f{n + 1}(a)\n  return f{n + 1}(a)\n" for n in range(60)) + "x = f0(1)\n",
        "class A(A): pass\nclass B(A): pass\nB().x.y()\n",
        "class A:\n  @property\n  def p(self):\n    return self.p\nx = A().p\n",
        "class A:\n  def __call__(self):\n    return self()\nx = A()()\n",
        "class A:\n  def __init__(self):\n    self.a = A()\nx = A()\n",
        "l = []\nl.append(l)\nd = {}\nd['d'] = d\nfoo(l, d)\n*a, b = l\n(a, (b, c)), d = l\n",
        "x = 9 ** 9 ** 9\ny = 1 << 10 ** 9\nz = 'a' * 10 ** 10\nw = (1,) * 10 ** 9\nv = -(2 ** 63) // 0\nu = 5 % 0.0\n",
        "while True:\n  ds2 = ds.repeat()\n",
        "try:\n  pass\nexcept* ValueError:\n  pass\nmatch x:\n  case 1:\n    y = 2\n  case _:\n    raise SystemExit\n",
        "global q\nn = 1\ndel n, n\n",
        "async def f():\n  async with a as b:\n    async for c in d:\n      yield c\n",
        "x = (yield_ := 3)\nx: int\nx.y: int = 3\nx[0]: int = 3\nx[0] += 1\nx.y += 1\n",
        "from . import a\nfrom .. import *\nfrom .b import c as d\nimport e.f.g, h.i as j\n",
    ],
)
def test_what_stands_in_between_changes_nothing(middle: str, tmp_path: Path) -> None:
    values, notes = read(SOURCE + middle + FIT, tmp_path)
    assert (values["batch"], values["epochs"], values["loader"]) == (9, 2, "image_dataset_from_directory")
    assert notes == {}


def test_a_chain_that_is_longer_than_can_be_followed_is_no_guess(tmp_path: Path) -> None:
    values, notes = read(
        "import tensorflow as tf\nds = tf.data.Dataset.list_files('x')" + ".repeat()" * 400 + f"\n{FIT}", tmp_path
    )
    assert "loader" not in values
    assert values["epochs"] == 2
    assert "loader" in notes


def test_more_than_is_read_of_a_script_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datalint.script.expressions.MOST_STEPS", 500)
    values, notes = read(SOURCE + "x = foo(1)\n" * 1000 + FIT, tmp_path)
    assert "epochs" not in values
    assert notes["framework"].startswith("the script was read up to train.py:")


def test_one_of_many_values_is_not_taken_and_not_all_are_told(tmp_path: Path) -> None:
    branches = "".join(f"if a{number}:\n  n = {number}\n" for number in range(1, 8))
    values, notes = read(f"n = 99\n{branches}model.fit(x, y, batch_size=n)\n", tmp_path)
    assert "batch" not in values
    assert notes["batch"].endswith("or more: say which one trains")


def test_a_number_that_is_too_large_is_left_out(tmp_path: Path) -> None:
    values, notes = read("model.fit(x, y, batch_size=2 ** 64, epochs=0, validation_split=1.5)\n", tmp_path)
    assert not values.keys() & {"batch", "epochs", "validation_split"}
    assert "left out: 18446744073709551616 is above the maximum" in notes["batch"]
    assert "left out: 0 is below the minimum 1" in notes["epochs"]
    assert "left out: 1.5 must be below 1" in notes["validation_split"]


def test_the_script_is_never_executed(tmp_path: Path) -> None:
    values, _ = read(f"open({str(tmp_path / 'made')!r}, 'w').write('x')\nimport this_is_not_there\n{FIT}", tmp_path)
    assert values["epochs"] == 2
    assert not (tmp_path / "made").exists()
