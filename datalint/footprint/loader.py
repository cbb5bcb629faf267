"""Host memory of a PyTorch DataLoader: the training process, its workers, and the batches between them.

The constants were fitted on 12 random loaders under PyTorch 2.13 and hold on 12 others (`python -m bench.footprint
loader`).
Counted is what all processes hold together: pages that a worker shares with its parent once, /dev/shm whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.footprint import shm
from datalint.footprint.estimate import Band, Estimate
from datalint.footprint.images import batch_of, trained_of, values_of
from datalint.footprint.recipe import ITEM_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

MIB = 2**20


# After `import torch, numpy, PIL` and one operation; a third are pages of files, which a limit can take back.
PYTORCH = Band(144 * MIB, 212 * MIB, 260 * MIB)
# Of a network trained on a CPU 300 MiB were left after its step. On a GPU, CUDA and its libraries took up to 1,720 MiB
# of the host in published reports (pytorch/pytorch issues 12873 and 113326); we measured none.
RUNTIME = Band(0, 0, 1750 * MIB)
# What a forked worker writes beside its batch and its decoder. One that is started anew (macOS, Windows, Python 3.14)
# shares nothing with its parent: 154 to 163 MiB.
WORKER = Band(8 * MIB, 13 * MIB, 175 * MIB)
DECODED_COPIES, PIXEL = 2, 4
"""`Image.open(f).convert("RGB")` copies, and Pillow keeps 4 bytes a pixel."""
IN_PROCESS = 3
"""Batches without workers: the list of samples, the stacked batch, and the one before it."""
SAMPLE = Band(0, 202, 270)
"""Bytes of a tuple of path and label that a worker copies on reading; with paths in one array it copies nothing."""
SLACK = Band(-10 * MIB, 8 * MIB, 40 * MIB)


def unpredicted(recipe: Recipe, images: Images) -> str | None:
    """Why nothing is said about the host memory of this DataLoader; None where it is predicted."""
    if recipe.replicas > 1:
        return f"a DataLoader for {recipe.replicas:,} replicas: its host memory is not predicted"
    if unknown := shm.sizes_unknown(recipe, images):
        return unknown
    return None if images.measured else "the size of no image is known"


def stages(recipe: Recipe, images: Images) -> Iterator[Estimate]:
    """What is alive at the same time; the size of the largest image is that of every worker's decoder."""
    yield _measured("framework", PYTORCH, "PyTorch, imported")
    yield _measured("runtime", RUNTIME, "arenas and libraries of training, CUDA among them")
    workers, fed = recipe.workers or 0, batch_of(recipe, images)
    batch = fed * values_of(recipe, images) * ITEM_BYTES[recipe.dtype]
    pixels = images.decoded_max / (recipe.input_channels or 3)
    decoder, formula = DECODED_COPIES * PIXEL * pixels, f"{pixels:,.0f} pixels x {DECODED_COPIES * PIXEL} B decoded"
    if not workers:
        yield _around("batches", IN_PROCESS * batch, f"{IN_PROCESS} batches of {fed:,}: listed, stacked, consumed")
        yield _around("decode", decoder, formula)
    else:
        yield shm.batches(recipe, images, RESOURCE)
        size = f"{fed:,} samples x {batch / fed:,.0f} B"
        # Each holds one batch at a time, and an epoch may have fewer batches than there are workers.
        busy = min(workers, shm.batches_of(recipe, images))
        each = Band(*(workers * part + busy * (batch + decoder) for part in WORKER))
        formula = f"{workers:,} x {WORKER.expected / MIB:,.0f} MiB + {busy:,} x ({size} + {formula})"
        yield _measured("workers", each, formula)
        samples = trained_of(recipe, images)
        copied = Band(*(workers * samples * part for part in SAMPLE))
        formula = f"{workers:,} workers x {samples:,.0f} samples x {SAMPLE.expected:g} B"
        yield _measured("worker copies", copied, formula)
    yield _measured("slack", SLACK, "allocator and threads")


RESOURCE = "host_memory"
_SHARE = 0.15


def _around(stage: str, size: float, formula: str) -> Estimate:
    return Estimate(RESOURCE, stage, size * (1 - _SHARE), size, size * (1 + _SHARE), formula)


def _measured(stage: str, band: Band, formula: str) -> Estimate:
    return Estimate(RESOURCE, stage, *band, formula)
