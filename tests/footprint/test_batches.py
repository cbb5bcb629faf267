"""What rules say of batches and steps is what Keras and tf.data do, and the warnings that they quote are its own."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datalint.config import BoundRule
from datalint.footprint import parts
from datalint.footprint.recipe import Recipe
from datalint.rule.engine import RuleEngine
from datalint.ruleset import builtin_rules
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.tensorflow
RULES = {
    rule.id: rule for rule in builtin_rules() if rule.id in ("steps-overrun", "sorted-batches", "no-validation-split")
}


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as running:
        yield running


@pytest.fixture(scope="module")
def model() -> Any:
    keras = pytest.importorskip("keras")
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    made.compile(loss="mse")
    return made


def samples(labels: list[str]) -> Data:
    return Data({"sample_id": [*range(len(labels))], "split": [None] * len(labels), "label": [*labels]})


def said(engine: RuleEngine, name: str, given: Data, recipe: Recipe) -> list[dict[str, Any]]:
    tables = {
        "samples": given,
        "training": recipe.row(),
        "parts": parts.table(given, recipe, folder=False),
        "folders": Data({"path": []}),
    }
    rule = RULES[name]
    outcome = engine.run([BoundRule(rule, None, {})], tables)[name]
    assert not outcome.error
    return [dict(zip(outcome.columns, row, strict=True)) for row in outcome.rows]


def warned(run: Callable[[], object]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return [str(item.message) for item in caught]


@pytest.mark.parametrize(
    ("steps", "epochs"),
    [(10, 1), (11, 1), (11, 3), (10, 3), (5, 2), (5, 5), (3, 3), (3, 4), (4, 2), (4, 3), (9, 1), (9, 2)],
)
def test_data_run_out_where_the_rule_says_so(engine: RuleEngine, model: Any, steps: int, epochs: int) -> None:
    x = np.zeros((38, 2), "float32")
    told = warned(lambda: model.fit(x, x, batch_size=4, steps_per_epoch=steps, epochs=epochs, verbose=0))
    runs_out = [message for message in told if "Your input ran out of data; interrupting training." in message]
    recipe = Recipe(loader="array", batch=4, steps_per_epoch=steps, epochs=epochs)
    assert bool(said(engine, "steps-overrun", samples(["cat"] * 38), recipe)) is bool(runs_out)


@pytest.mark.parametrize("buffer", [50, 200, 500, 999, 1000, 2000, 5000])
def test_batches_are_mostly_of_one_class_where_the_rule_says_so(engine: RuleEngine, buffer: int) -> None:
    tf = pytest.importorskip("tensorflow")
    labels = ["cat"] * 1000 + ["dog"] * 1000
    source = tf.data.Dataset.from_tensor_slices(labels).shuffle(buffer, seed=1).batch(32)
    largest = [np.unique(batch, return_counts=True)[1].max() / len(batch) for batch in source.as_numpy_iterator()]
    recipe = Recipe(loader="from_tensor_slices", shuffle_buffer=buffer, batch=32, declared=True)
    told = said(engine, "sorted-batches", samples(labels), recipe)
    assert bool(told) is (buffer < 1000)
    if told:
        assert np.mean(largest) > 0.6
    if buffer >= 2000:
        assert np.mean(largest) < 0.6


def test_what_watches_a_missing_metric_says_what_the_page_quotes(engine: RuleEngine, model: Any) -> None:
    keras = pytest.importorskip("keras")
    x = np.zeros((8, 2), "float32")
    watching = [
        keras.callbacks.EarlyStopping(monitor="val_loss"),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss"),
    ]
    told = warned(lambda: model.fit(x, x, verbose=0, callbacks=watching))
    for text in (
        "Early stopping conditioned on metric `val_loss` which is not available.",
        "Learning rate reduction is conditioned on metric `val_loss` which is not available.",
    ):
        assert any(message.startswith(text) for message in told)
        assert text in RULES["no-validation-split"].docs
    recipe = Recipe(loader="array", monitor="val_loss", declared=True)
    [row] = said(engine, "no-validation-split", samples(["cat"] * 8), recipe)
    assert row["severity"] == "error"
