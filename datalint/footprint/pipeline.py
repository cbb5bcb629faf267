"""Host memory of a tf.data pipeline: files -> decode -> [cache] -> [shuffle] -> batch -> [shuffle] -> prefetch.

The five constants were fitted on 36 random pipelines of TensorFlow 2.21 and hold on others that they were not fitted
on (`python -m bench.footprint host`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from datalint.footprint.estimate import Stage
from datalint.footprint.images import values_of
from datalint.footprint.recipe import ITEM_BYTES

if TYPE_CHECKING:
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

MIB = 2**20
THREADS = 10 * MIB
"""Pipeline threads and their arenas."""
IN_FLIGHT = 3
"""Batches beside those of prefetch: being filled, being copied, being consumed."""
AUTOTUNE_STEADY = 2
"""Batches that AUTOTUNE keeps under a consumer that never pauses; it grows with every pause."""
_FLOAT = 4
"""Bytes of a value while it is resized."""


def pipeline_stages(recipe: Recipe, images: Images, *, cores: int) -> list[Stage]:
    """What is alive at the same time under a consumer that lets every buffer fill; AUTOTUNE keeps its depth."""
    values = values_of(recipe, images)
    element = values * ITEM_BYTES[recipe.dtype]
    trained = images.train * (1 - (recipe.validation_split or 0.0))
    batch, batches = recipe.batch * element, math.ceil(trained / recipe.batch)
    depth = AUTOTUNE_STEADY if recipe.prefetch is None else recipe.prefetch
    flying = min(depth + IN_FLIGHT, batches + 1)
    stages = [Stage("threads", float(THREADS), "pipeline threads and their arenas")]
    cached = recipe.cache == "memory"
    if cached:
        stages.append(Stage("cache", images.loaded * element, f"{images.loaded:,} samples x {element:,.0f} B"))
    shuffled = _shuffled(recipe, images, trained=trained, element=element)
    # A buffer of elements that are cached holds references to them.
    if shuffled and not (cached and shuffled.name == "shuffle decoded"):
        stages.append(shuffled)
    prefetched = flying * batch
    if shuffled and shuffled.name == "shuffle batches":
        # Prefetched batches have left the buffer: together they are never more than the dataset and what is copied.
        prefetched = min(prefetched, max(0.0, trained * element + 1.5 * batch - shuffled.size))
    stages.append(Stage("prefetch", prefetched, f"{flying:g} batches of {recipe.batch} x {element:,.0f} B"))
    parallel = recipe.parallel_calls or cores
    resized = 2 * values * _FLOAT
    formula = f"{parallel} calls x ({images.decoded_max:,.0f} B decoded + {resized:,.0f} B resized)"
    stages.append(Stage("decode", parallel * (images.decoded_max + resized), formula))
    return stages


def _shuffled(recipe: Recipe, images: Images, *, trained: float, element: float) -> Stage | None:
    """The filled shuffle buffer; `trained` samples pass through it."""
    if recipe.shuffle_buffer is None:
        return None
    if recipe.stage == "batched":
        batches, size = math.ceil(trained / recipe.batch), recipe.batch * element
        held = float(min(recipe.shuffle_buffer, batches))
        return Stage("shuffle batches", held * size, f"{held:,.0f} batches of {recipe.batch} x {element:,.0f} B")
    held, size = min(recipe.shuffle_buffer, trained), images.encoded_mean if recipe.stage == "encoded" else element
    return Stage(f"shuffle {recipe.stage}", held * size, f"{held:,.0f} elements x {size:,.0f} B")
