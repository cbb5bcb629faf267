"""GPUs as XLA's compiler wants them described: what it decides by, without the card itself."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datalint.sizes import byte_count

if TYPE_CHECKING:
    from collections.abc import Mapping

CARDS_FILE = Path(__file__).with_name("cards.yaml")

_KIB = 1024
# Per compute capability: threads and bytes of shared memory of a multiprocessor, shared memory that one block may ask
# for, lanes for float32. Technical specifications in NVIDIA's CUDA C++ programming guide, and its tuning guides.
_CAPABILITIES = {
    "6.0": (2048, 64 * _KIB, 48 * _KIB, 64),
    "7.0": (2048, 96 * _KIB, 96 * _KIB, 64),
    "7.5": (1024, 64 * _KIB, 64 * _KIB, 64),
    "8.0": (2048, 164 * _KIB, 163 * _KIB, 64),
    "8.6": (1536, 100 * _KIB, 99 * _KIB, 128),
    "8.9": (1536, 100 * _KIB, 99 * _KIB, 128),
    "9.0": (2048, 228 * _KIB, 227 * _KIB, 128),
}
_ACCELERATED = {"9.0"}
"""Compute capabilities whose code may use features of this very chip."""
_CUDNN = (9, 10, 0)
"""The version that is taken to be there; none is asked for while compiling."""


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU, and its description as a text of the protocol buffer `stream_executor.GpuTargetConfigProto`."""

    name: str
    description: str

    @property
    def digest(self) -> str:
        """Of the description: what was compiled for another one says nothing of this."""
        return hashlib.sha256(self.description.encode()).hexdigest()[:16]


@cache
def cards() -> Mapping[str, Mapping[str, Any]]:
    """All that are described, by name, as they are written."""
    from datalint.strict_yaml import load_own

    return load_own(CARDS_FILE)


def card(accelerator: str | None) -> Card | None:
    """The card that a target or a driver calls so; None for one that nobody has described, such as a slice of one."""
    if accelerator is None:
        return None
    for name, fields in cards().items():
        if _plain(accelerator) in {_plain(known) for known in (name, *fields.get("also", ()))}:
            return Card(name, _described(name, fields))
    return None


def _plain(name: str) -> str:
    """Without the vendor, capitals and spaces: `T4` and `NVIDIA T4` are the same."""
    return re.sub(r"^nvidia|[\s_-]", "", name.lower())


def _described(name: str, fields: Mapping[str, Any]) -> str:
    capability = str(fields["capability"])
    threads, shared, optin, lanes = _CAPABILITIES[capability]
    major, minor = capability.split(".")
    features = "feature_extension: ACCELERATED_FEATURES" if capability in _ACCELERATED else ""
    cudnn = " ".join(f"{part}: {number}" for part, number in zip(("major", "minor", "patch"), _CUDNN, strict=True))
    return f"""\
gpu_device_info {{
  threads_per_block_limit: 1024
  threads_per_warp: 32
  threads_per_core_limit: {threads}
  block_dim_limit_x: {2**31 - 1}
  block_dim_limit_y: {2**16 - 1}
  block_dim_limit_z: {2**16 - 1}
  registers_per_core_limit: {2**16}
  registers_per_block_limit: {2**16}
  shared_memory_per_core: {shared}
  shared_memory_per_block: {48 * _KIB}
  shared_memory_per_block_optin: {optin}
  fpus_per_core: {lanes}
  core_count: {fields["cores"]}
  clock_rate_ghz: {fields["clock"]}
  l2_cache_size: {byte_count(fields["l2"])}
  memory_bandwidth: {byte_count(fields["bandwidth"])}
  device_memory_size: {byte_count(fields["memory"])}
  cuda_compute_capability {{ major: {major} minor: {minor} {features} }}
}}
platform_name: "CUDA"
dnn_version_info {{ {cudnn} }}
device_description_str: "{name}"
"""
