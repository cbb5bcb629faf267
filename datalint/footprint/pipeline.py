"""Host memory of a tf.data pipeline: files -> decode -> [cache] -> [shuffle] -> batch -> [shuffle] -> prefetch.

image_dataset_from_directory makes its batches itself: what is cached and shuffled behind it are those batches.

The constants were fitted on more than 200 random pipelines of TensorFlow 2.21 with oneDNN and hold on others that they
were not fitted on (`python -m bench.footprint host`). They describe the first epoch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from datalint.footprint import holes
from datalint.footprint.estimate import Stage
from datalint.footprint.holes import POOLED
from datalint.footprint.images import batch_of, trained_of, values_of
from datalint.footprint.recipe import ITEM_BYTES

if TYPE_CHECKING:
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

MIB = 2**20
IN_FLIGHT, IN_FLIGHT_SLOWLY = 3.5, 2.35
"""Batches beside those of prefetch: one is being filled, out of images that are still there, one consumed, and holes of
their size. With a single decoder the step is over before the next batch is there."""
DRAWN = 0.5
"""Of a batch that is not being filled, where a shuffle buffer has its images ready."""
BEHIND_SHUFFLE = 0.5
"""Batches beside those of prefetch once a cache is full, if a shuffle buffer still gives images; else there is none."""
FEW = 0.87
"""Of an epoch's batches, where prefetch could hold them all: the first are gone before the last are there."""
LEAVING = 1.0
"""Batches by which a buffer of batches and what has left it may be more than one epoch together."""
BATCHES = 1.03
"""Bytes that are taken for a byte of batches that stay."""
SHARED_LEAST, SHARED_MOST = 0.9, 2.1
"""The same for images where it depends on the threads which holes of malloc are filled: 0.93 to 1.97 was seen, 0.96
to 1.92 of one recipe."""
ENCODED = 1.04
"""The same for the encoded strings of a shuffle buffer."""
NAME = 140
"""Bytes that a shuffle buffer takes for a name of 40 to 100 letters, and again for a label beside it (0.5 and 1 million
names under TensorFlow 2.21): letters are shared with the list that the names come from."""
UNFILLED = 0.3
"""Of the strings of files in a shuffle buffer, at least, where a cache of small images is filled meanwhile. An image
fills its own bytes of the place that its string leaves in the same arena, and the holes of strings of many lengths not
quite: 0.24 to 0.35 of them were seen. Records are read by another thread in an arena of its own, where no image is."""
UNFILLED_BOUNDS, RECORDS_BOUNDS = (0.15, 0.45), (0.5, 1.1)
"""Of the same strings, the least that is left and what may be left beyond it (single runs: 0.17 to 1); the same of
records, and the most of them (single runs: 0.57 to 1.07)."""
BESIDE_CACHE = 0.1
"""Of a shuffle buffer of decoded images behind a cache, which shares them. In malloc nothing is left."""
DECODING = 0.6
"""Of what all decoders take, beside full buffers: not all of them work then."""
BEFORE_CAST = 1.35
"""Batches of float32, where images are fed as uint8: resized images before the cast, and what the model casts."""
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
    batch = fed * element
    stages = []
    shuffled = _shuffled(recipe, images, trained=trained, element=element)
    if recipe.cache == "memory":
        cached = images.loaded * element
        formula = f"{images.loaded:,} samples x {element:,.0f} B"
        if recipe.cached_in_batches:
            stages.append(Stage("cache", BATCHES * cached, formula))
        else:
            stages.append(_taken("cache", cached, formula, recipe, images, element=element))
        shuffled = _beside_cache(shuffled, recipe, images, element=element)
    depth = AUTOTUNE_STEADY if recipe.prefetch is None else recipe.prefetch
    parallel = recipe.parallel_calls or cores
    drawn = shuffled is not None and recipe.stage == "decoded"
    if recipe.cache == "memory":
        beside = BEHIND_SHUFFLE if drawn else 0.0
    else:
        beside = (IN_FLIGHT_SLOWLY if parallel == 1 else IN_FLIGHT) - (DRAWN if drawn else 0)
    flying = min(depth + beside, FEW * trained / fed)
    prefetched = flying * batch
    if shuffled:
        stages.append(shuffled)
        if shuffled.name == "shuffle batches":
            most = BATCHES * trained * element + LEAVING * batch
            prefetched = min(prefetched, max(0.0, most - shuffled.size))
    stages.append(Stage("prefetch", prefetched, f"{flying:.3g} batches of {fed} x {element:,.0f} B"))
    resized = 2 * values * _FLOAT
    decoding = DECODING * parallel * (images.decoded_max + resized)
    formula = f"{DECODING:g} x {parallel} calls x ({images.decoded_max:,.0f} B decoded + {resized:,.0f} B resized)"
    if recipe.dtype == "uint8":
        decoding += BEFORE_CAST * fed * values * _FLOAT
        formula += f" + {BEFORE_CAST:g} x {fed} x {values * _FLOAT:,.0f} B around the cast"
    stages.append(Stage("decode", decoding, formula))
    return stages


def _taken(
    name: str, size: float, formula: str, recipe: Recipe, images: Images, *, element: float, drawn: float = 0.0
) -> Stage:
    """Decoded images that stay, `size` bytes of them, and the holes that are left between them."""
    stage = Stage(name, holes.taken(recipe, images, element=element, drawn=drawn) * size, formula)
    if element < POOLED and (name == "shuffle decoded" or holes.uncertain(recipe, images, element=element)):
        return stage._replace(least=SHARED_LEAST * size, most=SHARED_MOST * size)
    return stage


def _beside_cache(shuffled: Stage | None, recipe: Recipe, images: Images, *, element: float) -> Stage | None:
    """What a buffer adds to the cache: the same elements are shared, encoded ones leave holes while the cache fills."""
    if shuffled is None:
        return None
    if shuffled.name == "shuffle batches" and recipe.cached_in_batches:
        return shuffled._replace(size=0.0, formula=f"{shuffled.formula}, which are those of the cache")
    if shuffled.name == "shuffle decoded":
        size = BESIDE_CACHE * shuffled.elements * element if element >= POOLED else 0.0
        formula = f"{BESIDE_CACHE:.0%} of {shuffled.formula}: the cache shares the rest"
        # `unbatch()` behind a cache of batches copies every image.
        most = shuffled.size if recipe.loader == "image_dataset_from_directory" else 0.0
        return shuffled._replace(size=size, formula=formula, least=0.0, most=most)
    if shuffled.name == "shuffle encoded":
        held = shuffled.elements * images.encoded_mean
        formula = f"holes that {shuffled.formula} leave while the cache fills"
        if element >= POOLED:  # Strings lie in malloc, so images out of TensorFlow's regions leave all of it alone.
            return shuffled._replace(size=held, formula=formula)
        if recipe.loader == "tfrecord":
            least, most = RECORDS_BOUNDS
            return shuffled._replace(size=held, formula=formula, least=least * held, most=most * held)
        left = max(UNFILLED * held, held - shuffled.elements * element)
        least, more = UNFILLED_BOUNDS
        return shuffled._replace(
            size=left, formula=formula, least=least * held, most=min(left + more * held, 1.1 * held)
        )
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
        return Stage(name, BATCHES * most, f"{held:,.0f} batches of {fed} x {element:,.0f} B")
    held = min(float(recipe.shuffle_buffer), trained)
    if recipe.stage == "names":
        return Stage(name, held * NAME, f"{held:,.0f} names x {NAME} B, and as much for labels", elements=held)
    if recipe.stage == "encoded":
        size = images.encoded_mean
        return Stage(name, ENCODED * held * size, f"{held:,.0f} elements x {size:,.0f} B", elements=held)
    formula = f"{held:,.0f} elements x {element:,.0f} B"
    drawn = trained / held - 1
    return _taken(name, held * element, formula, recipe, images, element=element, drawn=drawn)._replace(elements=held)
