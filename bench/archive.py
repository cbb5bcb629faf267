"""Seconds and memory of reading an archive of many members: `python -m bench.archive [members]`."""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from datalint.dataset.options import Options
from datalint.dataset.webdataset import read
from datalint.source.worktree import open_worktree

_PIXELS = 1_000


def made(path: Path, members: int) -> None:
    """Samples of an image and a label; the bytes of the image are no picture, because none is decoded here."""
    with tarfile.open(path, "w") as archive:
        for number in range(members // 2):
            for suffix, content in (("jpg", bytes(_PIXELS)), ("cls", b"%d" % (number % 1000))):
                about = tarfile.TarInfo(f"train/{number:09}.{suffix}")
                about.size = len(content)
                archive.addfile(about, io.BytesIO(content))


def peak() -> float:
    """MB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    """Print what it took."""
    members = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    if len(sys.argv) > 2:
        made(Path(sys.argv[2]), members)
        return
    with tempfile.TemporaryDirectory() as folder:
        # What the writer holds must not hide what the reader takes.
        subprocess.run([sys.executable, "-m", "bench.archive", str(members), f"{folder}/a.tar"], check=True)
        before, started = peak(), time.process_time()
        found = read(open_worktree(folder), ".", Options())
        seconds = time.process_time() - started
        print(
            f"{members:,} members, {len(found.samples):,} samples: {seconds:.1f} CPU seconds, "
            f"{1e6 * seconds / members:.0f} us a member, {peak() - before:,.0f} MB more than before "
            f"({1e6 * (peak() - before) / len(found.samples):,.0f} bytes a sample)"
        )


if __name__ == "__main__":
    main()
