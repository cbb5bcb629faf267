"""What is taken for a byte of decoded images that stay: the holes that are left between them.

Images of `POOLED` bytes and more lie in TensorFlow's regions, smaller ones in glibc's malloc. Why each of them leaves
holes, and what was measured, is told in docs/footprint.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

POOLED = 256 * 1024
"""Bytes from which TensorFlow with oneDNN takes a tensor out of regions of its own, never given back. malloc has the
smaller ones (kSmallAllocationsThreshold in tensorflow/core/common_runtime/mkl_cpu_allocator.h; measured: 256 KiB)."""
HELD, VARIED = 1.05, 1.15
"""In regions, for images decoded at one size, and at many. A region gives the smallest hole that is large enough,
unsplit where it is less than twice as large. Those decoded at one size come and go in the same holes; those of many
sizes leave holes that the resized ones do not fill."""
UNEQUAL = 1.3
"""The largest decoded image over their mean, from which on sizes vary. With the allocator's rules replayed, sides that
differ by a tenth leave 2 to 6 % of holes, those of 160 to 1600 pixels 15 to 21 %."""
SMALL = 1.02
"""In malloc, where no hole is left for a reason that is known."""
SPARE = 96
"""Bytes that malloc wants in a hole beside an aligned tensor, though it gives them back at once: 64 to align and 32 for
the least chunk (`_int_memalign` of glibc). So a tensor does not fit into the hole that one of its own size has left."""
AT_ONCE = 0.8
"""Of the images, which one thread decodes and resizes in a row. Else the decoded one is the last of its arena when it
is given back, and no hole."""
STUCK_RECORDS, STUCK_FILES = 0.37, 0.03
"""Of the decoded images that leave a hole which nothing fills, where the resized ones are larger. One place with
`SPARE` is enough for all that a thread decodes. Reading a file as a whole leaves such, because its buffers come and go
in the same arena; records are read in the arena of another thread. Single runs of records: 0 to 0.7."""
RIVAL = 0.22
"""Of them that are more, where the resized ones are of the same size and now and then get that place; not out of files
with a single decoder, which has its place to itself."""
DRAWN, PACE = 0.47, 1.75
"""What a shuffle buffer of elements of one size grows to: `DRAWN` more, at `PACE` for each time that as many are drawn
as it holds, because only two holes side by side hold one element. Random draws, replayed, say 0.55; 0.85 of that was
measured."""


def taken(recipe: Recipe, images: Images, *, element: float, drawn: float = 0.0) -> float:
    """Bytes for a byte of elements that stay; `drawn` says how often a shuffle buffer of them is drawn through."""
    if element >= POOLED:
        varied = images.decoded_max > UNEQUAL * images.decoded_mean >= UNEQUAL * POOLED
        return VARIED if varied else HELD
    grown = DRAWN * (1 - math.exp(-PACE * drawn))
    left = _left(recipe, images, element)
    # A place that was left for the one reason may be filled again for the other.
    return max(SMALL, 1 + left + grown - left * grown)


def uncertain(recipe: Recipe, images: Images, *, element: float) -> bool:
    """Whether it depends on the threads, in every run anew, how many holes are left."""
    return element < POOLED and _beside_decoded(recipe, images)


def _beside_decoded(recipe: Recipe, images: Images) -> bool:
    """Whether decoded images lie in malloc beside the resized ones; before a cast to uint8 they are gone."""
    return recipe.dtype != "uint8" and images.decoded_mean < POOLED


def _left(recipe: Recipe, images: Images, element: float) -> float:
    """Bytes of holes that decoded images leave for a byte of resized ones.

    Where resized images fit into such a hole, `fill` of them do, and the next image is decoded behind them: of
    `fill + 1` images in a row the bytes of one decoded and one resized are taken. Images of many sizes fit into each
    other's holes.
    """
    if images.sizes > 1 or not _beside_decoded(recipe, images):
        return 0.0
    decoded = images.decoded_mean
    if fill := max(0, math.floor((decoded - SPARE) / element)):
        return AT_ONCE * max(0.0, (decoded + element) / ((fill + 1) * element) - 1)
    records = recipe.loader == "tfrecord"
    stuck = STUCK_RECORDS if records else STUCK_FILES
    if element <= decoded + SPARE and (records or recipe.parallel_calls != 1):
        stuck += RIVAL
    return stuck * decoded / element
