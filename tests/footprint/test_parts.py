"""What trains and what validates is what Keras itself cuts; the rules about it are asked with the same table."""

from __future__ import annotations

import itertools
from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datalint import dataset
from datalint.config import BoundRule
from datalint.footprint import parts
from datalint.footprint.recipe import LOADERS, Recipe
from datalint.rule.engine import RuleEngine
from datalint.ruleset import builtin_rules
from datalint.source.worktree import open_worktree
from datalint.tables import Data
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SHARES = (0.01, 0.1, 0.15, 0.2, 0.25, 0.29, 0.3, 1 / 3, 0.5, 0.58, 0.7, 0.9, 0.99)
NUMBERS = range(1, 201)
ASKED = {"sorted-validation-split", "split-smaller-than-batch", "no-validation-split", "last-batch-of-one"}
RULES = [rule for rule in builtin_rules() if rule.id in ASKED]


def listed(counts: Mapping[str, int], *, split: str | None = None) -> Data:
    """Samples of a manifest, class after class."""
    labels = [label for label, n in counts.items() for _ in range(n)]
    return Data({"split": [split] * len(labels), "label": list(labels)})


def table(samples: Data, recipe: Recipe, *, folder: bool = False) -> dict[str, dict[object, object]]:
    """Part -> class -> samples."""
    columns = parts.table(samples, recipe, folder=folder).columns
    found: dict[str, dict[object, object]] = {}
    for part, label, n in zip(columns["part"], columns["label"], columns["n"], strict=True):
        found.setdefault(str(part), {})[label] = n
    return found


def filled(root: Path, counts: Mapping[str, int]) -> Data:
    for seed, (label, n) in enumerate(counts.items()):
        for number in range(n):
            picture(root / label / f"{number:03}.jpg", seed * 1000 + number, size=8)
    return dataset.read(open_worktree(str(root)), root=".", framework="keras").samples


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as running:
        yield running


def judged(engine: RuleEngine, samples: Data, recipe: Recipe, *, folder: bool = False) -> dict[str, str]:
    """Rule -> severity of what it finds."""
    tables = {
        "training": recipe.row(),
        "parts": parts.table(samples, recipe, folder=folder),
        "folders": Data({"path": []}),
    }
    defaults = [{name: param.default for name, param in rule.params.items()} for rule in RULES]
    bound = [BoundRule(rule, None, values) for rule, values in zip(RULES, defaults, strict=True)]
    outcomes = engine.run(bound, tables)
    assert not any(outcome.error for outcome in outcomes.values())
    found = {}
    for rule in RULES:
        for row in outcomes[rule.id].rows:
            cells = dict(zip(outcomes[rule.id].columns, row, strict=True))
            found[rule.id] = cells.get("severity") or rule.severity
    return found


@pytest.mark.tensorflow
@pytest.mark.parametrize("share", SHARES)
def test_fit_on_arrays_cuts_as_we_say(share: float) -> None:
    pytest.importorskip("keras")
    slicing = import_module("keras.src.trainers.data_adapters.array_slicing")
    for n in NUMBERS:
        ours = parts.cut("array", n, share)
        try:
            train, val = slicing.train_validation_split(np.arange(n), share)
        except ValueError:
            assert 0 in ours, (n, ours)
            continue
        assert ours == (len(list(train[:])), len(list(val[:]))), n


@pytest.mark.tensorflow
@pytest.mark.parametrize("share", SHARES)
def test_a_directory_is_cut_as_we_say(share: float) -> None:
    pytest.importorskip("keras")
    utils = import_module("keras.src.utils.dataset_utils")
    for n in NUMBERS:
        real = [
            len(utils.get_training_or_validation_split(list(range(n)), None, share, subset)[0])
            for subset in ("training", "validation")
        ]
        assert parts.cut("image_dataset_from_directory", n, share) == tuple(real), n


@pytest.mark.tensorflow
def test_image_data_generator_cuts_a_class_as_we_say(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    image = import_module("keras.src.legacy.preprocessing.image")
    folder = tmp_path / "cat"
    folder.mkdir()
    for n in NUMBERS:
        (folder / f"{n:03}.png").touch()
        for share in SHARES:
            real = [
                len(image._list_valid_filenames_in_directory(str(folder), ("png",), split, {"cat": 0}, False)[1])
                for split in ((share, 1), (0, share))
            ]
            assert parts.cut("generator", n, share) == tuple(real), (n, share)


@pytest.mark.tensorflow
@pytest.mark.parametrize("counts", [{"benign": 100, "malignant": 20}, {"cat": 9, "cat-big": 4, "dog": 5}])
def test_the_parts_of_a_directory_hold_the_classes_that_keras_reads(tmp_path: Path, counts: dict[str, int]) -> None:
    keras = pytest.importorskip("keras")
    samples = filled(tmp_path, counts)
    loader = keras.utils.image_dataset_from_directory
    recipe = Recipe(loader="image_dataset_from_directory", shuffle=False, validation_split=0.2)
    ours = table(samples, recipe, folder=True)
    for part, subset in (("train", "training"), ("val", "validation")):
        real = loader(
            str(tmp_path), shuffle=False, validation_split=0.2, subset=subset, image_size=(8, 8), verbose=False
        )
        names = Counter(real.class_names[label] for _, labels in real for label in labels.numpy())
        assert {label: n for label, n in ours[part].items() if n} == dict(names)


@pytest.mark.tensorflow
def test_the_parts_of_image_data_generator_hold_the_classes_that_keras_reads(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    samples = filled(tmp_path, {"cat": 9, "dog": 4, "owl": 13})
    generator = import_module("keras.src.legacy.preprocessing.image").ImageDataGenerator(validation_split=0.2)
    ours = table(samples, Recipe(loader="generator", validation_split=0.2), folder=True)
    for part, subset in (("train", "training"), ("val", "validation")):
        real = generator.flow_from_directory(str(tmp_path), subset=subset)
        names = {name: int((real.classes == index).sum()) for name, index in real.class_indices.items()}
        assert ours[part] == names


@pytest.mark.tensorflow
def test_the_parts_of_an_array_hold_the_classes_that_fit_slices() -> None:
    pytest.importorskip("keras")
    slicing = import_module("keras.src.trainers.data_adapters.array_slicing")
    counts = {"2": 33, "1": 41, "3": 30}
    labels = np.array([int(label) for label, n in counts.items() for _ in range(n)])
    ours = table(listed(counts), Recipe(loader="array", validation_split=0.3))
    for part, real in zip(("train", "val"), slicing.train_validation_split(labels, 0.3), strict=True):
        assert {label: n for label, n in ours[part].items() if n} == dict(
            Counter(map(str, np.asarray(real[:]).tolist()))
        )


def test_flow_from_dataframe_validates_on_the_first_rows() -> None:
    """As Keras 3.15 gave it for 100 rows of one class before 20 of the other."""
    ours = table(listed({"benign": 100, "malignant": 20}), Recipe(loader="generator", validation_split=0.2))
    assert ours == {"train": {"benign": 76, "malignant": 20}, "val": {"benign": 24, "malignant": 0}}


def test_what_is_not_cut_is_counted_by_split_and_class() -> None:
    samples = Data({"split": ["train", "val", "train", "extra"], "label": ["cat", "cat", "dog", None]})
    assert table(samples, Recipe()) == {"train": {"cat": 1, "dog": 1}, "val": {"cat": 1}, "extra": {None: 1}}


def test_only_what_trains_is_cut() -> None:
    samples = Data({"split": [*["train"] * 10, *["val"] * 10], "label": [*["cat"] * 20]})
    columns = parts.table(samples, Recipe(loader="array", validation_split=0.2), folder=True).columns
    rows = zip(*(columns[name] for name in ("part", "split", "n", "cut")), strict=True)
    assert set(rows) == {("val", "val", 10, False), ("train", "train", 8, True), ("val", "train", 2, True)}


@pytest.mark.parametrize("loader", LOADERS)
def test_the_parts_are_all_samples(loader: str) -> None:
    for n, share in itertools.product((2, 7, 30), SHARES):
        found = table(listed({"cat": n, "dog": n + 1}), Recipe(loader=loader, validation_split=share))
        numbers: list[Any] = [number for counts in found.values() for number in counts.values()]
        assert sum(numbers) == 2 * n + 1


@pytest.mark.parametrize(
    ("recipe", "fires"),
    [
        (Recipe(loader="array", validation_split=0.2), True),
        (Recipe(loader="from_tensor_slices", validation_split=0.2), True),
        (Recipe(loader="image_dataset_from_directory", validation_split=0.2, shuffle=False), True),
        (Recipe(loader="image_dataset_from_directory", validation_split=0.2), False),
        (Recipe(loader="generator", validation_split=0.2), False),
        (Recipe(loader="dataloader", validation_split=0.2), False),
        (Recipe(loader="array"), False),
    ],
    ids=lambda value: (
        f"{value.loader} {value.validation_split} {value.shuffle}" if isinstance(value, Recipe) else str(value)
    ),
)
def test_validation_that_is_all_of_one_class_is_told_of_the_loaders_that_do_it(
    engine: RuleEngine, recipe: Recipe, fires: bool
) -> None:
    samples = listed({"benign": 100, "malignant": 20})
    assert ("sorted-validation-split" in judged(engine, samples, recipe, folder=True)) is fires


def test_shuffled_samples_are_not_told(engine: RuleEngine) -> None:
    """Of 20 shuffled datasets of three unequal classes."""
    random = np.random.default_rng(1)
    labels = np.array(["a"] * 300 + ["b"] * 80 + ["c"] * 40)
    for _ in range(20):
        samples = Data({"split": [None] * len(labels), "label": random.permutation(labels).tolist()})
        found = judged(engine, samples, Recipe(loader="array", validation_split=0.2, batch=8))
        assert "sorted-validation-split" not in found


@pytest.mark.tensorflow
@pytest.mark.parametrize("n", [1, 2, 4, 9, 10, 11])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_an_array_that_fit_cannot_split_is_an_error(engine: RuleEngine, n: int, share: float) -> None:
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    try:
        model.fit(np.zeros((n, 1)), np.zeros(n), validation_split=share, verbose=0)
    except ValueError as error:
        assert "not sufficient to split" in str(error)
        fails = True
    else:
        fails = False
    found = judged(engine, listed({"cat": n}), Recipe(loader="array", validation_split=share, declared=True))
    assert (found.get("no-validation-split") == "error") is fails


@pytest.mark.tensorflow
@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("loader", ["image_dataset_from_directory", "generator"])
def test_a_share_that_rounds_to_nothing_is_an_error_where_keras_stops(
    engine: RuleEngine, tmp_path: Path, n: int, loader: str
) -> None:
    keras = pytest.importorskip("keras")
    samples = filled(tmp_path, {"cat": n, "dog": n})
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile(loss="mse")
    image = import_module("keras.src.legacy.preprocessing.image")
    try:
        if loader == "generator":
            flow = image.ImageDataGenerator(validation_split=0.2).flow_from_directory
            train, val = (
                flow(str(tmp_path), target_size=(8, 8), class_mode="sparse", subset=subset)
                for subset in ("training", "validation")
            )
        else:
            train, val = keras.utils.image_dataset_from_directory(
                str(tmp_path), image_size=(8, 8), validation_split=0.2, subset="both", seed=1, verbose=False
            )
        model.fit(train, validation_data=val, shuffle=False, verbose=0)
    except ValueError as error:
        assert "No training images found" in str(error) or "has length 0" in str(error)
        fails = True
    else:
        fails = False
    found = judged(engine, samples, Recipe(loader=loader, validation_split=0.2, declared=True), folder=True)
    assert (found.get("no-validation-split") == "error") is fails


def test_a_validation_share_that_is_dropped_is_told(engine: RuleEngine) -> None:
    recipe = Recipe(loader="files", validation_split=0.25, batch=32, drop_remainder=True)
    assert judged(engine, listed({"cat": 124}), recipe) == {"split-smaller-than-batch": "warning"}
    assert judged(engine, listed({"cat": 128}), recipe) == {}


def test_a_last_batch_of_one_follows_the_rounding_of_the_loader(engine: RuleEngine) -> None:
    """102 samples, a share of 0.2: `fit` trains on 81, a directory on 82, and a script on either."""
    samples = listed({"cat": 51, "dog": 51})
    for loader, batch, fires in (
        ("array", 16, True),
        ("image_dataset_from_directory", 16, False),
        ("files", 16, False),
        ("array", 27, False),
        ("image_dataset_from_directory", 27, True),
        ("files", 27, False),
    ):
        recipe = Recipe(loader=loader, validation_split=0.2, batch=batch, batch_norm=True)
        assert ("last-batch-of-one" in judged(engine, samples, recipe)) is fires, (loader, batch)
