"""Targets: the catalogue, the user's own, and the local machine under limits of every kind."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from datalint.errors import Position, UsageError
from datalint.sizes import byte_count
from datalint.tables import TABLES
from datalint.target import lookup, profiles
from datalint.target.free import free
from datalint.target.local import detect

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1024**3


def machine(root: Path, files: dict[str, str]) -> str:
    for name, text in {"proc/meminfo": "MemTotal:       16777216 kB\nMemFree: 1 kB\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


V2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


@pytest.mark.parametrize("name", sorted(profiles()))
def test_every_profile_is_complete(name: str) -> None:
    target = lookup(name)
    assert target.name == name
    assert (target.host_memory or target.accelerator_memory or 0) > GIB
    assert target.source
    assert (target.host_memory is None) == (target.cores is None), "a card alone says nothing of its host"
    assert set(profiles()[name].get("unverified", ())) <= profiles()[name].keys() - {"source", "unverified"}
    assert ("unverified" in target.source) == ("unverified" in profiles()[name])
    assert (target.accelerators == 0) == (target.accelerator is None)
    assert (target.accelerator is None) == (target.accelerator_memory is None)
    assert list(target.row().columns) == [column.name for column in TABLES["target"].columns]


def test_a_custom_target_wins_over_the_catalogue() -> None:
    custom = {
        "local": {"host_memory": "1.5 GiB", "cores": 2.0},
        "gpu": {"host_memory": 5, "accelerator_memory": "1 MB"},
    }
    mine, gpu = lookup("local", custom), lookup("gpu", custom)
    assert (mine.host_memory, mine.cores, mine.accelerators, mine.source) == (
        3 * GIB // 2,
        2,
        0,
        "configuration",
    )
    assert (gpu.accelerator_memory, gpu.accelerators) == (1_000_000, 1)


def test_an_unknown_target_is_an_error_with_all_names() -> None:
    with pytest.raises(UsageError) as caught:
        lookup("colab-free-t5", {"mine": {"host_memory": 1}}, position=Position("datalint.yaml", 3, 9))
    assert str(caught.value) == "datalint.yaml:3:9: unknown target 'colab-free-t5'"
    assert caught.value.hint.startswith("did you mean 'colab-free-t4'? known: ")
    assert "mine" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        lookup("zzz")
    assert caught.value.hint.startswith("known: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (7, 7),
        ("7 B", 7),
        ("1 KiB", 1024),
        ("1kB", 1000),
        ("1.5 GiB", 3 * GIB // 2),
        ("2 TB", 2 * 10**12),
        ("1 MiB", 2**20),
    ],
)
def test_sizes(text: int | str, expected: int) -> None:
    assert byte_count(text) == expected


@pytest.mark.parametrize("text", ["", "1", "1 gb", "GiB", "-1 GiB", "1 GiB "])
def test_what_is_not_a_size(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        byte_count(text)


def test_without_limits_the_machine_s_memory_counts(tmp_path: Path) -> None:
    target = detect(root=machine(tmp_path, {}), environ={})
    assert (target.host_memory, target.source) == (16 * GIB, "detected (host memory: MemTotal)")
    assert (target.accelerator, target.accelerators, target.shm) == (None, 0, None)
    assert target.disk


def test_without_proc_the_system_is_asked(tmp_path: Path) -> None:
    found = detect(root=str(tmp_path), environ={})
    assert found.host_memory is not None
    assert found.host_memory <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert "MemTotal" not in (found.source or "")


def test_v2_limits_of_every_ancestor_count(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/a/b/c\n",
        "proc/self/mountinfo": V2,
        "sys/fs/cgroup/a/b/c/memory.max": "max\n",
        "sys/fs/cgroup/a/memory.max": f"{3 * GIB}\n",
        "sys/fs/cgroup/a/b/memory.max": f"{5 * GIB}\n",
        "sys/fs/cgroup/a/b/cpu.max": "150000 100000\n",
        "sys/fs/cgroup/a/cpu.max": "max 100000\n",
    }
    target = detect(root=machine(tmp_path, files), environ={})
    assert (target.host_memory, target.source) == (3 * GIB, "detected (host memory: cgroup memory.max)")
    assert target.cores == 1


def test_v1_limits_count_and_no_limit_does_not(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "5:cpuacct,cpu:/x\n4:memory:/x/y\n0::/\n",
        "proc/self/mountinfo": V1,
        "sys/fs/cgroup/memory/x/y/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/x/memory.limit_in_bytes": f"{2 * GIB}\n",
        "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "100000\n",
        "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n",
    }
    target = detect(root=machine(tmp_path, files), environ={})
    assert (target.host_memory, target.cores) == (2 * GIB, 1)
    (tmp_path / "sys/fs/cgroup/memory/x/memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert detect(root=str(tmp_path), environ={}).host_memory == 16 * GIB


def test_a_container_that_sees_the_host_s_path_finds_its_own_limit(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "4:memory:/docker/abc\n",
        "proc/self/mountinfo": "33 31 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIB}\n",
    }
    assert detect(root=machine(tmp_path, files), environ={}).host_memory == GIB
    (tmp_path / "proc/self/cgroup").write_text("4:memory:/elsewhere\n")
    assert detect(root=str(tmp_path), environ={}).host_memory == GIB


def test_a_quota_below_one_core_is_one_core(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/\n",
        "proc/self/mountinfo": V2,
        "sys/fs/cgroup/cpu.max": "5000 100000\n",
    }
    assert detect(root=machine(tmp_path, files), environ={}).cores == 1


@pytest.mark.parametrize("name", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_process_counts(name: str) -> None:
    pytest.importorskip("resource")
    script = (
        f"import resource; resource.setrlimit(resource.{name}, (2**30, 2**30));"
        "from datalint.target import lookup; target = lookup('local');"
        "print(target.host_memory, target.source)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == f"1073741824 detected (host memory: {name})"


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, 2),
        ("", 0),
        ("0", 1),
        ("1,0", 2),
        ("1,7,0", 1),
        ("-1", 0),
        ("GPU-aaaa", 1),
        ("GPU-a,GPU-b,GPU-c", 2),
        ("GPU-c,GPU-a", 0),
    ],
)
def test_devices_are_those_that_cuda_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str | None, expected: int
) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nprintf 'NVIDIA T4, 15109, GPU-aaaa, [N/A]\\nNVIDIA T4, 15100, GPU-bbbb, [N/A]\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    root = machine(tmp_path, {"proc/driver/nvidia/gpus/0000:00:04.0/information": "Model: \t NVIDIA T4\n"})
    target = detect(root=root, environ={} if chosen is None else {"CUDA_VISIBLE_DEVICES": chosen})
    assert target.accelerators == expected
    assert target.accelerator == ("NVIDIA T4" if expected else None)
    if chosen is None:
        assert target.accelerator_memory == 15100 * 1024**2


MIG = """#!/bin/sh
case "$1" in
-L) printf 'GPU 0: NVIDIA A100 (UUID: GPU-a)\\n  MIG 3g.20gb     Device  0: (UUID: MIG-11)\\n'
    printf '  MIG 1g.5gb+me  Device  1: (UUID: MIG-22)\\nGPU 1: NVIDIA A100 (UUID: GPU-b)\\n' ;;
*) printf 'NVIDIA A100, 40960, GPU-a, Enabled\\nNVIDIA A100, 40960, GPU-b, Disabled\\n' ;;
esac
"""


@pytest.mark.parametrize(
    ("chosen", "name", "memory"),
    [
        (None, "NVIDIA A100 MIG 3g.20gb", 20 * 10**9),
        ("MIG-22", "NVIDIA A100 MIG 1g.5gb+me", 5 * 10**9),
        ("2", "NVIDIA A100", 40960 * 1024**2),
    ],
)
def test_a_sliced_gpu_has_the_memory_of_its_slice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str | None, name: str, memory: int
) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(MIG)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    root = machine(tmp_path, {"proc/driver/nvidia/gpus/0/information": "Model: NVIDIA A100\n"})
    found = detect(root=root, environ={} if chosen is None else {"CUDA_VISIBLE_DEVICES": chosen})
    assert (found.accelerators, found.accelerator, found.accelerator_memory) == (1, name, memory)


def test_an_old_driver_is_asked_again_without_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\ncase "$1" in *mig*) exit 2;; esac\nprintf "NVIDIA P100, 16276, GPU-a\\n"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    root = machine(tmp_path, {"proc/driver/nvidia/gpus/0/information": "Model: NVIDIA P100\n"})
    assert detect(root=root, environ={}).accelerator_memory == 16276 * 1024**2


def test_cards_of_amd_tell_their_own_memory(tmp_path: Path) -> None:
    files = {
        "sys/class/drm/card1/device/mem_info_vram_total": "8573157376\n",
        "sys/class/drm/card0/device/vendor": "0x8086\n",
        "sys/class/drm/card1-DP-1/status": "connected\n",
    }
    found = detect(root=machine(tmp_path, files), environ={})
    assert (found.accelerator, found.accelerators, found.accelerator_memory) == ("AMD GPU", 1, 8573157376)


@pytest.mark.parametrize(
    ("environ", "memory", "source"),
    [
        ({"SLURM_MEM_PER_NODE": "4096"}, 4 * GIB, "SLURM_MEM_PER_NODE"),
        ({"SLURM_MEM_PER_CPU": "2048", "SLURM_CPUS_ON_NODE": "3"}, 6 * GIB, "SLURM_MEM_PER_CPU"),
        ({"SLURM_MEM_PER_GPU": "2048", "SLURM_GPUS_ON_NODE": "2"}, 4 * GIB, "SLURM_MEM_PER_GPU"),
        ({"SLURM_MEM_PER_GPU": "2048"}, 16 * GIB, "MemTotal"),
        ({"SLURM_MEM_PER_NODE": "0"}, 16 * GIB, "MemTotal"),
        ({"SLURM_MEM_PER_NODE": "65536"}, 16 * GIB, "MemTotal"),
        ({"SLURM_MEM_PER_CPU": "2048"}, 16 * GIB, "MemTotal"),
    ],
)
def test_what_a_slurm_job_asked_for_counts(tmp_path: Path, environ: dict[str, str], memory: int, source: str) -> None:
    target = detect(root=machine(tmp_path, {}), environ=environ)
    assert (target.host_memory, target.source) == (memory, f"detected (host memory: {source})")


def test_without_the_tool_the_driver_s_files_name_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    root = machine(tmp_path, {"proc/driver/nvidia/gpus/0000:00:04.0/information": "Model: \t Tesla T4\nIRQ: 1\n"})
    target = detect(root=root, environ={})
    assert (target.accelerator, target.accelerator_memory, target.accelerators) == ("Tesla T4", None, 1)


def test_the_local_machine_is_found() -> None:
    target = lookup("local")
    assert target.name == "local"
    assert target.cores
    assert target.host_memory is None or target.host_memory > 2**20


def test_what_is_free_is_the_least_that_is_left(tmp_path: Path) -> None:
    meminfo = "MemTotal:       16777216 kB\nMemFree: 1 kB\nMemAvailable:   8388608 kB\n"
    root = machine(tmp_path, {"proc/meminfo": meminfo})
    assert free(root=root) == 8 * GIB
    limited = {
        "proc/meminfo": meminfo,
        "proc/self/cgroup": "0::/job\n",
        "proc/self/mountinfo": V2,
        "sys/fs/cgroup/job/memory.max": str(6 * GIB),
        "sys/fs/cgroup/job/memory.current": str(5 * GIB),
        "sys/fs/cgroup/job/memory.stat": f"anon {2 * GIB}\ninactive_file {3 * GIB}\n",
    }
    # Files that nobody looks at are given back.
    assert free(root=machine(tmp_path, limited)) == 4 * GIB
    unlimited = {**limited, "sys/fs/cgroup/job/memory.max": "max"}
    assert free(root=machine(tmp_path, unlimited)) == 8 * GIB


def test_what_is_free_of_a_first_cgroup_hierarchy(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "2:memory:/\n1:cpu,cpuacct:/\n",
        "proc/self/mountinfo": V1,
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(2 * GIB),
        "sys/fs/cgroup/memory/memory.usage_in_bytes": str(2 * GIB),
        "sys/fs/cgroup/memory/memory.stat": "inactive_file 5\ntotal_inactive_file 7\n",
    }
    assert free(root=machine(tmp_path, files)) == 7
