"""Run commands in turn and compare the CPU seconds of their whole process trees."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Contestant:
    """`command` is run as it stands; `standard_input` is the path of a file or None."""

    name: str
    command: Sequence[str]
    standard_input: str | None = None
    cwd: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU and wall in seconds. No peak of memory: Linux counts that of the parent before the exec into ru_maxrss."""

    cpu: float
    wall: float
    code: int


def once(contestant: Contestant) -> Reading:
    """One run; the operating system's own account of the finished tree (wait4)."""
    source = open(contestant.standard_input, "rb") if contestant.standard_input else subprocess.DEVNULL  # noqa: SIM115
    started = time.monotonic()
    process = subprocess.Popen(
        contestant.command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=contestant.cwd
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    if not isinstance(source, int):
        source.close()
    return Reading(usage.ru_utime + usage.ru_stime, wall, process.returncode)


_SPY = """
import json, resource, subprocess, sys, time
started = time.monotonic()
code = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, time.monotonic() - started, code, used.ru_maxrss]))
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """`peak`: bytes of memory of the largest process of the tree."""

    reading: Reading
    peak: int


def watched(command: Sequence[str]) -> Watched:
    """One run below a process so small that its own memory, which Linux counts too, is less than any of theirs.

    Raises SystemExit with the end of what it wrote where its exit code is not 0.
    """
    done = subprocess.run([sys.executable, "-c", _SPY, *command], capture_output=True, text=True, check=True)
    cpu, wall, code, kilobytes = json.loads(done.stdout)
    if code:
        raise SystemExit(f"{command[0]} gave {code}: {done.stderr[-2000:]}")
    return Watched(Reading(cpu, wall, code), kilobytes * 1024)


def rounds(contestants: Sequence[Contestant], *, count: int) -> dict[str, list[Reading]]:
    """A B C A B C ...: drift of the machine falls on all alike. The first round warms up and is not counted."""
    readings: dict[str, list[Reading]] = {contestant.name: [] for contestant in contestants}
    for number in range(count + 1):
        for contestant in contestants:
            reading = once(contestant)
            if number:
                readings[contestant.name].append(reading)
            print(f"\rround {number}/{count} {contestant.name:<40}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return readings


def table(readings: Mapping[str, Sequence[Reading]], *, base: str) -> str:
    """Markdown: medians, and each CPU time as a ratio to the base (median of the ratios within each round)."""
    lines = ["| what | CPU s | wall s | CPU ratio | exit |", "|---|---|---|---|---|"]
    for name, runs in readings.items():
        ratios = [run.cpu / own.cpu for run, own in zip(runs, readings[base], strict=True)]
        lines.append(
            f"| {name} | {statistics.median(run.cpu for run in runs):.2f} "
            f"| {statistics.median(run.wall for run in runs):.2f} "
            f"| {statistics.median(ratios):.2f} | {runs[-1].code} |"
        )
    return "\n".join(lines)


def ratio(readings: Mapping[str, Sequence[Reading]], numerator: str, denominator: str) -> float:
    """Median over rounds of CPU(numerator) / CPU(denominator)."""
    pairs = zip(readings[numerator], readings[denominator], strict=True)
    return statistics.median(one.cpu / other.cpu for one, other in pairs)
