"""Real train steps of a Keras model under TensorFlow's own allocator for GPUs: run in a process of its own.

`TF_CPU_ALLOCATOR_USE_BFC` puts tensors of the CPU under the class that hands out the memory of a GPU; its peak counts
bytes in use with the rounding of chunks. The batch is unknown when the step is traced, as in `fit` on a dataset.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from datalint.integrations.building import build, counted, each, name_of, ready
from datalint.integrations.serving import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

STEPS = 3
"""The first builds the optimizer's slots, the second is the first with all of them, the third repeats it."""
NEAR = 1.25
"""Times the largest batch up to which nothing more is measured."""
_CPU = "CPU:0"


def environment(limit: int | None = None) -> dict[str, str]:
    """Variables that must be set before TensorFlow is imported; `limit` is what tensors may take, in bytes."""
    said = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_CPU_ALLOCATOR_USE_BFC": "true",
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    return said if limit is None else {**said, "TF_CPU_BFC_MEM_LIMIT_IN_MB": str(max(1, limit >> 20))}


class Trained:
    """A model that is trained on nothing but zeros; every batch is measured for itself."""

    def __init__(self, model: Any, shape: Sequence[int], made: Any, *, accumulates: bool) -> None:
        self.model, self.shape = model, tuple(shape)
        self.answers = ready(model, self.shape, made, accumulates=accumulates, jit_compile=False)

    def peak(self, batch: int) -> dict[str, int]:
        """Bytes in use at most during the steps of one batch, and what stays afterwards."""
        import keras
        import tensorflow as tf

        told: dict[str, int] = {}

        def zeros(shape: tuple[int, ...]) -> Any:
            return tf.zeros((batch, *shape))

        def batches() -> Iterator[Any]:
            for _ in range(STEPS):
                yield zeros(self.shape), each(self.answers, zeros)

        class Reader(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_begin(self, number: int, logs: object = None) -> None:  # noqa: ARG002
                if number == 0:
                    tf.config.experimental.reset_memory_stats(_CPU)

            def on_train_batch_end(self, number: int, logs: object = None) -> None:  # noqa: ARG002
                told.update(tf.config.experimental.get_memory_info(_CPU))

        signature = (
            tf.TensorSpec((None, *self.shape)),
            each(self.answers, lambda shape: tf.TensorSpec((None, *shape))),
        )
        data = tf.data.Dataset.from_generator(batches, output_signature=signature)
        self.model.fit(data, epochs=1, steps_per_epoch=STEPS, verbose=0, callbacks=[Reader()])
        return {"peak": told["peak"], "kept": told["current"]}

    def workspace(self) -> float:
        """Bytes a sample that the kernels of a GPU may take beside the tensors, at most, by the widest convolution.

        A 3 x 3 convolution of stride 1 may be transformed by Winograd's F(2x2, 3x3), which takes 16 values for 4; any
        other one may be given copies of its input and its output in another layout.
        """
        import tensorflow as tf

        spec = tf.TensorSpec((None, *self.shape))
        graph = tf.function(lambda image: self.model(image, training=True)).get_concrete_function(spec).graph
        found = [0.0]
        for op in graph.get_operations():
            if op.type not in ("Conv2D", "DepthwiseConv2dNative"):
                continue
            image, kernel, output = op.inputs[0].shape, op.inputs[1].shape, op.outputs[0].shape
            if None in (*image[1:], *output[1:]):
                continue
            size = output[1] * output[2] * op.outputs[0].dtype.size
            plain = op.type == "Conv2D" and tuple(kernel[:2]) == (3, 3) and set(op.get_attr("strides")) == {1}
            copies = image[1:].num_elements() * op.inputs[0].dtype.size + size * output[3]
            found.append(float(4 * (image[3] + output[3]) * size if plain else copies))
        return max(found)


def run(job: Mapping[str, Any], tell: Callable[[Mapping[str, Any]], None]) -> None:
    """Measure the batches of a job one after another; `tell` gets a line for each, and before them what was built.

    Beyond the batches that are asked for, twice as large ones follow up to `job["enough"]`, as far as `job["limit"]`
    bytes and `job["seconds"]` reach: the less there is to extrapolate, the better.
    """
    began = time.monotonic()
    import keras
    import tensorflow as tf

    made = build(job)
    trained = Trained(made.model, made.shape, made.optimizer, accumulates=job["accumulates"])
    peaks: list[tuple[int, int]] = []
    stays: list[int] = []
    batches = list(job["batches"])
    while batches:
        batch = batches.pop(0)
        tell({"step": batch})
        started = time.monotonic()
        told = trained.peak(batch)
        took = time.monotonic() - started
        peaks.append((batch, told["peak"]))
        stays.append(told["kept"])
        # Twice the batch takes about twice as long, and twice as much.
        left = job["seconds"] - (time.monotonic() - began)
        if not batches and batch * NEAR < job["enough"] and 2 * took <= left and 2 * told["peak"] <= job["limit"]:
            batches.append(min(2 * batch, job["enough"]))
    tell(
        {
            "peaks": peaks,
            "kept": min(stays),
            **counted(trained.model),
            "workspace": trained.workspace(),
            "shape": made.shape,
            "precision": made.precision,
            "optimizer": name_of(made.optimizer),
            "files": made.sources.digests() if made.sources else None,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        }
    )


def main() -> None:
    """One job of train steps, as its parent told it."""
    serve(run, environment=lambda job: environment(job["memory"]), needs=("tensorflow",))
