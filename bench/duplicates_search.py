"""The search for close hashes alone: random 64-bit hashes with neighbours planted at distances of 0 to 8 bits.

Run by `python -m bench.duplicates --search N`. The search has a process of its own; 200 hashes are also compared with
all others one by one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

RADIUS = 8
"""Bits, as in the table `near`."""
PLANTED = 1000
"""Neighbours at each distance."""
QUERIES = 200

_PROGRAM = f"""
import json, resource, sys, time
import numpy as np
from datalint.near.hamming import pairs

def neighbours(chance, hashes, bits):
    flips = chance.permuted(np.tile(np.arange(64, dtype=np.uint64), (len(hashes), 1)), axis=1)[:, :bits]
    return hashes ^ np.bitwise_or.reduce(np.uint64(1) << flips, axis=1) if bits else hashes.copy()

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

count, chance = int(sys.argv[1]), np.random.default_rng(20261128)
hashes = chance.integers(0, 1 << 64, count, dtype=np.uint64)
planted = []
for bits in range({RADIUS} + 1):
    one = np.arange(bits * {PLANTED}, (bits + 1) * {PLANTED})
    other = count - 1 - one
    hashes[other] = neighbours(chance, hashes[one], bits)
    planted.append(one * count + other)
pairs(hashes[:64], {RADIUS})
before, started = peak(), time.process_time()
found = pairs(hashes, {RADIUS})
seconds, after = time.process_time() - started, peak()
keys = np.sort(found.left * count + found.right)
queries = np.concatenate([chance.integers(0, count, {QUERIES} - 100), chance.integers(0, 9 * {PLANTED}, 100)])
expected = [
    min(int(query), int(other)) * count + max(int(query), int(other))
    for query in queries
    for other in np.flatnonzero(np.bitwise_count(hashes ^ hashes[query]) <= {RADIUS})
    if other != query
]
asked = np.isin(found.left, queries) | np.isin(found.right, queries)
print(json.dumps({{
    "seconds": seconds, "before": before, "peak": after, "pairs": len(keys), "twice": len(keys) - len(np.unique(keys)),
    "recall": [float(np.isin(each, keys).mean()) for each in planted],
    "agrees": set(expected) == set((found.left * count + found.right)[asked].tolist()), "expected": len(set(expected)),
    "wrong": int((np.bitwise_count(hashes[found.left] ^ hashes[found.right]) != found.distance).sum()),
}}))
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU seconds; bytes before and at the peak; pairs, those told twice and those with a wrong distance; the share of
    the planted pairs found at each distance; how many pairs of the 200 the comparison one by one has, and whether the
    search has just these.
    """

    seconds: float
    before: int
    peak: int
    pairs: int
    twice: int
    wrong: int
    recall: list[float]
    expected: int
    agrees: bool


def measure(count: int) -> Measured:
    """Raises SystemExit for fewer hashes than the planted pairs need."""
    if count < 2 * (RADIUS + 1) * PLANTED:
        raise SystemExit(f"--search needs {2 * (RADIUS + 1) * PLANTED:,} hashes or more")
    run = subprocess.run([sys.executable, "-c", _PROGRAM, str(count)], stdout=subprocess.PIPE, text=True, check=True)
    return Measured(**json.loads(run.stdout))


def report(count: int) -> str:
    found = measure(count)
    recall = ", ".join(f"{share:.3f}" for share in found.recall)
    agrees = "the same" if found.agrees else "**not the same**"
    return (
        f"{count:,} hashes: {found.seconds:.1f} CPU s, {found.peak / 1e6:,.0f} MB at the peak "
        f"({found.before / 1e6:,.0f} MB before the search); {found.pairs:,} pairs within {RADIUS} bits, "
        f"{found.twice:,} of them told twice, {found.wrong:,} with a wrong distance. Recall of {PLANTED:,} planted "
        f"pairs at each distance from 0 to {RADIUS}: {recall}. {QUERIES} hashes compared with all one by one: {agrees} "
        f"{found.expected:,} pairs."
    )
