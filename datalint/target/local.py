"""What this process may really use: the least of what the machine has and its limits and cgroups allow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.target import LOCAL, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# cgroup v1 writes "no limit" as the largest multiple of the page size (4 to 64 KiB) below 2^63.
_V1_UNLIMITED = 0x7FFF_FFFF_FFFF_0000
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure and where it was read."""

    value: int
    source: str


def detect(*, root: str = "/", environ: Mapping[str, str] = os.environ) -> Target:
    """The machine as this process, maybe in a container, sees it; `root` stands for `/` in files read."""
    memory = min(_memory_limits(root), key=lambda limit: limit.value, default=None)
    accelerators = _accelerators(root, environ)
    return Target(
        name=LOCAL,
        host_memory=memory.value if memory else None,
        shm=_shm(os.path.join(root, "dev/shm")),
        disk=shutil.disk_usage(os.curdir).free,
        cores=_cores(root),
        accelerator=accelerators[0][0] if accelerators else None,
        accelerator_memory=_least(size for _, size in accelerators),
        accelerators=len(accelerators),
        source=f"detected (host memory: {memory.source})" if memory else "detected (host memory: unknown)",
    )


def _memory_limits(root: str) -> Iterator[Limit]:
    total = re.search(r"^MemTotal:\s+(\d+) kB", _text(root, "proc/meminfo"), re.MULTILINE)
    if total:
        yield Limit(int(total[1]) * 1024, "MemTotal")
    elif "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        yield Limit(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "physical memory")
    for folder, version in _cgroups(root, "memory"):
        name = "memory.max" if version == 2 else "memory.limit_in_bytes"
        limit = _number(folder, name)
        if limit is not None and limit < _V1_UNLIMITED:
            yield Limit(limit, f"cgroup {name}")
    yield from _address_space()


def _address_space() -> Iterator[Limit]:
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield Limit(soft, "RLIMIT_AS")


def _cores(root: str) -> int | None:
    """Allowed cores: the affinity mask and every cgroup's quota, rounded down but at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    counts = [len(affinity(0)) if affinity else os.cpu_count()]
    for folder, version in _cgroups(root, "cpu"):
        if version == 2:
            quota, _, period = _text(folder, "cpu.max").strip().partition(" ")
        else:
            quota, period = (_text(folder, f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            counts.append(max(1, int(quota) // int(period)))
    return _least(counts)


def _cgroups(root: str, controller: str) -> Iterator[tuple[str, int]]:
    """Folders of this process's cgroup and all its ancestors, with the version of the hierarchy.

    A limit may stand at any ancestor. Without a cgroup namespace the process's path is the host's, and only
    the part below the mount's own root (field 4 of mountinfo) is to be seen here.
    """
    own: dict[str, str] = {}
    for line in _text(root, "proc/self/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            own[name] = path
    for line in _text(root, "proc/self/mountinfo").splitlines():
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


def _accelerators(root: str, environ: Mapping[str, str]) -> list[tuple[str, int | None]]:
    """Model and bytes of each NVIDIA device that CUDA may use; without a driver this costs one look-up."""
    folder = os.path.join(root, "proc/driver/nvidia/gpus")
    if not os.path.isdir(folder):
        return []
    return _visible(_ask_driver() or _from_driver_files(folder), environ.get("CUDA_VISIBLE_DEVICES"))


def _ask_driver() -> list[tuple[str, int | None]]:
    """What `nvidia-smi` says (it sees what a container was given); empty when absent, broken or slow."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return []
    rows = (line.rpartition(",") for line in answer.stdout.splitlines() if line.strip())
    return [(name.strip(), int(size) * _MIB if size.strip().isdigit() else None) for name, _, size in rows]


def _from_driver_files(folder: str) -> list[tuple[str, int | None]]:
    """Model names alone: the driver's files do not tell the memory."""
    texts = (_text(folder, f"{name}/information") for name in _names(folder))
    models = (re.search(r"^Model:\s*(.+)$", text, re.MULTILINE) for text in texts)
    return [(model[1].strip() if model else "NVIDIA", None) for model in models]


def _visible(devices: list[tuple[str, int | None]], chosen: str | None) -> list[tuple[str, int | None]]:
    """CUDA stops at the first index that does not exist; UUIDs are counted, not resolved."""
    if chosen is None:
        return devices
    words = [word.strip() for word in chosen.split(",") if word.strip()]
    if not all(word.lstrip("-").isdigit() for word in words):
        return devices[: len(words)]
    visible = []
    for word in words:
        if not 0 <= int(word) < len(devices):
            break
        visible.append(devices[int(word)])
    return visible


def _shm(folder: str) -> int | None:
    try:
        state = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    return state.f_blocks * state.f_frsize


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _number(folder: str, name: str) -> int | None:
    text = _text(folder, name).strip()
    return int(text) if text.isdigit() else None


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _text(folder: str, name: str) -> str:
    """Content of a small file; empty when it cannot be read."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
