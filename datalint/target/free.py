"""Host memory that is free at this moment: what may be taken without anybody having to give."""

from __future__ import annotations

import re

from datalint.limits import cgroups
from datalint.system import number, text
from datalint.target.local import detect


def free(*, root: str = "/") -> int | None:
    """Bytes: the least of what the machine and every cgroup have left; None where nobody knows.

    `root` stands for `/` in files read. What is left of a cgroup counts the files that it has in memory as free.
    """
    left = [limit] if (limit := detect(root=root).usable) is not None else []
    available = re.search(r"^MemAvailable:\s+(\d+) kB", text(root, "proc/meminfo"), re.MULTILINE)
    if available:
        left.append(int(available[1]) * 1024)
    for folder, version in cgroups(root, "memory"):
        limits, used = ("max", "current") if version == 2 else ("limit_in_bytes", "usage_in_bytes")
        most, now = number(folder, f"memory.{limits}"), number(folder, f"memory.{used}")
        if most is not None and now is not None:
            left.append(max(0, most - now + _files(folder, version)))
    return min(left, default=None)


def _files(folder: str, version: int) -> int:
    """Bytes of files in memory that nobody has used lately."""
    name = "inactive_file" if version == 2 else "total_inactive_file"
    found = re.search(rf"^{name} (\d+)$", text(folder, "memory.stat"), re.MULTILINE)
    return int(found[1]) if found else 0
