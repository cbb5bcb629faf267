"""Scripts that share batches between accelerators: said, and never taken for one accelerator in silence."""

from __future__ import annotations

import ast

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
        assert text == f"train.py:{number}: {word} may share batches between accelerators: say between how many"
