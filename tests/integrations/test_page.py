"""docs/keras.md: its examples run as they stand, and it knows every argument."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from datalint.integrations import keras as integration
from tests.conftest import ROOT
from tests.e2e.conftest import CLEAN_ENVIRONMENT, dataset

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs/keras.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.tensorflow
def test_the_examples_run(here: Path, keras: Any) -> None:
    dataset(here / "flowers", per_class=8)
    (here / "datalint.yaml").write_text("training: {image_size: 32, batch: 8}\n")
    environment = {**CLEAN_ENVIRONMENT, "TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "200"}
    command = [sys.executable, "-W", "error::UserWarning", "-c", "\n".join(BLOCKS)]
    run = subprocess.run(command, cwd=here, check=False, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    error, rules, *weights, names, plan = run.stdout.splitlines()[-7:]
    assert error.startswith("another fingerprint than the expected one (datalint-1:")
    assert "rare-class" in rules
    assert weights == ["{0: 1.0, 1: 1.0}", "{0: 2.0, 1: 2.0}", "{0: 1.5, 1: 0.75}"]
    assert names == "['cat', 'dog']"
    assert re.match(r"True host memory with a cache: .* usable on local \(fits\)$", plan)


@pytest.mark.parametrize("name", ["class_weight", "input_pipeline", "preflight"])
def test_every_argument_is_on_the_page(name: str) -> None:
    parameters = set(inspect.signature(getattr(integration, name)).parameters) - {"path", "path_or_labels"}
    assert {each for each in parameters if not re.search(rf"`(?:\w+\.)?{each}\b", PAGE)} == set()
