"""Scripts that share batches between accelerators: said, and never taken for one accelerator in silence."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

from datalint.script.recipe import propose
from datalint.script.source import Script


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("strategy = tf.distribute.MirroredStrategy()", "MirroredStrategy"),
        ("model = torch.nn.parallel.DistributedDataParallel(model)", "DistributedDataParallel"),
        ("model = DataParallel(model)", "DataParallel"),
        ("if tpu:\n    strategy = tf.distribute.TPUStrategy(tpu)", "TPUStrategy"),
        ("trainer = L.Trainer(devices=2)", "Trainer(devices=...)"),
        ("trainer = Trainer(devices=1, num_nodes=4)", "Trainer(num_nodes=...)"),
        ("trainer = Trainer(devices=1)", None),
        ("print('MirroredStrategy')", None),
    ],
)
def test_what_distributes_is_said(line: str, word: str | None) -> None:
    script = Script("train.py", tuple(ast.parse(f"import a\n{line}\n").body))
    found = [text for key, text in propose(script).notes if key == "replicas"]
    if word is None:
        assert found == []
    else:
        [text] = found
        number = 1 + line.count("\n") + 1
        say = "say between how many, 1 is taken where nobody does"
        assert text == f"train.py:{number}: {word} may share batches between accelerators: {say}"


@pytest.mark.parametrize(
    ("line", "replicas"),
    [
        ("s = tf.distribute.MirroredStrategy(['gpu:0', 'gpu:1'])", 2),
        ("s = tf.distribute.MirroredStrategy(devices=('/gpu:0', '/job:localhost/device:GPU:3', 'GPU:2'))", 3),
        ("def main():\n  with MirroredStrategy(['/gpu:0']).scope():\n    pass\n", 1),
        ("s = tf.distribute.MirroredStrategy(['cpu:0', 'cpu:1'])", None),
        ("s = tf.distribute.MirroredStrategy(['gpu:0', name])", None),
        ("s = tf.distribute.MirroredStrategy(['gpu:0', *rest])", None),
        ("s = tf.distribute.MirroredStrategy([])", None),
        ("s = tf.distribute.MirroredStrategy(devices)", None),
        ("s = tf.distribute.MultiWorkerMirroredStrategy(['gpu:0', 'gpu:1'])", None),
        ("if many:\n  s = tf.distribute.MirroredStrategy(['gpu:0', 'gpu:1'])", None),
        ("s = MirroredStrategy(['gpu:0', 'gpu:1']) if many else None", None),
        ("s = MirroredStrategy(['gpu:0', 'gpu:1'])\nt = MirroredStrategy(['gpu:0'])", None),
    ],
)
def test_devices_that_are_listed_are_counted(line: str, replicas: int | None) -> None:
    found = propose(Script("train.py", tuple(ast.parse(line).body)))
    assert found.values.get("replicas", (None,))[0] == replicas
    assert ("replicas" in dict(found.notes)) is (replicas is None)


@pytest.mark.tensorflow
def test_tensorflow_makes_a_replica_of_each_listed_device() -> None:
    pytest.importorskip("tensorflow")
    code = (
        "import tensorflow as tf\n"
        "[cpu] = tf.config.list_physical_devices('CPU')\n"
        "tf.config.set_logical_device_configuration(cpu, 3 * [tf.config.LogicalDeviceConfiguration()])\n"
        "print(tf.distribute.MirroredStrategy(['cpu:0', 'cpu:2']).num_replicas_in_sync)\n"
    )
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=quiet)
    assert run.stdout.split()[-1] == "2"
