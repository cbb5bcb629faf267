"""Real train steps under TensorFlow's BFC allocator: `python -m bench.step '{"model": "ResNet50", ...}'` prints peaks.

`TF_CPU_ALLOCATOR_USE_BFC` puts tensors of the CPU under the class that hands out the memory of a GPU; its peak counts
bytes in use with the rounding of chunks. The batch is unknown when the step is traced, as in `fit` on a dataset.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_CPU_ALLOCATOR_USE_BFC"] = "true"
os.environ["KERAS_BACKEND"] = "tensorflow"
STEPS = 3
"""The first builds the optimizer's slots, the second is the first with all of them, the third repeats it."""
SIDE = 224
"""Of an application that has no size of its own without weights."""
_CPU = "CPU:0"


def peaks(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """For each of the rising `batches`: bytes in use at most during its steps, and what stays afterwards."""
    import keras
    import tensorflow as tf

    keras.config.set_dtype_policy(job["precision"])
    application = getattr(keras.applications, job["model"])
    model = application(weights=None)
    if None in model.input_shape[1:]:
        model = application(weights=None, input_shape=(SIDE, SIDE, 3))
    optimizer = keras.optimizers.get(job["optimizer"])
    optimizer.gradient_accumulation_steps = job.get("accumulation")
    model.compile(optimizer, "categorical_crossentropy", jit_compile=False)
    image, answer = model.input_shape[1:], model.output_shape[1:]
    schedule = [batch for batch in job["batches"] for _ in range(STEPS)]
    memory: dict[int, dict[str, int]] = {}

    def batches() -> Any:
        for batch in schedule:
            yield tf.zeros((batch, *image)), tf.zeros((batch, *answer))

    class Reader(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, number: int, logs: object = None) -> None:
            if number % STEPS == 0:
                tf.config.experimental.reset_memory_stats(_CPU)

        def on_train_batch_end(self, number: int, logs: object = None) -> None:
            memory[schedule[number]] = tf.config.experimental.get_memory_info(_CPU)

    signature = tuple(tf.TensorSpec((None, *shape)) for shape in (image, answer))
    data = tf.data.Dataset.from_generator(batches, output_signature=signature)
    model.fit(data, epochs=1, steps_per_epoch=len(schedule), verbose=0, callbacks=[Reader()])
    for batch in job["batches"]:
        yield {
            "model": job["model"],
            "batch": batch,
            "precision": job["precision"],
            "optimizer": job["optimizer"],
            "accumulation": job.get("accumulation"),
            "peak": memory[batch]["peak"],
            "kept": memory[batch]["current"],
            "input": list(image),
            "parameters": model.count_params(),
            "trainable": sum(variable.value.shape.num_elements() for variable in model.trainable_variables),
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        }


if __name__ == "__main__":
    for line in peaks(json.loads(sys.argv[1])):
        print(json.dumps(line))
