"""What single lines mean, and what they do not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from datalint.script import recipe

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "import numpy as np\nimport tensorflow as tf\nfrom tensorflow import keras\n"
DS = "ds = keras.utils.image_dataset_from_directory('x', batch_size=None)\n"
FILES = "ds = tf.data.Dataset.list_files('x')\n"
READ = "ds = ds.map(tf.io.read_file)\n"
CACHING = (
    "def prepare(ds, cache=True):\n  if cache:\n    if isinstance(cache, str):\n      ds = ds.cache(cache)\n"
    "    else:\n      ds = ds.cache()\n  return ds\n"
)
PARSER = "from argparse import ArgumentParser\np = ArgumentParser()\n"
DECODE = "ds = ds.map(tf.io.decode_jpeg)\n"


def read(text: str, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    path = folder / "train.py"
    path.write_text(HEAD + text, "utf-8")
    found = recipe.read(str(path))
    return {key: value for key, (value, _) in found.values.items()}, dict(found.notes)


@pytest.mark.parametrize(
    "code",
    [
        "n = 6\n",
        "n = 2 * 3\n",
        "n = (1 << 2) + 2 ** 1\n",
        "n = -(-6)\n",
        "n: int = 13 // 2\n",
        "n, m = 6, 7\n",
        "m, (n, *_) = 1, (6, 7)\n",
        "sizes = (5, 6)\nn = sizes[-1]\n",
        "sizes = [1, 5, 6]\n_, n = sizes[1:]\n",
        "config = {'batch': 6}\nn = config['batch']\n",
        "config = dict(batch=6)\nn = config.get('batch', 3)\n",
        "config = {**{'batch': 3}, 'batch': 6}\nn = config['batch']\n",
        "config = {}\nconfig['batch'] = 6\nn = config['batch']\n",
        "class C:\n  batch = 6\nn = C.batch\n",
        "class B:\n  batch = 6\nclass C(B):\n  pass\nn = C().batch\n",
        "class C:\n  def __init__(self, b):\n    self.b = b\nn = C(6).b\n",
        "class C:\n  @property\n  def b(self):\n    return 6\nn = C().b\n",
        "class C:\n  @staticmethod\n  def b(x):\n    return x\nn = C().b(6)\n",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n  a: int\n  b: int = 3\nn = C(1, 6).b\n",
        "from types import SimpleNamespace\nn = SimpleNamespace(b=6).b\n",
        "def f(a, b=6):\n  return b\nn = f(1)\n",
        "def f(*args, **options):\n  return options['b'] if args else 1\nn = f(1, b=6)\n",
        "def f(a, /, *, b):\n  return b\noptions = {'b': 6}\nn = f(1, **options)\n",
        "from functools import partial\ndef f(a, b):\n  return b\nn = partial(f, 1)(6)\n",
        "f = lambda b: b * 2\nn = f(3)\n",
        "DEBUG = False\nn = 1 if DEBUG else 6\n",
        "DEBUG = False\nif DEBUG:\n  n = 1\nelif not DEBUG and 3 > 2:\n  n = 6\nelse:\n  n = 2\n",
        "n = None\nn = n or 6\n",
        "n = 6\ndef f():\n  n = 3\nf()\n",
        "def f():\n  global n\n  n = 6\nf()\n",
        "n = int('6')\n",
        "n = int(6.5)\n",
        "if (n := 6) > 3:\n  pass\n",
        "try:\n  import x\n  n = 6\nexcept ImportError:\n  raise SystemExit\n",
        "with open('x') as file:\n  n = 6\n",
        "if unknown():\n  n = 6\nelse:\n  n = 6\n",
        "n = 6\nfor i in range(3):\n  m = n\n",
        "import click\n@click.option('--n-b', '-b', default=6)\ndef main(n_b):\n  global n\n  n = n_b\nmain()\n",
        "class C:\n  n = 3\nC.n = 6\nn = C.n\n",
        "c = [1]\nc.append(6)\nn = c[1]\n",
        "c = [1]\nd = c.copy()\nd.extend([6])\nn = d[-1]\n",
        "if unknown():\n  c = {'n': 3}\n  c['n'] = 6\n  n = c['n']\nelse:\n  n = 6\n",
        "try:\n  c = {'n': 3}\n  c['n'] = 6\nfinally:\n  n = c['n']\n",
        "c = dict(a=1)\nc.update({'n': 6}, b=2)\nn = c['n']\n",
        f"{PARSER}p.set_defaults(n=6)\na, _ = p.parse_known_args()\nn = a.n\n",
        f"{PARSER}p.add_argument('-n', type=float, default='6')\nn = int(p.parse_args().n)\n",
        "@tf.function\ndef f():\n  return 6\nn = tf.function(f)()\n",
        "n = ('a' + 'b', 6)[1]\n",
        "n = [i for i in (6,)][0]\n",
        "import typer\ndef main(b: int = typer.Option(6)):\n  global n\n  n = b\ntyper.run(main)\n",
        "c = [3, 6] * 2\nn = c[3]\n",
        "class C:\n  def __init__(self, n):\n    self.n = n\n  @classmethod\n  def made(cls, n=7):\n    return cls(n)\n"
        "n = C.made(6).n\n",
        "class B:\n  def __init__(self, n):\n    self.n = n\nclass C(B):\n  n = 7\n  def __init__(self):\n"
        "    super().__init__(6)\nn = C().n\n",
        "from dataclasses import dataclass, field\n@dataclass\nclass C:\n  a: int = field(default=2)\n"
        "  b: list = field(default_factory=lambda: [3])\n  def __post_init__(self):\n    self.n = self.a * self.b[0]\n"
        "n = C().n\n",
        "c = {}\nc.setdefault('n', 6)\nc.setdefault('n', 7)\nn = c['n']\n",
        "c = {'n': 7}\nm = c.pop('n')\nn = dict(n=6, **c)['n']\n",
        "k = 'b'\nn = {'a_b1': 6}[f'a_{k}{1}']\n",
        "c = {**json.load(file), 'n': 6}\nn = c['n']\n",
        "c = {'n': 7}\nc.update(json.load(file))\nc['n'] = 6\nn = c['n']\n",
        "c = {'n': 7}\nfor key in ('n', 'm'):\n  c[key] = 6\nc['n'] = 6\nn = c['n']\n",
        "class C:\n  pass\nc = C()\nsetattr(c, 'n', 6)\nn = c.n\n",
        "from dataclasses import dataclass\n@dataclass\nclass B:\n  a: int\n@dataclass\nclass C(B):\n  b: int = 3\n"
        "n = C(1, 6).b\n",
        f"{PARSER}p.add_argument('-n', type=int, default=6)\nn = p.parse_args([]).n\n",
        f"{PARSER}p.add_argument('-n', type=int, default=6)\nimport sys\nn = p.parse_args(sys.argv[1:]).n\n",
        f"{PARSER}p.add_argument('-n', type=int, default=6)\nn = ArgumentParser(parents=[p]).parse_args().n\n",
        f"{PARSER}p.add_argument('--a', dest='a', action='store_true')\n"
        "p.add_argument('--no-a', dest='a', action='store_false')\nn = 7 if p.parse_args().a else 6\n",
    ],
)
def test_a_value_is_followed_to_its_literal(code: str, tmp_path: Path) -> None:
    values, notes = read(f"{code}model.fit(x, y, batch_size=n)\n", tmp_path)
    assert values["batch"] == 6, notes
    assert "batch" not in notes


@pytest.mark.parametrize(
    "code",
    [
        "",
        "from config import n\n",
        "n = len(files)\n",
        "import os\nn = int(os.environ.get('N', 32))\n",
        "n = json.load(open('c.json'))['n']\n",
        "n = 6\nfor i in range(3):\n  n = n * 2\n",
        "n = 6\nwhile n < 100:\n  n += 1\n",
        "n, m = 6, 7\nfor i in range(3):\n  n, m = m, n\n",
        "n = 6\ndel n\n",
        "n = 6.5\n",
        "n = '6'\n",
        "n = True\n",
        "def f():\n  return f()\nn = f()\n",
        "n = 6 * strategy.num_replicas_in_sync\n",
        "n = {'a': 6}[key]\n",
        "import utils\nn = utils.n\n",
        "def f(n):\n  for i in range(n):\n    n -= 1\n  return n\nn = f(6)\n",
        "n = int(f'{6:02d}')\n",
        "c = [3, 6] * len(x)\nn = c[0]\n",
    ],
)
def test_what_is_no_literal_is_never_guessed(code: str, tmp_path: Path) -> None:
    values, notes = read(f"{code}model.fit(x, y, batch_size=n)\n", tmp_path)
    assert "batch" not in values
    line = code.count("\n") + 4
    assert notes["batch"].startswith(f"not a literal at train.py:{line}: say it yourself: batch_size=n")


@pytest.mark.parametrize(
    "code",
    [
        "n = 6\nif unknown():\n  n = 7\n",
        "n = 6 if unknown() else 7\n",
        "for n in (6, 7):\n  model.fit(x, y, batch_size=n)\nn = 7\n",
        "try:\n  n = 6\nexcept ValueError:\n  n = 7\n",
        "match unknown:\n  case 1:\n    n = 6\n  case _:\n    n = 7\n",
        "def f():\n  if unknown():\n    return 6\n  return 7\nn = f()\n",
        "model.fit(x, y, batch_size=6)\nn = 7\n",
        "class C:\n  n = 6\nif unknown():\n  C.n = 7\nn = C.n\n",
        "class C:\n  def __init__(self):\n    self.n = 6\nc = C()\nif unknown():\n  c.n = 7\nn = c.n\n",
        "c = {'n': 6}\nif unknown():\n  c['n'] = 7\nn = c['n']\n",
        "c = [6]\nif unknown():\n  c.append(7)\nn = c[-1]\n",
        "c = [6]\nfor i in x:\n  c.append(7)\nn = c[i]\n",
        "c = [6]\nc.insert(0, 7)\nn = c[0]\n",
        "c = [6, 7]\nc.reverse()\nn = c[0]\n",
        "c = [6, 7] + [7]\nn = c[k]\n",
        "n, m = (6, 1) if unknown() else (7, 2)\n",
        "c = (6, 1) if unknown() else (7, 2)\nn = c[0]\n",
        "n = (5 if unknown() else 6) + 1\nmodel.fit(x, y, batch_size=6)\n",
        "for n in [6, 7]:\n  pass\n",
        "c = {'n': 6}\nwhile unknown():\n  c['n'] += 1\nn = c['n']\n",
        "class C:\n  n = 6\nfor i in range(3):\n  C.n += 1\nn = C.n\n",
        "n = 6\ndef f():\n  global n\n  if unknown():\n    n = 7\nf()\n",
        "n = 6\nfor i in range(3):\n  if unknown():\n    n = 7\n    break\n",
        "n = 6\nfor i in range(3):\n  if unknown():\n    if i:\n      n = 7\n      continue\n    break\n",
        "c = {'n': 6}\nif unknown():\n  c.update(n=7)\nn = c['n']\n",
        f"{PARSER}s = p.add_subparsers()\ns.add_parser('a').add_argument('-n', default=6)\n"
        "s.add_parser('b').add_argument('-n', default=7)\nn = p.parse_args().n\n",
    ],
)
def test_of_two_values_both_are_said_and_none_is_taken(code: str, tmp_path: Path) -> None:
    values, notes = read(f"{code}model.fit(x, y, batch_size=n)\n", tmp_path)
    assert "batch" not in values
    assert "6 at train.py:" in notes["batch"]
    assert "7 at train.py:" in notes["batch"]
    assert notes["batch"].endswith(": say which one trains")


@pytest.mark.parametrize(
    "code",
    [
        "c = {'n': 6}\nc.update(json.load(file))\nn = c['n']\n",
        "c = {'n': 6, **json.load(file)}\nn = c['n']\n",
        "c = dict(**json.load(file))\nn = c.get('n', 6)\n",
        "c = dict(json.load(file))\nn = c.pop('n', 6)\n",
        "c = {'n': 6}\nfor word in words:\n  c[word] = 7\nn = c['n']\n",
        f"{PARSER}p.add_argument('-n', type=int, default=6)\nn = p.parse_args(['-n', '7']).n\n",
        f"{PARSER}p.add_argument('-n', type=int, default=6)\nn = p.parse_args('-n 7'.split()).n\n",
        f"{PARSER}p.add_argument('-n', default=6)\np.set_defaults(**json.load(file))\nn = p.parse_args().n\n",
        f"{PARSER}p.add_argument('-n', default=6)\na = p.parse_args()\nvars(a).update(json.load(file))\nn = a.n\n",
        f"{PARSER}p.add_argument('-n', default=6)\na = p.parse_args()\na.__dict__.update(json.load(file))\nn = a.n\n",
        f"{PARSER}p.add_argument('-n', default=6)\na = p.parse_args()\nsetattr(a, key, 7)\nn = a.n\n",
        "class C:\n  n = 6\nc = C()\nfor key in words:\n  setattr(c, key, 7)\nn = c.n\n",
        "class C:\n  def __init__(self, n=6):\n    self.n = n\nn = C(**json.load(file)).n\n",
        "class C:\n  n = 6\nfor key in words:\n  setattr(C, key, 7)\nn = C.n\n",
        "n = 6\nexec(open('overrides.py').read())\n",
        "n = 6\nglobals().update(json.load(file))\n",
        "n = 6\nglobals().update(**json.load(file))\n",
        "n = 6\nfor key in words:\n  globals()[key] = 7\n",
        "n = 6\ndef f():\n  globals().update(read())\nf()\n",
        "from other import update_config\nc = {'n': 6}\nupdate_config(c, words)\nn = c['n']\n",
        "import other\nclass C:\n  n = 6\nc = C()\nc.n = 6\nother.merge_file(into=c)\nn = c.n\n",
        "class C:\n  n = 6\n  @classmethod\n  def load(cls, path):\n    for key, value in read(path):\n"
        "      setattr(cls, key, value)\nC.load('a.json')\nn = C.n\n",
        "def f(n=6):\n  return n\nn = f(**json.load(file))\n",
        "def f(n=6):\n  return n\ndef g(**options):\n  return f(**options)\nn = g(**json.load(file))\n",
    ],
)
def test_what_a_file_may_say_otherwise_is_not_taken(code: str, tmp_path: Path) -> None:
    values, notes = read(f"{code}model.fit(x, y, batch_size=n)\n", tmp_path)
    assert "batch" not in values
    assert re.match(r"6 at train\.py:\d+ or not a literal at train\.py:\d+: say which one trains$", notes["batch"])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("n = 6\nglobals().update({'n': 7})\n", 7),
        ("n = 6\nglobals().update(n=7)\n", 7),
        ("n = 6\nglobals()['n'] = 7\n", 7),
        (f"{PARSER}p.add_argument('-n', type=int, default=7)\nglobals().update(vars(p.parse_args()))\n", 7),
        ("n = 6\nprint(globals()['n'], globals().keys())\n", 6),
        ("c = {'n': 6}\nshow(c)\nwandb.config.update(c)\nn = c['n']\n", 6),
    ],
)
def test_what_is_put_under_the_names_of_the_module_is_known(code: str, expected: int, tmp_path: Path) -> None:
    values, _ = read(f"{code}model.fit(x, y, batch_size=n)\n", tmp_path)
    assert values["batch"] == expected


def test_options_that_nobody_sees_may_hold_what_is_not_said(tmp_path: Path) -> None:
    code = "model.fit(keras.utils.image_dataset_from_directory('x', **json.load(file)), epochs=3)\n"
    values, notes = read(code, tmp_path)
    assert not values.keys() & {"batch", "image_size", "channels"}
    assert all(notes[key].startswith("not a literal at train.py:4: ") for key in ("batch", "image_size", "channels"))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"{DS}ds = ds.shuffle(5).batch(2)\n", (5, "decoded")),
        (f"{DS}ds = ds.batch(2).shuffle(5)\n", (5, "batched")),
        (f"{DS}ds = ds.batch(2).unbatch().shuffle(5).batch(3)\n", (5, "decoded")),
        (f"{FILES}{READ}ds = ds.shuffle(5)\n{DECODE}ds = ds.batch(2)\n", (5, "encoded")),
        (f"{FILES}{READ}{DECODE}ds = ds.shuffle(5).batch(2)\n", (5, "decoded")),
        (f"{FILES}{READ}{DECODE}ds = ds.batch(2).shuffle(5)\n", (5, "batched")),
        (f"{FILES}ds = ds.shuffle(9)\n{READ}{DECODE}ds = ds.shuffle(5).batch(2)\n", (5, "decoded")),
        (f"{FILES}ds = ds.shuffle(9)\n{READ}{DECODE}ds = ds.batch(2)\n", (9, "names")),
        (
            "paths, labels = lists()\nds = tf.data.Dataset.from_tensor_slices((paths, labels)).shuffle(9)\n"
            "ds = ds.map(lambda p, y: (tf.io.decode_jpeg(tf.io.read_file(p)), y)).batch(2)\n",
            (9, "names"),
        ),
        ("ds = tf.data.TFRecordDataset('x').shuffle(5).map(tf.io.parse_tensor).batch(2)\n", (5, "encoded")),
        ("ds = tf.data.TFRecordDataset('x').map(tf.io.parse_tensor).shuffle(5).batch(2)\n", (5, "decoded")),
        ("import tensorflow_datasets as tfds\nds = tfds.load('x').shuffle(5).batch(2)\n", (5, "decoded")),
        ("ds = keras.utils.image_dataset_from_directory('x').shuffle(5)\n", (5, "batched")),
        ("ds = keras.utils.image_dataset_from_directory('x').unbatch().shuffle(5).batch(2)\n", (5, "decoded")),
        ("ds = tf.data.Dataset.from_tensor_slices(np.zeros((9, 8, 8, 3))).shuffle(5).batch(2)\n", (5, "decoded")),
    ],
)
def test_the_order_says_what_is_in_the_buffer(steps: str, expected: tuple[int, str], tmp_path: Path) -> None:
    values, _ = read(f"{steps}model.fit(ds)\n", tmp_path)
    assert (values["shuffle_buffer"], values["shuffle_stage"]) == expected


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (f"{FILES}ds = ds.shuffle(len(names))\n{READ}{DECODE}", "of file names, which take next to nothing"),
        (f"{FILES}ds = ds.map(imported).shuffle(5)\n", "not told by the script"),
        (
            f"{FILES}{READ}{DECODE}ds = ds.shuffle(5).map(lambda x: tf.image.resize(x, (8, 8)))\n",
            "not been resized yet",
        ),
        (f"{DS}ds = ds.shuffle(5).shuffle(6)\n", "5 (decoded) at train.py:5 or 6 (decoded)"),
        (f"{DS}ds = ds.shuffle(len(names))\n", "not a literal"),
    ],
)
def test_a_buffer_that_the_recipe_cannot_say_is_left_out(steps: str, why: str, tmp_path: Path) -> None:
    values, notes = read(f"{steps}ds = ds.batch(2)\nmodel.fit(ds)\n", tmp_path)
    assert not values.keys() & {"shuffle_buffer", "shuffle_stage"}
    assert why in notes["shuffle_buffer"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"{DS}ds = ds.cache()\n", "memory"),
        (f"{DS}ds = ds.cache('')\n", "memory"),
        (f"{CACHING}{DS}ds = prepare(ds)\n", "memory"),
        (f"{CACHING}{DS}ds = prepare(ds, 'file')\n", "disk"),
        (f"{CACHING}{DS}ds = prepare(ds, False)\n", "no"),
        (f"{CACHING}{DS}ds = prepare(ds, unknown())\n", None),
        (f"{DS}ds = ds.cache('/tmp/x')\n", "disk"),
        (f"{DS}ds = ds.batch(2).cache(filename='x')\n", "disk"),
        (f"{DS}ds = ds.cache(path)\n", None),
        (f"{FILES}{READ}ds = ds.cache()\n{DECODE}", None),
        (f"{FILES}ds = ds.cache()\n{READ}{DECODE}", None),
        (f"{FILES}{READ}{DECODE}ds = ds.cache()\n", "memory"),
        (f"{FILES}{READ}{DECODE}ds = ds.cache().map(lambda x: tf.image.resize(x, (8, 8)))\n", None),
        (f"{FILES}{READ}{DECODE}ds = ds.map(lambda x: tf.image.resize(x, (8, 8))).cache()\n", "memory"),
        ("ds = tf.data.Dataset.from_tensor_slices(np.zeros((9, 8, 8, 3))).cache()\n", None),
    ],
)
def test_where_a_cache_is_and_what_it_holds(steps: str, expected: str | None, tmp_path: Path) -> None:
    values, notes = read(f"{steps}model.fit(ds)\n", tmp_path)
    assert values.get("cache", None if "cache" in notes else "no") == (expected or None)
    assert ("cache" in notes) == (expected is None)


@pytest.mark.parametrize(
    ("code", "key", "expected"),
    [
        ("ds = ds.batch(2).prefetch(3)", "prefetch", 3),
        ("ds = ds.batch(2).prefetch(-1)", "prefetch", "auto"),
        ("ds = ds.batch(2).prefetch(tf.data.experimental.AUTOTUNE)", "prefetch", "auto"),
        ("ds = ds.batch(2).prefetch(3).prefetch(4)", "prefetch", 4),
        ("ds = ds.prefetch(3).batch(2)", "prefetch", None),
        ("ds = ds.batch(2, True)", "drop_remainder", True),
        ("ds = ds.batch(2)", "drop_remainder", False),
        ("ds = ds.batch(2).unknown_method()", "drop_remainder", None),
        ("ds = ds.batch(2).apply(tf.data.experimental.ignore_errors())", "batch", 2),
        ("ds = ds.batch(2, drop_remainder=flag)", "drop_remainder", None),
        ("ds = ds.batch(2, **options)", "drop_remainder", None),
        ("ds = ds.padded_batch(2)", "batch", 2),
        ("ds = ds.batch(batch_size=2)", "batch", 2),
        ("ds = ds.batch(2).batch(3)", "batch", None),
        ("ds = ds.batch(2).with_options(o).repeat().take(9).skip(1)", "batch", 2),
        ("ds = ds.apply(lambda d: d.batch(2))", "batch", 2),
        ("ds = tf.data.Dataset.zip((ds.batch(2), labels))", "batch", 2),
        ("ds = tf.data.Dataset.concatenate(ds, other).batch(2)", "batch", 2),
        ("ds = ds.batch(2)\nds = strategy.experimental_distribute_dataset(ds)", "batch", 2),
        ("parts = {'train': ds.batch(2), 'val': ds.batch(3)}\nds = parts['train']", "batch", 2),
        ("ds, val = keras.utils.split_dataset(ds.batch(2), 0.8)", "batch", 2),
        ("def late(d):\n  yield d\nds = next(late(ds.batch(2)))", "batch", None),
    ],
)
def test_a_chain_of_tf_data(code: str, key: str, expected: object, tmp_path: Path) -> None:
    values, _ = read(f"{DS}{code}\nmodel.fit(ds)\n", tmp_path)
    assert values.get(key) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ds = ds.map(lambda p: tf.io.decode_jpeg(tf.io.read_file(p)), num_parallel_calls=3)", 3),
        ("ds = ds.map(lambda p: tf.io.decode_jpeg(tf.io.read_file(p)), 3).map(augment, num_parallel_calls=5)", 3),
        ("ds = ds.map(lambda p: tf.io.decode_jpeg(tf.io.read_file(p)), tf.data.AUTOTUNE)", "auto"),
        ("ds = ds.map(lambda p: tf.io.decode_jpeg(tf.io.read_file(p)))", None),
        ("ds = ds.map(imported, num_parallel_calls=3)", 3),
        ("ds = ds.map(imported, num_parallel_calls=3).map(other, num_parallel_calls=4)", None),
        ("ds = ds.map(lambda p: tf.py_function(lambda q: tf.io.decode_jpeg(q), [p], tf.uint8), 3)", 3),
    ],
)
def test_images_decoded_at_once_are_those_of_the_decoding_map(code: str, expected: object, tmp_path: Path) -> None:
    values, _ = read(f"{FILES}{code}\nmodel.fit(ds.batch(2))\n", tmp_path)
    assert values.get("parallel_calls") == expected


def test_a_map_behind_a_loader_decodes_nothing(tmp_path: Path) -> None:
    values, _ = read(f"{DS}ds = ds.map(augment, num_parallel_calls=2).batch(2)\nmodel.fit(ds)\n", tmp_path)
    assert "parallel_calls" not in values


def test_what_an_object_holds_after_a_branch_is_not_certain(tmp_path: Path) -> None:
    code = (
        "class C:\n  def __init__(self, ds):\n    self.ds = ds\n"
        f"{DS}c = C(ds)\nif unknown():\n  c.ds = c.ds.shuffle(9)\nmodel.fit(c.ds.batch(2))\n"
    )
    values, notes = read(code, tmp_path)
    assert "shuffle_buffer" not in values
    assert notes["shuffle_buffer"] == "9 (decoded) at train.py:10 or none: say which one trains"
    assert values["batch"] == 2


def test_a_helper_from_elsewhere_within_a_mapped_function_may_decode(tmp_path: Path) -> None:
    code = (
        "from helpers import read_image\ndef load(p):\n  return read_image(p)\n"
        "ds = tf.data.Dataset.from_tensor_slices(x).map(load).shuffle(5).batch(2)\nmodel.fit(ds)\n"
    )
    values, notes = read(code, tmp_path)
    assert not values.keys() & {"loader", "shuffle_buffer"}
    assert notes.keys() == {"loader", "shuffle_buffer"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("tf.data.Dataset.from_tensor_slices(paths).map(lambda p: tf.io.read_file(p))", "files"),
        ("tf.data.Dataset.from_tensor_slices(images).map(lambda p: p / 255)", "from_tensor_slices"),
        ("tf.data.Dataset.from_tensor_slices(images)", "from_tensor_slices"),
        ("tf.data.Dataset.from_tensor_slices(x).map(imported)", None),
        ("tf.data.Dataset.from_tensor_slices(x).interleave(tf.data.TFRecordDataset)", "tfrecord"),
        ("tf.data.Dataset.list_files('x').flat_map(lambda f: tf.data.TFRecordDataset(f).map(g))", "tfrecord"),
        ("tf.data.Dataset.from_generator(generate, tf.float32)", "generator"),
        ("keras.preprocessing.image.ImageDataGenerator().flow_from_dataframe(df)", "generator"),
        ("keras.preprocessing.image.ImageDataGenerator().flow(x, y, batch_size=2)", "generator"),
        ("tfds.load('x')", None),
        ("tf.data.Dataset.list_files('x').interleave(imported)", None),
        ("tf.data.Dataset.sample_from_datasets([tf.data.TFRecordDataset('x')])", "tfrecord"),
        ("tf.data.Dataset.sample_from_datasets(parts)", None),
    ],
)
def test_how_images_reach_the_model(code: str, expected: str | None, tmp_path: Path) -> None:
    values, notes = read(f"ds = {code}\nmodel.fit(ds.batch(2) if hasattr(ds, 'batch') else ds)\n", tmp_path)
    assert values.get("loader") == expected
    assert ("loader" in notes) == (expected is None)


IMAGES = "import cv2\nimages = []\nfor p in paths:\n  images.append(cv2.imread(p))\n"


@pytest.mark.parametrize(
    ("code", "dtype", "scale", "build"),
    [
        ("X = np.array(images)", "uint8", None, "list"),
        ("images = np.array(images)\nX = images", "uint8", None, "list_freed"),
        ("X = np.array(images)\ndel images", "uint8", None, "list_freed"),
        ("pairs = [[i, 1] for i in images]\nimages = np.array(images)\nX = images", "uint8", None, "list"),
        ("pairs = {'a': (images[0], 1)}\nX = np.array(images)\nimages = 0", "uint8", None, "list"),
        ("last = images[0]\nX = np.array(images)\nimages = last", "uint8", None, "list_freed"),
        ("X = np.array(images) / 255.0", "float64", "divide_uint8", "list"),
        ("X = np.array(images) * (1 / 255)", "float64", "divide_uint8", "list"),
        ("X = np.array(images)\nX = X / 255", "float64", "divide_uint8", "list"),
        ("X = np.array(images, dtype='float32') / 255", "float32", "divide", "list"),
        ("X = np.array(images, dtype=np.float16)", "float16", None, "list"),
        ("X = np.array(images).astype('float32') / 255", "float32", "cast_and_divide", "list"),
        ("X = np.array(images).astype('float32')\nX = X / 255", "float32", "divide", "list"),
        ("X = np.array(images).astype('float32')\nX /= 255", "float32", "in_place", "list"),
        ("X = np.asarray(images, np.float32)\nX /= 255.0", "float32", "in_place", "list"),
        ("X = np.array([i / 255.0 for i in images])", "float64", "per_image", "list_freed"),
        ("X = np.array([i.astype('float32') / 255.0 for i in images])", "float32", "per_image", "list_freed"),
        ("X = np.array([keras.utils.img_to_array(i) for i in images])", "float32", "per_image", "list_freed"),
        ("X = np.empty((9, 8, 8, 3), np.uint8)", "uint8", None, "preallocated"),
        ("X = np.zeros((9, 8, 8, 3))", "float64", None, "preallocated"),
        ("X = np.expand_dims(np.array(images)[:100].reshape(-1, 8, 8, 3), 0)", "uint8", None, "list"),
        ("def load():\n  found = list(images)\n  return np.array(found)\nX = load()\n", "uint8", None, "list"),
        ("X = np.float32(np.array(images)) / 255", "float32", "cast_and_divide", "list"),
        ("X = (np.array(images, dtype='float32') - 127.5) / 127.5", "float32", None, "list"),
        ("X = np.array(helper(images))\nX = X / 255", None, None, None),
        ("X = np.load('x.npy')", None, None, "preallocated"),
        ("X = np.load('x.npz')['x'].astype('float32') / 255", "float32", "cast_and_divide", "preallocated"),
        ("X = np.load('x.npy', mmap_mode='r')", None, None, None),
        ("X = np.concatenate(images) / 255.0", "float64", "divide_uint8", "list"),
        ("X = np.vstack([i[None] for i in images])", "uint8", None, "list"),
    ],
)
def test_how_an_array_is_made(
    code: str, dtype: str | None, scale: str | None, build: str | None, tmp_path: Path
) -> None:
    values, _ = read(f"{IMAGES}{code}\nmodel.fit(X, y)\n", tmp_path)
    found = (values.get("dtype"), values.get("array_scale"), values.get("array_build"))
    assert values["loader"] == "array"
    assert found == (dtype, scale, build)


def test_numpy_types_a_division_as_it_is_read() -> None:
    """The oracle of the table above, for the lines that scale."""
    import numpy as np

    images = np.zeros((2, 2), np.uint8)
    assert (images / 255.0).dtype == (images * (1 / 255)).dtype == (images / 255).dtype == np.float64
    assert (images.astype("float32") / 255).dtype == ((images.astype("float32") - 127.5) / 127.5).dtype == np.float32
    assert np.zeros((2, 2)).dtype == np.array([[1]], dtype="float").dtype == np.float64


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("X = np.array(images)\na, b, c, d = train_test_split(X, y)", "copied"),
        ("X = np.array(images)\na, X, c, d = train_test_split(X, y)", "source_freed"),
        ("X = np.array(images)\na, b, c, d = train_test_split(X, y)\ndel X", "source_freed"),
        ("def f():\n  X = np.array(images)\n  return train_test_split(X, y)\na, b, c, d = f()", "source_freed"),
        ("a, b, c, d = train_test_split(np.array(images), y)", "source_freed"),
        ("a = np.array(images)", None),
    ],
)
def test_what_a_split_leaves(code: str, expected: str | None, tmp_path: Path) -> None:
    head = f"from sklearn.model_selection import train_test_split\n{IMAGES}"
    values, _ = read(f"{head}{code}\nmodel.fit(a, y)\n", tmp_path)
    assert values.get("array_split") == expected


@pytest.mark.parametrize(
    ("code", "key", "expected"),
    [
        ("img = cv2.resize(img, (30, 20))", "image_size", [20, 30]),
        ("img = cv2.resize(img, dsize=(30, 20))", "image_size", [20, 30]),
        ("img = Image.open(p).resize((30, 20))", "image_size", [20, 30]),
        ("img = keras.utils.load_img(p, target_size=(20, 30), color_mode='grayscale')", "image_size", [20, 30]),
        ("img = keras.utils.load_img(p, target_size=(20, 30), color_mode='grayscale')", "channels", 1),
        ("img = keras.utils.load_img(p)", "channels", 3),
        ("img = cv2.imread(p, cv2.IMREAD_GRAYSCALE)", "channels", 1),
        ("img = cv2.imread(p, 0)", "channels", 1),
        ("img = cv2.imread(p)", "channels", 3),
        ("img = cv2.imread(p, cv2.IMREAD_UNCHANGED)", "channels", None),
        ("img = cv2.cvtColor(img, cv2.COLOR_BGR2GRAY)", "channels", 1),
        ("img = Image.open(p).convert('L')", "channels", 1),
        ("img = resize(img, (20, 30))", "image_size", None),
        ("img = cv2.resize(img, (30, 20))\nmodel = keras.Sequential([keras.Input((7, 8, 3))])", "image_size", [7, 8]),
        ("model = keras.Sequential([keras.Input((3, 20, 30))])", "image_size", None),
        ("model = keras.Sequential([keras.Input(shape=(None, None, 3))])", "image_size", None),
        ("model = keras.Sequential([keras.Input(shape=(None, None, 3))])", "channels", 3),
        ("model.add(keras.layers.Conv2D(3, 3, input_shape=(20, 30, 1)))", "image_size", [20, 30]),
    ],
)
def test_sizes_and_channels_of_images_in_memory(code: str, key: str, expected: object, tmp_path: Path) -> None:
    values, _ = read(f"import cv2\nfrom PIL import Image\n{code}\nmodel.fit(x, y)\n", tmp_path)
    assert values.get(key) == expected


@pytest.mark.parametrize(
    ("function", "key", "expected"),
    [
        ("tf.image.resize(tf.io.decode_image(b), [20, 30])", "image_size", [20, 30]),
        ("tf.image.resize_images(tf.io.decode_image(b), [20, 30])", "image_size", [20, 30]),
        ("tf.image.resize(tf.io.decode_image(b), size=(20, 30))", "image_size", [20, 30]),
        ("keras.utils.smart_resize(tf.io.decode_image(b), (20, 30))", "image_size", [20, 30]),
        ("tf.image.resize(tf.io.decode_image(b), (20, 30) if b else (40, 50))", "image_size", None),
        ("tf.image.resize_with_crop_or_pad(tf.io.decode_image(b), 20, 30)", "image_size", [20, 30]),
        ("tf.image.random_crop(tf.io.decode_image(b), [20, 30, 3])", "image_size", [20, 30]),
        ("keras.layers.Resizing(20, 30)(tf.io.decode_image(b))", "image_size", [20, 30]),
        ("keras.Sequential([keras.layers.Resizing(20, 30)])(tf.io.decode_image(b))", "image_size", [20, 30]),
        ("tf.image.resize(tf.image.resize(b, [40, 40]), [20, 30])", "image_size", None),
        ("tf.image.resize(tf.io.decode_image(b), [S, S])", "image_size", None),
        ("tf.io.decode_image(b)", "channels", "original"),
        ("tf.io.decode_png(b, channels=1)", "channels", 1),
        ("tf.image.decode_jpeg(b, 3)", "channels", 3),
        ("tf.image.decode_jpeg(b, channels=n)", "channels", None),
    ],
)
def test_sizes_and_channels_of_what_is_mapped(function: str, key: str, expected: object, tmp_path: Path) -> None:
    values, _ = read(f"{FILES}ds = ds.map(lambda b: {function}).batch(2)\nmodel.fit(ds)\n", tmp_path)
    assert values.get(key) == expected


@pytest.mark.parametrize(
    ("code", "key", "expected"),
    [
        ("model.compile(optimizer='Adam')", "optimizer", "adam"),
        ("model.compile('sgd', 'mse')", "optimizer", "sgd"),
        ("model.compile(keras.optimizers.get('adam'))", "optimizer", "adam"),
        ("model.compile(optimizer=keras.optimizers.SGD(momentum=0.9))", "optimizer", "momentum"),
        ("model.compile(optimizer=keras.optimizers.SGD(0.1, 0.9))", "optimizer", "momentum"),
        ("model.compile(optimizer=keras.optimizers.SGD(momentum=0.0))", "optimizer", "sgd"),
        ("model.compile(optimizer=keras.optimizers.SGD(momentum=m))", "optimizer", None),
        ("model.compile(optimizer=keras.optimizers.RMSprop())", "optimizer", "rmsprop"),
        ("model.compile(optimizer=build())", "optimizer", None),
        ("model.compile(loss='mse')", "optimizer", "rmsprop"),
        ("model.compile(**options)\nmodel.compile(loss='mse', **options)", "optimizer", None),
        (
            "o = keras.mixed_precision.LossScaleOptimizer(keras.optimizers.Adam())\nmodel.compile(o)",
            "optimizer",
            "adam",
        ),
        ("model.compile(keras.optimizers.Adam(gradient_accumulation_steps=4))", "gradient_accumulation", 4),
        ("model.compile(loss='mse', jit_compile=True)", "executor", "xla"),
        ("model.compile(loss='mse', jit_compile=False)", "executor", "tf-graph"),
        ("model.compile(loss='mse', jit_compile='auto')", "executor", None),
        (
            "import os\nos.environ['KERAS_BACKEND'] = 'jax'\nmodel.compile(loss='mse', jit_compile=True)",
            "executor",
            "jax",
        ),
        ("import os\nos.environ['KERAS_BACKEND'] = 'torch'", "executor", None),
        ("keras.mixed_precision.set_global_policy('mixed_float16')", "precision", "mixed_float16"),
        ("keras.config.set_dtype_policy('mixed_bfloat16')", "precision", "mixed_bfloat16"),
        (
            "p = tf.keras.mixed_precision.Policy('mixed_float16')\ntf.keras.mixed_precision.set_global_policy(p)",
            "precision",
            "mixed_float16",
        ),
        ("keras.mixed_precision.set_global_policy('float16')", "precision", None),
        ("c = keras.callbacks.EarlyStopping('val_accuracy')", "monitor", "val_accuracy"),
        ("c = keras.callbacks.EarlyStopping(patience=3)", "monitor", "val_loss"),
        ("c = keras.callbacks.ReduceLROnPlateau(monitor='loss')", "monitor", "loss"),
        ("c = keras.callbacks.ModelCheckpoint('x', monitor='val_f1', save_best_only=True)", "monitor", "val_f1"),
        ("c = keras.callbacks.ModelCheckpoint('x', monitor='val_f1')", "monitor", None),
        (
            "c = [keras.callbacks.ModelCheckpoint('x', save_best_only=True), keras.callbacks.EarlyStopping('loss')]",
            "monitor",
            "loss",
        ),
        ("model = keras.applications.ResNet50()", "model", "ResNet50"),
        ("from keras.applications import VGG16\nmodel = VGG16()", "model", "VGG16"),
        ("from keras.applications.resnet50 import ResNet50 as R\nmodel = R()", "model", "ResNet50"),
        ("from classification_models.keras import ResNet50\nmodel = ResNet50()", "model", None),
        ("model = keras.applications.MobileNet(alpha=0.5)", "model", None),
        ("model = keras.applications.MobileNet(alpha=1.0)", "model", "MobileNet"),
        ("b = keras.applications.VGG16()\nmodel = keras.Sequential()\nmodel.add(b)", "model", "VGG16"),
        ("b = keras.applications.VGG16()\nmodel = keras.Sequential([keras.layers.Dense(1)])", "model", None),
        ("b = keras.applications.VGG16()\nb.trainable = False\nmodel = keras.Sequential([b])", "model", None),
        (
            "model = keras.applications.VGG16()\nfor layer in model.layers[:4]:\n  layer.trainable = False",
            "model",
            None,
        ),
        (
            "model = keras.applications.VGG16()\nmodel.trainable = False\nfor layer in model.layers[-4:]:\n"
            "  layer.trainable = True",
            "model",
            None,
        ),
        ("model = keras.applications.VGG16()\nmodel.trainable = False\nmodel.trainable = True", "model", "VGG16"),
        ("model = keras.applications.VGG16() if big() else keras.applications.VGG19()", "model", None),
    ],
)
def test_the_model_and_how_it_is_trained(code: str, key: str, expected: object, tmp_path: Path) -> None:
    values, _ = read(f"{code}\nmodel.fit(x, y)\n", tmp_path)
    assert values.get(key) == expected


@pytest.mark.parametrize(
    ("code", "key", "expected"),
    [
        ("model.fit(x, y, 16, 3)", "batch", 16),
        ("model.fit(x, y, 16, 3)", "epochs", 3),
        ("model.fit(x, y)", "batch", 32),
        ("model.fit(x, y, **options)", "batch", None),
        ("model.fit(x, y, validation_split=0.2)", "validation_split", 0.2),
        ("model.fit(x, y, validation_split=0.0)", "validation_split", None),
        ("model.fit(x, y, shuffle=False)", "shuffle", False),
        ("model.fit(ds, steps_per_epoch=100 // 8)", "steps_per_epoch", 12),
        ("model.fit(ds, steps_per_epoch=None)", "steps_per_epoch", None),
        ("model.fit(ds, epochs=3, batch_size=9)", "batch", None),
        ("model.fit(ds)", "loader", None),
        ("from sklearn.svm import SVC\nSVC().fit(x, y)", "framework", None),
        ("scaler = StandardScaler()\nscaler.fit(x)", "framework", None),
        ("import re\nre.compile('x')", "optimizer", None),
    ],
)
def test_a_call_of_fit(code: str, key: str, expected: object, tmp_path: Path) -> None:
    values, _ = read(f"{code}\n", tmp_path)
    assert values.get(key) == expected


def test_features_are_no_images(tmp_path: Path) -> None:
    """Judged as if all images were one array, a script that trains on what VGG16 gives would never fit."""
    code = "base = keras.applications.VGG16()\nx = base.predict(ds)\nmodel.fit(x, y, batch_size=5)\n"
    values, notes = read(code, tmp_path)
    assert not values.keys() & {"loader", "batch"}
    assert notes["loader"].endswith("it is given what .predict() makes, which is no images")


def test_the_pipeline_that_reaches_fit_is_taken(tmp_path: Path) -> None:
    code = f"{DS}train = ds.shuffle(9).batch(8)\nval = ds.batch(64)\nmodel.fit(train, validation_data=val)\n"
    values, notes = read(code, tmp_path)
    assert (values["batch"], values["shuffle_buffer"]) == (8, 9)
    assert notes == {}


def test_where_nothing_is_trained_all_pipelines_must_agree(tmp_path: Path) -> None:
    values, notes = read(f"{DS}train = ds.shuffle(9).batch(8)\nval = ds.batch(64)\n", tmp_path)
    assert not values.keys() & {"batch", "shuffle_buffer"}
    assert notes["batch"] == "8 at train.py:5 or 64 at train.py:6: say which one trains"
    assert notes["shuffle_buffer"] == "9 (decoded) at train.py:5 or none: say which one trains"
    assert values["loader"] == "image_dataset_from_directory"


def test_data_that_is_known_on_one_branch_only_is_not_taken(tmp_path: Path) -> None:
    values, notes = read(f"{DS}if a():\n  ds = ds.batch(8)\nelse:\n  ds = imported()\nmodel.fit(ds)\n", tmp_path)
    assert "batch" not in values
    assert notes["batch"] == "8 at train.py:6 or something that is not told: say which one trains"


@pytest.mark.parametrize(
    ("code", "key", "said"),
    [
        (
            "X = np.array(images) / 255.0\nX = X.astype('float32')\nmodel.fit(X, y)",
            "array_scale",
            "say `dtype: float64`",
        ),
        ("X = np.array(images)\nX /= 255\nmodel.fit(X, y)", "array_scale", "uint8 cannot hold"),
        ("import os\nos.environ['KERAS_BACKEND'] = 'torch'\nmodel.fit(x, y)", "executor", "is not predicted"),
        (
            "X = np.array(images)\nds = tf.data.Dataset.from_tensor_slices(X).cache().batch(2)\nmodel.fit(ds)",
            "cache",
            "has no tf.data pipeline over files",
        ),
        (
            "X = np.array(images)\nmodel.fit(keras.preprocessing.image.ImageDataGenerator().flow(X, y), epochs=2)",
            None,
            None,
        ),
    ],
)
def test_what_cannot_be_is_left_out_and_said(code: str, key: str | None, said: str | None, tmp_path: Path) -> None:
    values, notes = read(f"{IMAGES}{code}\n", tmp_path)
    if key is None:
        assert not any(name.startswith("array") for name in values)
        return
    assert key not in values
    assert said is not None
    assert said in notes[key]
    assert "left out" in notes[key]
