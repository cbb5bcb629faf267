"""What this process may take of its machine, by every limit that anybody set: memory and cores."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from datalint.system import number, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MIB = 2**20
# cgroup v1 writes "no limit" as the largest multiple of the page size (4 to 64 KiB) below 2^63.
_V1_UNLIMITED = 0x7FFF_FFFF_FFFF_0000


class Limit(NamedTuple):
    """A figure and where it was read."""

    value: int
    source: str


def memory(root: str, environ: Mapping[str, str]) -> Iterator[Limit]:
    """Every limit of the host memory in bytes; the least of them holds."""
    total = re.search(r"^MemTotal:\s+(\d+) kB", text(root, "proc/meminfo"), re.MULTILINE)
    if total:
        yield Limit(int(total[1]) * 1024, "MemTotal")
    elif "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        yield Limit(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "physical memory")
    for folder, version in cgroups(root, "memory"):
        name = "memory.max" if version == 2 else "memory.limit_in_bytes"
        limit = number(folder, name)
        if limit is not None and limit < _V1_UNLIMITED:
            yield Limit(limit, f"cgroup {name}")
    yield from _process_limits()
    yield from _slurm(environ)


def _process_limits() -> Iterator[Limit]:
    try:
        import resource
    except ImportError:  # Windows
        return
    for name in ("RLIMIT_AS", "RLIMIT_DATA"):
        soft, _ = resource.getrlimit(getattr(resource, name))
        if soft != resource.RLIM_INFINITY:
            yield Limit(soft, name)


_SLURM_SHARES = (("SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE"), ("SLURM_MEM_PER_GPU", "SLURM_GPUS_ON_NODE"))


def _slurm(environ: Mapping[str, str]) -> Iterator[Limit]:
    """What the job asked for, in MiB; 0 is all of the node (sbatch, --mem, --mem-per-cpu and --mem-per-gpu)."""
    node = environ.get("SLURM_MEM_PER_NODE", "")
    if node.isdigit() and int(node):
        yield Limit(int(node) * MIB, "SLURM_MEM_PER_NODE")
    for share, number_of in _SLURM_SHARES:
        each, count = environ.get(share, ""), environ.get(number_of, "")
        if each.isdigit() and int(each) and count.isdigit():
            yield Limit(int(each) * int(count) * MIB, share)


def cores(root: str) -> int | None:
    """Allowed cores: the affinity mask and every cgroup's quota, rounded down but at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    counts = [len(affinity(0)) if affinity else os.cpu_count()]
    for folder, version in cgroups(root, "cpu"):
        if version == 2:
            quota, _, period = text(folder, "cpu.max").strip().partition(" ")
        else:
            quota, period = (text(folder, f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            counts.append(max(1, int(quota) // int(period)))
    return least(counts)


def cgroups(root: str, controller: str) -> Iterator[tuple[str, int]]:
    """Folders of this process's cgroup and all its ancestors, with the version of the hierarchy.

    A limit may stand at any ancestor. Without a cgroup namespace the process's path is the host's, and only
    the part below the mount's own root (field 4 of mountinfo) is to be seen here.
    """
    own: dict[str, str] = {}
    for line in text(root, "proc/self/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            own[name] = path
    for line in text(root, "proc/self/mountinfo").splitlines():
        head, _, tail = line.partition(" - ")
        fields, kind = head.split(), tail.split()
        if kind[:1] == ["cgroup2"]:
            version, path = 2, own.get("", "/")
        elif kind[:1] == ["cgroup"] and controller in kind[-1].split(","):
            version, path = 1, own.get(controller, "/")
        else:
            continue
        mount_root, mount = fields[3], os.path.join(root, fields[4].lstrip("/"))
        below = os.path.relpath(path, mount_root)
        folder = mount if below.startswith("..") else os.path.normpath(os.path.join(mount, below))
        while True:
            yield folder, version
            if folder == mount or len(folder) <= len(mount):
                break
            folder = os.path.dirname(folder)


def least(values: Iterable[int | None]) -> int | None:
    """Of those that are known; None where none is."""
    return min((value for value in values if value is not None), default=None)
