"""Real train steps under TensorFlow's BFC allocator: `python -m bench.step '{"model": "ResNet50", ...}'` prints peaks.

The steps are those of a dry run; all batches of a job rise in one process.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from datalint.integrations.building import application, counted, optimizer
from datalint.integrations.train_step import Trained, environment

if TYPE_CHECKING:
    from collections.abc import Iterator


def peaks(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """For each of the rising `batches`: bytes in use at most during its steps, and what stays afterwards."""
    import keras
    import tensorflow as tf

    keras.config.set_dtype_policy(job["precision"])
    model = application(job["model"], None)
    accumulation = job.get("accumulation")
    trained = Trained(model, model.input_shape[1:], optimizer(job["optimizer"]), accumulates=bool(accumulation))
    for batch in job["batches"]:
        memory = trained.peak(batch)
        numbers = counted(trained.model)
        yield {
            "model": job["model"],
            "batch": batch,
            "precision": job["precision"],
            "optimizer": job["optimizer"],
            "accumulation": accumulation,
            **memory,
            "input": list(trained.shape),
            "parameters": numbers["parameters"],
            "trainable": numbers["trainable"],
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        }


if __name__ == "__main__":
    os.environ.update(environment())
    for line in peaks(json.loads(sys.argv[1])):
        print(json.dumps(line))
