"""What this process may really use: the least of what the machine has and its limits and cgroups allow."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.target import LOCAL, Target
from datalint.target.devices import MIB, accelerators
from datalint.target.system import number, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# cgroup v1 writes "no limit" as the largest multiple of the page size (4 to 64 KiB) below 2^63.
_V1_UNLIMITED = 0x7FFF_FFFF_FFFF_0000


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure and where it was read."""

    value: int
    source: str


def detect(*, root: str = "/", environ: Mapping[str, str] = os.environ) -> Target:
    """The machine as this process, maybe in a container, sees it; `root` stands for `/` in files read."""
    memory = min(_memory_limits(root, environ), key=lambda limit: limit.value, default=None)
    devices = accelerators(root, environ)
    return Target(
        name=LOCAL,
        host_memory=memory.value if memory else None,
        shm=_shm(os.path.join(root, "dev/shm")),
        disk=shutil.disk_usage(os.curdir).free,
        cores=_cores(root),
        accelerator=devices[0].name if devices else None,
        accelerator_memory=_least(device.memory for device in devices),
        accelerators=len(devices),
        source=f"detected (host memory: {memory.source})" if memory else "detected (host memory: unknown)",
    )


def free_memory(*, root: str = "/") -> int | None:
    """Bytes of host memory that this process may take now; None where the system does not tell."""
    available = re.search(r"^MemAvailable:\s+(\d+) kB", text(root, "proc/meminfo"), re.MULTILINE)
    free = [int(available[1]) * 1024] if available else []
    for folder, version in _cgroups(root, "memory"):
        limit, used = (
            number(folder, name) for name in (("memory.max", "memory.current") if version == 2 else _V1_FILES)
        )
        if limit is not None and used is not None and limit < _V1_UNLIMITED:
            # What is cached of files is given back before anything is killed.
            cached = re.search(r"^(?:total_)?inactive_file (\d+)$", text(folder, "memory.stat"), re.MULTILINE)
            free.append(max(0, limit - used + (int(cached[1]) if cached else 0)))
    free += [limit.value for limit in _process_limits()]
    return _least(free)


_V1_FILES = ("memory.limit_in_bytes", "memory.usage_in_bytes")


def _memory_limits(root: str, environ: Mapping[str, str]) -> Iterator[Limit]:
    total = re.search(r"^MemTotal:\s+(\d+) kB", text(root, "proc/meminfo"), re.MULTILINE)
    if total:
        yield Limit(int(total[1]) * 1024, "MemTotal")
    elif "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        yield Limit(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "physical memory")
    for folder, version in _cgroups(root, "memory"):
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


def _slurm(environ: Mapping[str, str]) -> Iterator[Limit]:
    """What the job asked for, in MiB; 0 is all of the node (sbatch, --mem and --mem-per-cpu)."""
    node, each = environ.get("SLURM_MEM_PER_NODE", ""), environ.get("SLURM_MEM_PER_CPU", "")
    if node.isdigit() and int(node):
        yield Limit(int(node) * MIB, "SLURM_MEM_PER_NODE")
    cores = environ.get("SLURM_CPUS_ON_NODE", "")
    if each.isdigit() and int(each) and cores.isdigit():
        yield Limit(int(each) * int(cores) * MIB, "SLURM_MEM_PER_CPU")


def _cores(root: str) -> int | None:
    """Allowed cores: the affinity mask and every cgroup's quota, rounded down but at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    counts = [len(affinity(0)) if affinity else os.cpu_count()]
    for folder, version in _cgroups(root, "cpu"):
        if version == 2:
            quota, _, period = text(folder, "cpu.max").strip().partition(" ")
        else:
            quota, period = (text(folder, f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            counts.append(max(1, int(quota) // int(period)))
    return _least(counts)


def _cgroups(root: str, controller: str) -> Iterator[tuple[str, int]]:
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


def _shm(folder: str) -> int | None:
    try:
        state = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    return state.f_blocks * state.f_frsize


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)
