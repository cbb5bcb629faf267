"""Hashes and pixels of pictures, compared; what earlier runs compared is taken from the cache.

One picture more costs a look-up and no search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datalint.facts.gather import gather
from datalint.near import nominate, remembered
from datalint.near.verify import planes_of, verified

if TYPE_CHECKING:
    from datalint.facts.cache import Cache, NullCache
    from datalint.looked import Looked
    from datalint.near.chosen import Chosen, Pictures
    from datalint.near.similarity import Scores
    from datalint.near.units import Units

_PAIRS_AT_ONCE = 25_000
"""Pairs whose planes are in memory at once, some 6 kB each."""


def nominees(pictures: Pictures, cache: Cache | NullCache, version: str, *, across: bool) -> nominate.Nominees:
    """Pairs of hashes whose pictures are to be compared; `across` may leave out those inside the largest split."""
    distinct = np.unique(pictures.hashes)
    known = nominate.unpacked(cache.kept("hashes", version))
    if known is not None and np.array_equal(known.hashes, distinct):
        return known.nominees
    if across and known is None:
        # Pictures of the smaller splits look for their copies; those of the largest wait to be found.
        largest = np.bincount(pictures.splits).argmax()
        return nominate.nominate(distinct, asking=np.unique(pictures.hashes[pictures.splits != largest]))
    found = nominate.nominate(distinct, known)
    if found.radius == nominate.usual_radius(len(distinct)):
        cache.keep("hashes", version, nominate.packed(nominate.Known(distinct, found)))
    return found


def scores(looked: Looked, units: Units, pairs: Chosen, version: str, *, workers: int | None, timeout: float) -> Scores:
    """Of each pair, from an earlier run or from its planes; NaN where those cannot be made."""
    identities = [looked.files.identities[file] for file in units.files]
    keys = remembered.keys(identities, pairs.one, pairs.other, pairs.turn)
    found = remembered.recalled(remembered.unpacked(looked.cache.kept("alike", version)), keys)
    unknown = np.flatnonzero(np.isnan(found))
    files = [looked.dataset.files[file] for file in units.files]
    for start in range(0, len(unknown), _PAIRS_AT_ONCE):
        some = unknown[start : start + _PAIRS_AT_ONCE]
        used, places = np.unique(np.concatenate([pairs.one[some], pairs.other[some]]), return_inverse=True)
        # Those that the cache knows from an earlier part are not decoded again.
        small = gather(
            [files[each] for each in used], cache=looked.cache, workers=workers, timeout=timeout, planes=True
        ).data.columns
        planes = planes_of(small["plane"], small["fine_plane"])
        found[some] = verified(planes, places[: len(some)], places[len(some) :], pairs.turn[some])
    if len(unknown):
        looked.cache.keep("alike", version, remembered.packed(keys, found))
    return found
