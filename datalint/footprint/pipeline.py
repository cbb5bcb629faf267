"""Host memory of a tf.data pipeline: files -> decode -> [cache] -> [shuffle] -> batch -> [shuffle] -> prefetch.

The constants were fitted on 30 random pipelines of TensorFlow 2.21 and hold on others that they were not fitted on
(`python -m bench.footprint host`). They describe the first epoch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from datalint.footprint.estimate import Stage
from datalint.footprint.images import batch_of, values_of
from datalint.footprint.recipe import ITEM_BYTES

if TYPE_CHECKING:
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

MIB = 2**20
IN_FLIGHT = 2
"""Batches beside those of prefetch: one is being filled, one consumed."""
LEAVING = {"shuffle batches": 1.5, "shuffle decoded": 6.0}
"""Batches by which a buffer and what has left it may be more than one epoch together."""
HELD = {"cache": 1.03, "shuffle decoded": 1.05, "shuffle batches": 1.05, "prefetch": 1.03}
"""Bytes that the allocator takes for a byte of these."""
READ_FILE = 1.9
"""The same for encoded strings of `tf.io.read_file`; those of a TFRecord take what they are long."""
AUTOTUNE_STEADY = 2
"""Batches that AUTOTUNE keeps under a consumer that never pauses; it grows with every pause."""
_FLOAT = 4
"""Bytes of a value while it is resized."""


def pipeline_stages(recipe: Recipe, images: Images, *, cores: int) -> list[Stage]:
    """What is alive at the same time under a consumer that lets every buffer fill; AUTOTUNE keeps its depth."""
    values = values_of(recipe, images)
    element = values * ITEM_BYTES[recipe.dtype]
    trained = images.train * (1 - (recipe.validation_split or 0.0))
    fed = batch_of(recipe, images)
    batch, batches = fed * element, math.ceil(trained / fed)
    stages = []
    shuffled = _shuffled(recipe, images, trained=trained, element=element)
    if recipe.cache == "memory":
        cached = images.loaded * element
        stages.append(Stage("cache", HELD["cache"] * cached, f"{images.loaded:,} samples x {element:,.0f} B"))
        shuffled = _beside_cache(shuffled, trained=trained, element=element)
    depth = AUTOTUNE_STEADY if recipe.prefetch is None else recipe.prefetch
    flying = min(depth + IN_FLIGHT, batches + 1)
    prefetched = HELD["prefetch"] * flying * batch
    if shuffled:
        stages.append(shuffled)
        if shuffled.name in LEAVING:
            most = HELD[shuffled.name] * trained * element + LEAVING[shuffled.name] * batch
            prefetched = min(prefetched, max(0.0, most - shuffled.size))
    stages.append(Stage("prefetch", prefetched, f"{flying:g} batches of {fed} x {element:,.0f} B"))
    parallel = recipe.parallel_calls or cores
    resized = 2 * values * _FLOAT
    decoding = parallel * (images.decoded_max + resized)
    formula = f"{parallel} calls x ({images.decoded_max:,.0f} B decoded + {resized:,.0f} B resized)"
    if recipe.dtype == "uint8":
        # What is resized is float32 until it is cast, and a batch of it is on its way.
        decoding += fed * values * _FLOAT
        formula += f" + {fed} x {values * _FLOAT:,.0f} B before the cast"
    stages.append(Stage("decode", decoding, formula))
    return stages


def _beside_cache(shuffled: Stage | None, *, trained: float, element: float) -> Stage | None:
    """What a buffer adds to the cache: decoded elements are shared, encoded ones leave while the cache fills."""
    if shuffled is None or shuffled.name == "shuffle decoded":
        return None
    if shuffled.name == "shuffle encoded":
        held, formula = shuffled.elements, shuffled.formula
        beyond = (trained - held) * element + shuffled.size - trained * element
        return shuffled._replace(size=beyond, formula=f"{formula} before the cache is full") if beyond > 0 else None
    return shuffled


def _shuffled(recipe: Recipe, images: Images, *, trained: float, element: float) -> Stage | None:
    """The filled shuffle buffer; `trained` samples pass through it."""
    if recipe.shuffle_buffer is None:
        return None
    name = {"batched": "shuffle batches"}.get(recipe.stage, f"shuffle {recipe.stage}")
    if recipe.stage == "batched":
        fed = batch_of(recipe, images)
        held, size = float(min(recipe.shuffle_buffer, math.ceil(trained / fed))), fed * element
        most = min(held * size, trained * element)
        return Stage(name, HELD[name] * most, f"{held:,.0f} batches of {fed} x {element:,.0f} B")
    held = min(float(recipe.shuffle_buffer), trained)
    size = images.encoded_mean if recipe.stage == "encoded" else element
    factor = HELD.get(name, 1.0 if recipe.loader == "tfrecord" else READ_FILE)
    return Stage(name, factor * held * size, f"{held:,.0f} elements x {size:,.0f} B", elements=held)
