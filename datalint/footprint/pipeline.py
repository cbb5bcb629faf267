"""Host memory of a tf.data pipeline: files -> decode -> [cache] -> [shuffle] -> batch -> [shuffle] -> prefetch.

The constants were fitted on 330 random pipelines of TensorFlow 2.21 and hold on others that they were not fitted on
(`python -m bench.footprint host`). They describe the first epoch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from datalint.footprint.estimate import Stage
from datalint.footprint.images import batch_of, trained_of, values_of
from datalint.footprint.recipe import ITEM_BYTES

if TYPE_CHECKING:
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

MIB = 2**20
IN_FLIGHT, BESIDE_FULL_CACHE, BEHIND_SHUFFLE = 3, 0.5, 1
"""Batches beside those of prefetch: one is being filled, out of images that are still there, and one consumed. Once a
cache is full none is being filled, unless a shuffle buffer still gives images."""
FEW = 0.75
"""Of an epoch's batches, where prefetch could hold them all: the first are gone before the last are there."""
LEAVING = 1.0
"""Batches by which a buffer of batches and what has left it may be more than one epoch together."""
HELD = {"cache": 1.04, "shuffle decoded": 1.08, "shuffle batches": 1.03}
"""Bytes that the allocator takes for a byte of these: holes that decoded images leave suit no batch."""
ENCODED = 1.15
"""The same for the encoded strings of a shuffle buffer."""
NAME = 140
"""Bytes that a shuffle buffer takes for a name of 40 to 100 letters, and again for a label beside it (0.5 and 1 million
names under TensorFlow 2.21): letters are shared with the list that the names come from."""
HOLES, REUSED = 1.2, 0.4
"""The same where a cache is filled meanwhile: what strings of many lengths leave behind suits no decoded image, what
strings of one length or larger ones leave is taken again."""
BESIDE_CACHE = 0.1
"""Of a shuffle buffer of decoded images behind a cache, which shares them."""
DECODING = 2 / 3
"""Of what all decoders take, beside full buffers: not all of them work then."""
AUTOTUNE_STEADY = 2
"""Batches that AUTOTUNE keeps under a consumer that never pauses; it grows with every pause."""
_FLOAT = 4
"""Bytes of a value while it is resized."""


def pipeline_stages(recipe: Recipe, images: Images, *, cores: int) -> list[Stage]:
    """What is alive at the same time under a consumer that lets every buffer fill; AUTOTUNE keeps its depth."""
    values = values_of(recipe, images)
    element = values * ITEM_BYTES[recipe.dtype]
    trained = trained_of(recipe, images)
    fed = batch_of(recipe, images)
    batch, batches = fed * element, math.ceil(trained / fed)
    stages = []
    shuffled = _shuffled(recipe, images, trained=trained, element=element)
    if recipe.cache == "memory":
        cached = images.loaded * element
        stages.append(Stage("cache", HELD["cache"] * cached, f"{images.loaded:,} samples x {element:,.0f} B"))
        shuffled = _beside_cache(shuffled, images, element=element)
    depth = AUTOTUNE_STEADY if recipe.prefetch is None else recipe.prefetch
    beside: float = IN_FLIGHT
    if recipe.cache == "memory":
        beside = BESIDE_FULL_CACHE + (BEHIND_SHUFFLE if shuffled and recipe.stage == "decoded" else 0)
    flying = min(depth + beside, FEW * batches)
    prefetched = flying * batch
    if shuffled:
        stages.append(shuffled)
        if shuffled.name == "shuffle batches":
            most = HELD[shuffled.name] * trained * element + LEAVING * batch
            prefetched = min(prefetched, max(0.0, most - shuffled.size))
    stages.append(Stage("prefetch", prefetched, f"{flying:g} batches of {fed} x {element:,.0f} B"))
    parallel = recipe.parallel_calls or cores
    resized = 2 * values * _FLOAT
    decoding = DECODING * parallel * (images.decoded_max + resized)
    formula = f"2/3 x {parallel} calls x ({images.decoded_max:,.0f} B decoded + {resized:,.0f} B resized)"
    if recipe.dtype == "uint8":
        # What is resized is float32 until it is cast, and a batch of it is on its way.
        decoding += fed * values * _FLOAT
        formula += f" + {fed} x {values * _FLOAT:,.0f} B before the cast"
    stages.append(Stage("decode", decoding, formula))
    return stages


def _beside_cache(shuffled: Stage | None, images: Images, *, element: float) -> Stage | None:
    """What a buffer adds to the cache: decoded elements are shared, encoded ones leave holes while the cache fills."""
    if shuffled is None:
        return None
    if shuffled.name == "shuffle decoded":
        size = BESIDE_CACHE * shuffled.elements * element
        return shuffled._replace(
            size=size, formula=f"{BESIDE_CACHE:.0%} of {shuffled.formula}: the cache shares the rest"
        )
    if shuffled.name == "shuffle encoded":
        share = HOLES if images.sizes > 1 and element > images.encoded_mean else REUSED
        left = share * shuffled.elements * images.encoded_mean
        return shuffled._replace(size=left, formula=f"holes that {shuffled.formula} leave while the cache fills")
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
    if recipe.stage == "names":
        return Stage(name, held * NAME, f"{held:,.0f} names x {NAME} B, and as much for labels", elements=held)
    size = images.encoded_mean if recipe.stage == "encoded" else element
    factor = HELD.get(name, ENCODED)
    return Stage(name, factor * held * size, f"{held:,.0f} elements x {size:,.0f} B", elements=held)
