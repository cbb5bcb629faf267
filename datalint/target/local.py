"""What this process may really use: the least of what the machine has and its limits and cgroups allow."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from datalint import limits
from datalint.target import LOCAL, Target
from datalint.target.devices import accelerators

if TYPE_CHECKING:
    from collections.abc import Mapping


def detect(*, root: str = "/", environ: Mapping[str, str] = os.environ) -> Target:
    """The machine as this process, maybe in a container, sees it; `root` stands for `/` in files read."""
    memory = min(limits.memory(root, environ), key=lambda limit: limit.value, default=None)
    devices = accelerators(root, environ)
    return Target(
        name=LOCAL,
        host_memory=memory.value if memory else None,
        shm=_shm(os.path.join(root, "dev/shm")),
        disk=shutil.disk_usage(os.curdir).free,
        cores=limits.cores(root),
        accelerator=devices[0].name if devices else None,
        accelerator_memory=limits.least(device.memory for device in devices),
        accelerators=len(devices),
        source=f"detected (host memory: {memory.source})" if memory else "detected (host memory: unknown)",
    )


def _shm(folder: str) -> int | None:
    try:
        state = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    return state.f_blocks * state.f_frsize
