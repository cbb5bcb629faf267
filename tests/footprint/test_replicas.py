"""What Keras does with a batch that several replicas share: the premise of two rules, on virtual devices of a CPU."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import sys
import numpy as np, tensorflow as tf, keras
replicas, batch, samples, held = map(int, sys.argv[1:5])
[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
strategy = tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(replicas)])
with strategy.scope():
    model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
def data(number):
    values = np.random.default_rng(0).random((number, 4)).astype("float32")
    return tf.data.Dataset.from_tensor_slices((values, values[:, :1])).batch(batch)
try:
    model.fit(data(samples), validation_data=data(held), verbose=0)
except tf.errors.InvalidArgumentError as error:
    print("refused" if "AddN must have the same size and shape" in str(error) else error)
else:
    print("NaN" if any(np.isnan(weight.numpy()).any() for weight in model.weights) else "trained")
"""


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.parametrize(
    ("replicas", "batch", "samples", "held", "what"),
    [
        (2, 8, 10, 8, "trained"),
        pytest.param(2, 3, 6, 6, "refused", marks=pytest.mark.exhaustive),
        pytest.param(4, 2, 8, 8, "refused", marks=pytest.mark.exhaustive),
        (2, 8, 16, 5, "refused"),
        pytest.param(2, 8, 16, 6, "trained", marks=pytest.mark.exhaustive),
        (2, 8, 9, 8, "NaN"),
        pytest.param(4, 8, 13, 8, "NaN", marks=pytest.mark.exhaustive),
        pytest.param(4, 8, 15, 8, "trained", marks=pytest.mark.exhaustive),
    ],
)
def test_uneven_shares_are_refused_and_empty_ones_are_nan(
    replicas: int, batch: int, samples: int, held: int, what: str
) -> None:
    pytest.importorskip("tensorflow")
    run = subprocess.run(
        [sys.executable, "-c", CODE, *map(str, (replicas, batch, samples, held))],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == what
