"""The brink is real: a little less than what is predicted kills, a little more lets it finish."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from datalint.footprint.array import array_stages
from datalint.footprint.images import Images
from datalint.footprint.recipe import Recipe
from tests.conftest import ROOT, memory_cgroup

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 224
ARRAY = Recipe(loader="sequence", array_build="list", input_height=SIDE, input_width=SIDE, batch=1)
IMAGES = Images(train=2000)

pytestmark = pytest.mark.slow

# What the process has already (code, libraries, threads) is granted, and what is predicted on top of it. RLIMIT_DATA
# counts what is asked for, so allocating fails; a memory cgroup counts what is touched, so the kernel kills.
_CHILD = """
import json, os, resource, sys
job = json.loads(sys.argv[1])
if job["cgroup"]:
    with open(job["cgroup"] + "/cgroup.procs", "w") as file:
        file.write(str(os.getpid()))
from bench import workload
from datalint.footprint.recipe import Recipe
recipe = Recipe(**job["recipe"])
workload.warm_up(recipe, fit=job["fit"])
name = "RssAnon:" if job["cgroup"] else "VmData:"
[held] = [line for line in open("/proc/self/status") if line.startswith(name)]
limit = int(held.split()[1]) * 1024 + job["bytes"]
if job["cgroup"]:
    with open(job["cgroup"] + "/memory.limit_in_bytes", "w") as file:
        file.write(str(limit))
else:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
if job["fit"]:
    workload.run_array(recipe, train=job["train"], val=0, call="fit")
else:
    workload.build_array(recipe, job["train"])
print("finished")
"""


def finishes(recipe: Recipe, share: float, *, fit: bool = False, cgroup: Path | None = None) -> bool:
    """Whether it runs with that share of the predicted bytes; False only where memory ran out."""
    predicted = sum(stage.size for stage in array_stages(recipe, IMAGES) if fit or stage.name != "batches")
    job = {
        "recipe": asdict(recipe),
        "train": IMAGES.train,
        "bytes": round(share * predicted),
        "fit": fit,
        "cgroup": str(cgroup or ""),
    }
    run = subprocess.run(
        [sys.executable, "-c", _CHILD, json.dumps(job)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if run.returncode == 0:
        assert run.stdout.strip().endswith("finished")
        return True
    assert run.returncode == -signal.SIGKILL if cgroup else "MemoryError" in run.stderr, run.stderr[-2000:]
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts mapped memory on Linux alone")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"dtype": "uint8"}, marks=pytest.mark.exhaustive),
        {"dtype": "float32"},
        pytest.param({"array_build": "preallocated"}, marks=pytest.mark.exhaustive),
        {"array_scale": "divide"},
        pytest.param({"array_scale": "cast_and_divide"}, marks=pytest.mark.exhaustive),
        pytest.param({"array_scale": "divide_uint8", "dtype": "float64"}, marks=pytest.mark.exhaustive),
    ],
    ids=lambda change: " ".join(map(str, change.values())),
)
def test_building_an_array(change: dict[str, str]) -> None:
    recipe = replace(ARRAY, **change)  # type: ignore[arg-type]
    assert [finishes(recipe, 0.98), finishes(recipe, 1.02)] == [False, True]


@pytest.mark.exhaustive
@pytest.mark.tensorflow
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float16"])
def test_fit(dtype: str) -> None:
    pytest.importorskip("tensorflow", reason="the tensorflow extra is not installed")
    recipe = replace(ARRAY, loader="array", array_build="preallocated", dtype=dtype)
    outcomes = []
    for share in (0.90, 1.10):
        with memory_cgroup() as folder:
            outcomes.append(finishes(recipe, share, fit=True, cgroup=folder))
    assert outcomes == [False, True]
