"""Near-duplicates with known truth: recall of every transformation and precision, datalint beside its peers in one run.

    python -m bench.duplicates [CORPORA] --peers /path/to/python-with-the-peers [--write]
    python -m bench.duplicates --search 1000000 10000000 [--write]

The peers live in their own environment (`cleanvision==0.3.7` and, without its PyTorch, `imagededup==0.3.3`).
`bench/duplicates_pictures.py` makes the files and says who is a copy of whom, `bench/duplicates_search.py` measures the
search alone and `bench/duplicates_lookup.py` that for one picture more. Exit code 1 where a goal is missed.

Recall of a transformation is the share of its files that are found together with the picture they were made of.
Precision is the share of true pairs among all pairs of files that are found, where two copies of one picture are a true
pair whichever they are. As a picture has hundreds of true pairs and a false one is a single one, the second figure
counts pairs of pictures, each once, however many of their files are found together: that is what a reader looks at.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import duplicates_lookup, duplicates_search
from bench.duplicates_pictures import CORPORA, GROUPS, ORIGINAL, REAL, TRANSFORMATIONS, make
from bench.measure import watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.duplicates_pictures import Made
    from bench.measure import Watched

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "near-duplicates.md"
PEER = Path(__file__).with_name("duplicates_peer.py")
PHASH_DEFAULT = 10
"""Bits; see `max_distance_threshold` of imagededup."""
SIMILARITIES = tuple(percent / 100 for percent in range(80, 100))

GOALS: Mapping[str, float] = {
    "JPEG quality 50": 0.99,
    "resized": 0.99,
    "orientation": 0.99,
    "brightness": 0.95,
    "grey": 0.95,
    "crop 2 %": 0.95,
}
GOAL_PRECISION = 0.99
GOAL_DISTRACTORS = 5000
HELD_OUT = 4
"""A seed that no constant of `datalint/near` was chosen on; 1, 2, 3 and 20261128 were looked at while they were."""

_SQL = """
select one.path as one, other.path as other, near.similarity, near.distance, coalesce(near.transform, '') as transform,
  near.group_id
from near join files one on one.file_id = near.file_id join files other on other.file_id = near.other_file_id
"""

Pair = tuple[str, str]
"""Names of two files, in order."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one tool calls copies."""

    name: str
    pairs: frozenset[Pair]
    cost: Watched


@dataclass(frozen=True, slots=True)
class Truth:
    """Which picture a file stems from, and the pairs whose recall is asked for, by row of the table."""

    pictures: Mapping[str, str]
    asked: Mapping[str, frozenset[Pair]]

    def true(self, pair: Pair) -> bool:
        return self.pictures[pair[0]] == self.pictures[pair[1]]

    def recall(self, row: str, pairs: frozenset[Pair]) -> float:
        return len(self.asked[row] & pairs) / len(self.asked[row])

    def mean_recall(self, pairs: frozenset[Pair]) -> float:
        """Over all transformations alike, the real copies left out."""
        asked = frozenset[Pair]().union(*(self.asked[name] for name in GROUPS))
        return len(asked & pairs) / len(asked)

    def false(self, pairs: frozenset[Pair]) -> list[Pair]:
        return [pair for pair in sorted(pairs) if not self.true(pair)]

    def precision(self, pairs: frozenset[Pair]) -> float:
        return 1 - len(self.false(pairs)) / len(pairs) if pairs else 1.0

    def picture_precision(self, pairs: frozenset[Pair]) -> float:
        """Of pairs of pictures: a picture found with a copy of its own counts as one true pair."""
        seen = {tuple(sorted((self.pictures[one], self.pictures[other]))) for one, other in pairs}
        return sum(one == other for one, other in seen) / len(seen) if seen else 1.0


def truth_of(made: Made) -> Truth:
    originals = {file.picture: file.name for file in made.files if file.kind == ORIGINAL}
    by_row: dict[str, set[Pair]] = {name: set() for name in (*GROUPS, REAL)}
    rows = {member: row for row, members in GROUPS.items() for member in members}
    real: dict[str, list[str]] = {}
    for file in made.files:
        if file.kind in TRANSFORMATIONS:
            by_row[rows[file.kind]].add(pair_of(originals[file.picture], file.name))
        elif file.kind == REAL:
            others = real.setdefault(file.picture, [originals[file.picture]])
            by_row[REAL] |= {pair_of(other, file.name) for other in others}
            others.append(file.name)
    return Truth(
        {file.name: file.picture for file in made.files}, {row: frozenset(some) for row, some in by_row.items() if some}
    )


def pair_of(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def datalint(folder: Path, work: Path) -> tuple[dict[Pair, float], Watched]:
    """The similarity of every pair of the table `near`, and of those that it says by one group.

    near.csv stays in `work` with distances and transformations, for who looks.
    """
    out = work / "near.csv"
    command = [sys.executable, "-m", "datalint", "facts", str(folder), "--no-cache", "--sql", _SQL, "-o", f"csv={out}"]
    cost = watched(command)
    found: dict[Pair, float] = {}
    groups: dict[str, set[str]] = {}
    with out.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            pair = pair_of(Path(row["one"]).name, Path(row["other"]).name)
            found[pair] = float(row["similarity"])
            if row["group_id"]:
                groups.setdefault(row["group_id"], set()).update(pair)
    for members in groups.values():
        found |= through(found, sorted(members))
    return found, cost


def through(found: Mapping[Pair, float], members: Sequence[str]) -> dict[Pair, float]:
    """Pairs of one group that the table leaves out: as alike as the less alike half of the best way over a third."""
    likeness = {name: {other: found.get(pair_of(name, other), 0.0) for other in members} for name in members}
    return {
        (one, other): max(min(likeness[one][third], likeness[third][other]) for third in members)
        for one, other in itertools.combinations(members, 2)
        if (one, other) not in found
    }


def peer(name: str, python: str, folder: Path, work: Path) -> tuple[dict[Pair, int], Watched]:
    """The distance of every pair in bits; 0 where the peer tells none."""
    out = work / f"{name}.jsonl"
    cost = watched([python, str(PEER), name, str(folder), str(out)])
    found = {}
    for line in out.read_text("utf-8").splitlines():
        one, other, *distance = json.loads(line)
        found[pair_of(one, other)] = distance[0] if distance else 0
    return found, cost


def phash(found: Mapping[Pair, int], cost: Watched, truth: Truth) -> Iterator[Verdict]:
    """At its default, and at the distance with the best recall that is precise enough, where there is another one."""
    by_distance = {
        most: frozenset(pair for pair, distance in found.items() if distance <= most)
        for most in range(PHASH_DEFAULT + 1)
    }
    yield Verdict(f"imagededup PHash, {PHASH_DEFAULT} bits (its default)", by_distance[PHASH_DEFAULT], cost)
    precise = [most for most, pairs in by_distance.items() if truth.precision(pairs) >= GOAL_PRECISION]
    if precise and precise[-1] != PHASH_DEFAULT:
        name = f"imagededup PHash, {precise[-1]} bits (its best at a precision of {GOAL_PRECISION})"
        yield Verdict(name, by_distance[precise[-1]], cost)


def table(verdicts: Sequence[Verdict], truth: Truth) -> Iterator[str]:
    yield f"| | pairs | {' | '.join(verdict.name for verdict in verdicts)} | goal for datalint |"
    yield "|---" * (len(verdicts) + 3) + "|"
    for row, asked in truth.asked.items():
        goal = f"{GOALS[row]} or more" if row in GOALS else ""
        cells = (f"{truth.recall(row, verdict.pairs):.3f}" for verdict in verdicts)
        yield f"| recall: {row} | {len(asked):,} | {' | '.join(cells)} | {goal} |"
    goals = {
        "recall of all transformations": "above the peers",
        "precision": f"{GOAL_PRECISION} or more, and no peer above",
    }
    columns = [figures(verdict, truth) for verdict in verdicts]
    for what in columns[0]:
        yield f"| {what} | | {' | '.join(column[what] for column in columns)} | {goals.get(what, '')} |"


def figures(verdict: Verdict, truth: Truth) -> dict[str, str]:
    """The last lines of the table."""
    pairs = verdict.pairs
    return {
        "recall of all transformations": f"{truth.mean_recall(pairs):.3f}",
        "precision": f"{truth.precision(pairs):.5f}",
        "precision, each pair of pictures once": f"{truth.picture_precision(pairs):.4f}",
        "pairs found": f"{len(pairs):,}",
        "of them false": f"{len(truth.false(pairs)):,}",
        "CPU s": f"{verdict.cost.reading.cpu:.0f}",
        "peak memory of the largest process, MB": f"{verdict.cost.peak / 1e6:,.0f}",
    }


def thresholds(found: Mapping[Pair, float], truth: Truth) -> Iterator[str]:
    """What a stricter limit would give; the table `near` holds nothing below datalint's own."""
    rows = list(truth.asked)
    yield f"| similarity at least | precision | of pictures | false pairs | {' | '.join(rows)} |"
    yield "|---" * (len(rows) + 4) + "|"
    lowest = min(found.values(), default=0.0)
    for least in SIMILARITIES:
        if least + 0.01 <= lowest:
            continue
        pairs = above(found, least)
        cells = " | ".join(f"{truth.recall(row, pairs):.3f}" for row in rows)
        precision, pictures = truth.precision(pairs), truth.picture_precision(pairs)
        yield f"| {least:.2f} | {precision:.5f} | {pictures:.4f} | {len(truth.false(pairs)):,} | {cells} |"


def above(found: Mapping[Pair, float], least: float) -> frozenset[Pair]:
    return frozenset(pair for pair, similarity in found.items() if similarity >= least)


def missed(ours: Verdict, others: Sequence[Verdict], truth: Truth, made: Made) -> list[str]:
    """The goals that do not hold, in words."""
    found = [
        f"recall of {row}: {truth.recall(row, ours.pairs):.4f}, goal {goal}"
        for row, goal in GOALS.items()
        if truth.recall(row, ours.pairs) < goal
    ]
    precision, recall = truth.precision(ours.pairs), truth.mean_recall(ours.pairs)
    if precision < GOAL_PRECISION:
        found.append(f"precision: {precision:.4f}, goal {GOAL_PRECISION}")
    if made.distractors < GOAL_DISTRACTORS:
        found.append(f"distractors: {made.distractors:,}, goal {GOAL_DISTRACTORS:,}")
    for other in others:
        if recall <= truth.mean_recall(other.pairs):
            found.append(f"recall of all is not above that of {other.name}")
        # Equal is enough: a peer that tells only equal hashes may have no false pair, and nothing is better.
        if precision < truth.precision(other.pairs):
            found.append(f"precision is below that of {other.name}")
    return found


def write(part: str, text: str) -> None:
    """Between the marks of the page; raises SystemExit where it has none."""
    begin, end = f"<!-- bench.duplicates {part}: begin -->", f"<!-- bench.duplicates {part}: end -->"
    page = PAGE.read_text("utf-8")
    written, count = re.subn(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)
    if not count:
        raise SystemExit(f"{PAGE} has no place for {part}: {begin}")
    PAGE.write_text(written, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, nargs="?", default=ROOT.parent / "shared" / "corpora")
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter of the environment that holds the peers")
    parser.add_argument("--sources", type=int, default=300, help="pictures that are transformed")
    parser.add_argument("--seed", type=int, default=HELD_OUT, help="of the choice of pictures, crops and tiles")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="new folder for the files and what was found")
    parser.add_argument("--write", action="store_true", help=f"into docs/{PAGE.name}")
    parser.add_argument("--search", type=int, nargs="+", metavar="N", help="measure it in N random hashes instead")
    arguments = parser.parse_args()
    if arguments.search:
        lines = [duplicates_search.report(count) for count in arguments.search]
        lines += [duplicates_lookup.report(count) for count in arguments.search if count <= 1_000_000]
        print(text := "\n\n".join(lines))
        if arguments.write:
            write("search", text)
        return
    if not arguments.corpora.is_dir():
        raise SystemExit(f"skipped: there are no corpora in {arguments.corpora} (docs/corpora.md)")
    for name in CORPORA:
        if not (arguments.corpora / name).is_dir():
            print(f"skipped, not there: {name}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        sys.exit(compare(arguments, (arguments.keep or Path(name)).resolve()))


def compare(arguments: argparse.Namespace, work: Path) -> int:
    """Make the files, ask every tool, print both tables; 1 where a goal is missed."""
    folder = work / "images"
    made = make(arguments.corpora.resolve(), folder, sources=arguments.sources, seed=arguments.seed)
    truth = truth_of(made)
    if not truth.asked.keys() >= GROUPS.keys():
        raise SystemExit(f"skipped: {arguments.corpora} has no picture to transform")
    print(f"{len(made.files):,} files in {folder}", file=sys.stderr)
    found, cost = datalint(folder, work)
    ours = Verdict("datalint", frozenset(found), cost)
    others: list[Verdict] = []
    if arguments.peers:
        others += phash(*peer("imagededup", arguments.peers, folder, work), truth)
        pairs, cost = peer("cleanvision", arguments.peers, folder, work)
        others.append(Verdict("cleanvision", frozenset(pairs), cost))
    head = (
        f"{len(made.files):,} files: {arguments.sources} pictures and {len(TRANSFORMATIONS)} copies of each, "
        f"{made.distractors:,} distractors; {made.plain:,} plain pictures and tiles left out; seed "
        f"{arguments.seed}."
    )
    parts = {
        "table": "\n".join([head, "", *table([ours, *others], truth)]),
        "thresholds": "\n".join(thresholds(found, truth)),
    }
    for part, text in parts.items():
        print(f"{text}\n")
        if arguments.write:
            write(part, text)
    wrong = missed(ours, others, truth, made)
    print("\n".join(f"missed: {line}" for line in wrong) or "all goals hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
