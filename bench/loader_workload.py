"""One PyTorch DataLoader, run for real: `python bench/loader_workload.py JOB` prints its peaks in bytes.

Needs torch, numpy and Pillow and nothing of this repository, so any environment that has them can run it. What counts
is the whole process tree: private memory by PSS, and all that is used of /dev/shm, whether somebody maps it or not.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

PAUSE = 1
"""Step at which training pauses, as it does for a validation or a checkpoint, until every queue is full."""
_PATIENCE = 4.0
"""Seconds in which nothing may grow any more."""
_LONGEST = 90.0
_EVERY = 15
"""Readings of /dev/shm for one of the processes' memory, which takes longer."""


class Watch:
    """A thread that looks at /dev/shm every two milliseconds and at the processes now and then."""

    def __init__(self) -> None:
        self.base, self.shm, self.memory, self.running = used(), 0, 0, True
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        turn = 0
        while self.running:
            shm = used() - self.base
            self.shm = max(self.shm, shm)
            if turn % _EVERY == 0:
                self.memory = max(self.memory, private() + shm)
            turn += 1
            time.sleep(0.002)

    def wait_until_full(self) -> None:
        started = since = time.monotonic()
        shm, memory = self.shm, self.memory
        while time.monotonic() - since < _PATIENCE and time.monotonic() - started < _LONGEST:
            time.sleep(0.05)
            if self.shm > shm or self.memory > memory + (1 << 20):
                shm, memory, since = self.shm, self.memory, time.monotonic()

    def stop(self) -> None:
        self.running = False
        self.thread.join()


def used() -> int:
    """Bytes of /dev/shm."""
    status = os.statvfs("/dev/shm")
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def tree(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += tree(int(child))
    except OSError:
        pass
    return found


def private(*, anonymous: bool = False) -> int:
    """Bytes of the process tree without shared memory; `anonymous`: without pages of files too."""
    total = 0
    for pid in tree(os.getpid()):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {words[0]: int(words[1]) for words in map(str.split, lines[1:])}
        total += sizes["Pss_Anon:"] if anonymous else sizes["Pss:"] - sizes["Pss_Shmem:"]
    return total * 1024


def main() -> None:
    job = json.loads(sys.argv[1])
    import numpy as np
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    torch.set_num_threads(1)
    names = sorted(str(path) for path in Path(job["folder"]).iterdir())
    side, workers = job["side"], job["workers"]

    class Pictures(Dataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return int(job["samples"])

        def __getitem__(self, index: int) -> Any:
            image = Image.open(names[index % len(names)]).convert("RGB").resize((side, side))
            values = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
            return (values.float().div_(255) if job["dtype"] == "float32" else values), 1

    torch.zeros(8).sum()
    started, started_anonymous = private(), private(anonymous=True)
    watch = Watch()
    more = {"prefetch_factor": job["prefetch_factor"]} if workers else {}
    loader = DataLoader(Pictures(), batch_size=job["batch"], shuffle=True, num_workers=workers, **more)
    for number, (images, _) in enumerate(loader):
        if job["consumer"] == "draining":
            # What the thread of `pin_memory` does: it copies a batch as soon as it is there, and lets it go.
            copied = images.clone()
            del images, _, copied
            continue
        float(images.flatten()[0])
        if job["consumer"] == "pausing" and number == PAUSE:
            watch.wait_until_full()
    watch.stop()
    print(
        json.dumps(
            {
                "shm": watch.shm,
                "host": watch.memory,
                "started": started,
                "started_anonymous": started_anonymous,
                "torch": torch.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
