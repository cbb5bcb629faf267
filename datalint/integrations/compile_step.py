"""The training step of a Keras model, compiled by XLA for a GPU that is not there: run in a process of its own.

JAX's CUDA plugin compiles for whatever card a target description names, without a driver and without cuDNN. What is
read is the compiler's own assignment of buffers; nothing is run. The step is what `fit` jits under Keras on JAX.
"""

from __future__ import annotations

import math
import os
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING, Any

from datalint.integrations import gauge
from datalint.integrations.building import JobError, build, counted, each, name_of, ready
from datalint.integrations.serving import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENVIRONMENT = {
    "KERAS_BACKEND": "jax",
    # The plugin compiles; nothing is computed but on the CPU, whatever card this machine has.
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Algorithms are tried on the card itself, and there is none.
    "XLA_FLAGS": "--xla_gpu_autotune_level=0",
}
NEEDS = ("jax", "jax_plugins.xla_cuda12", "nvidia.cuda_nvcc", "keras")
"""The CUDA plugin with its compiler, and `ptxas` with the device library."""

MOST_TIMES = 16
"""Times the largest batch that is asked for, up to which more is compiled."""
NEAR = 1.15
"""Times a batch that was compiled, up to which another one says nothing new."""


class Compiled:
    """A model whose step is compiled for one card; every batch for itself."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        import jax
        import keras
        from jax.experimental import topologies

        topology = topologies.get_topology_desc("", "cuda", target_config=job["description"], topology="1x1x1")
        self._where = jax.sharding.SingleDeviceSharding(topology.devices[0])
        # What a function of the user does with its weights needs their values; nobody else does.
        self.made = build(job, within=keras.StatelessScope(initialize_variables=False))
        self.model = self.made.model
        self.answers = ready(
            self.model, self.made.shape, self.made.optimizer, accumulates=job["accumulates"], jit_compile="auto"
        )
        images, answers = self._batch(2, keras.KerasTensor)
        self.model._symbolic_build(data_batch=(images, answers))  # noqa: SLF001 - as `fit` does before its first step
        with keras.StatelessScope(initialize_variables=False):
            self.model.optimizer.build(self.model.trainable_variables)

    def peak(self, batch: int) -> int:
        """Bytes that the step takes at most: arguments, temporaries, and results that are no argument again.

        `fit` sends the next batch to the card while the step runs, so that it is there twice.
        """
        import jax

        def described(shape: tuple[int, ...], dtype: str = "float32") -> Any:
            return jax.ShapeDtypeStruct(shape, dtype, sharding=self._where)

        model = self.model
        state = tuple(
            [described(tuple(variable.shape), variable.dtype) for variable in variables]
            for variables in (
                model.trainable_variables,
                model.non_trainable_variables,
                model.optimizer.variables,
                model.metrics_variables,
            )
        )
        data = self._batch(batch, described)
        lowered = jax.jit(model.train_step, donate_argnums=0).lower(state, data)
        try:
            told = lowered.compile().memory_analysis()
        except jax.errors.JaxRuntimeError as error:
            first = str(error).strip().splitlines()[0][:300]
            raise JobError("compiler", f"the compiler refuses a batch of {batch:,}: {first}") from error
        taken = told.argument_size_in_bytes + told.output_size_in_bytes - told.alias_size_in_bytes
        ahead = sum(math.prod(leaf.shape) * 4 for leaf in jax.tree.leaves(data))
        return int(taken + told.temp_size_in_bytes + ahead)

    def _batch(self, batch: int, make: Callable[[tuple[int, ...]], Any]) -> tuple[Any, Any]:
        """Images and answers of one step, by their shapes."""
        return make((batch, *self.made.shape)), each(self.answers, lambda shape: make((batch, *shape)))


def run(job: Mapping[str, Any], tell: Callable[[Mapping[str, Any]], None]) -> None:
    """Compile the batches of a job one after another, and one more that takes about `job["memory"]` bytes.

    `tell` gets a line for each before it begins. So the largest batch that fits is not continued from afar.
    """
    import jax
    import keras

    _limit(job["limit"])
    compiled = Compiled(job)
    peaks: dict[int, int] = {}
    for batch in job["batches"]:
        tell({"step": batch})
        peaks[batch] = compiled.peak(batch)
    last = filling(peaks, job["memory"]) if job["memory"] else None
    if last is not None:
        tell({"step": last})
        with suppress(JobError):  # the batches that were asked for are known
            peaks[last] = compiled.peak(last)
    made = compiled.made
    tell(
        {
            "peaks": sorted(peaks.items()),
            **counted(compiled.model),
            "shape": made.shape,
            "precision": made.precision,
            "optimizer": name_of(made.optimizer),
            "files": made.sources.digests() if made.sources else None,
            "keras": keras.__version__,
            "jax": jax.__version__,
            "compiler": metadata.version("jax-cuda12-pjrt"),
        }
    )


def filling(peaks: Mapping[int, int], memory: int) -> int | None:
    """The batch that takes about so many bytes, by the line through two peaks; None where one nearby was compiled."""
    (low, least), (high, most) = min(peaks.items()), max(peaks.items())
    if high == low or most <= least:
        return None
    batch = int(low + (memory - least) * (high - low) / (most - least))
    batch = max(1, min(batch, MOST_TIMES * high))
    near = any(known / NEAR <= batch <= known * NEAR for known in peaks)
    return None if near else batch


def _limit(memory: int | None) -> None:
    """Let this process allocate so many bytes, and be the first that the kernel ends."""
    gauge.volunteer()
    if memory is not None and os.name == "posix":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def main() -> None:
    """One job of compilations, as its parent told it."""
    serve(run, environment=lambda job: ENVIRONMENT, needs=NEEDS)  # noqa: ARG005
