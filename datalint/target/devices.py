"""Accelerators that a process on this machine may use."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.system import names, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MIB = 1024 * 1024
# A line of `nvidia-smi -L` below its GPU: "  MIG 3g.20gb     Device  0: (UUID: MIG-...)".
_SLICE = re.compile(r"^\s+MIG (\S*?\.(\d+)gb\S*)\s+Device\s+\d+: \(UUID: (\S+)\)")
_GPU = re.compile(r"^GPU \d+: .*\(UUID: (\S+)\)")


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU, or a slice of one; memory in bytes, None where nobody tells."""

    name: str
    memory: int | None = None
    uuid: str = ""


def accelerators(root: str, environ: Mapping[str, str]) -> list[Device]:
    """What CUDA may use, else the cards of AMD's driver; without a driver this costs one look-up."""
    folder = os.path.join(root, "proc/driver/nvidia/gpus")
    if os.path.isdir(folder):
        return _visible(_ask_driver() or _from_driver_files(folder), environ.get("CUDA_VISIBLE_DEVICES"))
    return _amd(os.path.join(root, "sys/class/drm"))


def _ask_driver() -> list[Device]:
    """What `nvidia-smi` says (it sees what a container was given); empty when absent, broken or slow.

    A driver older than MIG does not know that field and refuses the whole question.
    """
    answer = _smi("--query-gpu=name,memory.total,uuid,mig.mode.current", "--format=csv,noheader,nounits")
    answer = answer or _smi("--query-gpu=name,memory.total,uuid", "--format=csv,noheader,nounits")
    devices: list[Device] = []
    slices: dict[str, list[Device]] | None = None
    for line in answer.splitlines():
        if not line.strip():
            continue
        name, size, uuid, *mode = [*(cell.strip() for cell in line.split(",")), "", ""]
        whole = Device(name, int(size) * MIB if size.isdigit() else None, uuid)
        if mode[0] != "Enabled":
            devices.append(whole)
            continue
        slices = _slices() if slices is None else slices
        # In this mode nothing runs on the whole GPU, and one process gets one slice of it.
        devices += [Device(f"{name} {part.name}", part.memory, part.uuid) for part in slices.get(uuid, ())]
    return devices


def _slices() -> dict[str, list[Device]]:
    """UUID of a GPU -> its MIG devices. Their names tell the memory in GB."""
    found: dict[str, list[Device]] = {}
    parts: list[Device] = []
    for line in _smi("-L").splitlines():
        if gpu := _GPU.match(line):
            parts = found.setdefault(gpu[1], [])
        elif part := _SLICE.match(line):
            parts.append(Device(f"MIG {part[1]}", int(part[2]) * 10**9, part[3]))
    return found


def _smi(*words: str) -> str:
    try:
        answer = subprocess.run(
            ["nvidia-smi", *words], capture_output=True, text=True, timeout=5, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout


def _from_driver_files(folder: str) -> list[Device]:
    """Model names alone: the driver's files do not tell the memory."""
    texts = (text(folder, f"{name}/information") for name in names(folder))
    models = (re.search(r"^Model:\s*(.+)$", found, re.MULTILINE) for found in texts)
    return [Device(model[1].strip() if model else "NVIDIA") for model in models]


def _visible(devices: Sequence[Device], chosen: str | None) -> list[Device]:
    """What CUDA_VISIBLE_DEVICES leaves: indices or the beginnings of UUIDs; CUDA stops at the first that is not there.

    Of several MIG devices a process sees the first.
    """
    words = None if chosen is None else [word.strip() for word in chosen.split(",") if word.strip()]
    visible: list[Device] = []
    for word in map(str, range(len(devices))) if words is None else words:
        if word.lstrip("-").isdigit():
            found = devices[int(word)] if 0 <= int(word) < len(devices) else None
        else:
            found = next((device for device in devices if device.uuid.startswith(word)), None)
            if found is None and not any(device.uuid for device in devices):
                # Nobody knows the UUIDs: the word still counts as one device.
                found = devices[len(visible)] if len(visible) < len(devices) else None
        if found is None:
            break
        visible.append(found)
    slices = [device for device in visible if device.uuid.startswith("MIG-")]
    return slices[:1] if slices else visible


def _amd(folder: str) -> list[Device]:
    """Cards with memory of their own, as amdgpu tells it (mem_info_vram_total, in bytes)."""
    cards = [name for name in names(folder) if re.fullmatch(r"card\d+", name)]
    sizes = [number(os.path.join(folder, card, "device"), "mem_info_vram_total") for card in cards]
    return [Device("AMD GPU", size) for size in sizes if size]
