"""Hardware: one block a machine in `profiles.yaml`, the user's own machines, and the local one as it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datalint.errors import Position, UsageError
from datalint.similar import did_you_mean
from datalint.sizes import byte_count
from datalint.tables import TABLES, Data

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL = "local"
PROFILES_FILE = Path(__file__).with_name("profiles.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The columns of table `target`; memory in bytes, None where it is not known."""

    name: str
    host_memory: int | None = None
    host_used: int | None = None
    """Taken already by the system and its services."""
    shm: int | None = None
    disk: int | None = None
    cores: int | None = None
    accelerator: str | None = None
    accelerator_memory: int | None = None
    accelerators: int | None = None
    source: str | None = None

    @property
    def usable(self) -> int | None:
        """Bytes of host memory that are left for training."""
        return None if self.host_memory is None else max(0, self.host_memory - (self.host_used or 0))

    def row(self) -> Data:
        """The one row of table `target`."""
        return Data({column.name: [getattr(self, column.name)] for column in TABLES["target"].columns})


def lookup(
    name: str, custom: Mapping[str, Mapping[str, Any]] | None = None, *, position: Position | None = None
) -> Target:
    """The machine of that name: the user's own, `local`, or of the catalogue; UsageError without any."""
    own = custom or {}
    if name in own:
        return _target(name, {"source": "configuration", **own[name]})
    if name == LOCAL:
        from datalint.target.local import detect

        return detect()
    catalogue = profiles()
    if name not in catalogue:
        names = sorted({LOCAL, *own, *catalogue})
        hints = filter(None, (did_you_mean(name, names), f"known: {', '.join(names)}"))
        raise UsageError(f"unknown target {name!r}", position, " ".join(hints))
    return _target(name, catalogue[name])


@cache
def profiles() -> Mapping[str, Mapping[str, Any]]:
    """The catalogue, by name, as it is written."""
    from datalint.strict_yaml import load_own

    return load_own(PROFILES_FILE)


def _target(name: str, fields: Mapping[str, Any]) -> Target:
    values = dict(fields)
    if unverified := values.pop("unverified", None):
        values["source"] = f"{values['source']}; unverified: {', '.join(unverified)}"
    for size in ("host_memory", "host_used", "shm", "disk", "accelerator_memory"):
        if size in values:
            values[size] = byte_count(values[size])
    for count in ("cores", "accelerators"):
        if count in values:
            values[count] = int(values[count])
    if "accelerators" not in values:
        values["accelerators"] = 1 if "accelerator" in values or "accelerator_memory" in values else 0
    return Target(name=name, **values)
