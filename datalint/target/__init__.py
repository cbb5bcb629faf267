"""Hardware: one block a machine in `profiles.yaml`, the user's own machines, and the local one as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datalint.errors import Position, UsageError
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
    shm: int | None = None
    disk: int | None = None
    cores: int | None = None
    accelerator: str | None = None
    accelerator_memory: int | None = None
    accelerators: int | None = None
    source: str | None = None

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
        import difflib  # only mistakes pay for it

        names = sorted({LOCAL, *own, *catalogue})
        close = difflib.get_close_matches(name, names, n=1)
        guess = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"unknown target {name!r}", position, f"{guess}known: {', '.join(names)}")
    return _target(name, catalogue[name])


@cache
def profiles() -> Mapping[str, Mapping[str, Any]]:
    """The catalogue, by name, as it is written."""
    import yaml

    loaded: dict[str, dict[str, Any]] = yaml.safe_load(PROFILES_FILE.read_text("utf-8"))
    return loaded


_UNITS = {
    "B": 1,
    **{unit: 1024**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)},
    **{unit: 1000**power for power, unit in enumerate(("kB", "MB", "GB", "TB"), 1)},
}
_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)")


def byte_count(size: float | str) -> int:
    """Bytes of `16 GiB`, `14 GB` or a plain number; raises ValueError for anything else."""
    if not isinstance(size, str):
        return int(size)
    match = _BYTES.fullmatch(size)
    if not match or match[2] not in _UNITS:
        raise ValueError(f"not a size: {size!r}")
    return round(float(match[1]) * float(_UNITS[match[2]]))


def _target(name: str, fields: Mapping[str, Any]) -> Target:
    values = dict(fields)
    for size in ("host_memory", "shm", "disk", "accelerator_memory"):
        if size in values:
            values[size] = byte_count(values[size])
    for count in ("cores", "accelerators"):
        if count in values:
            values[count] = int(values[count])
    if "accelerators" not in values:
        values["accelerators"] = 1 if "accelerator" in values or "accelerator_memory" in values else 0
    return Target(name=name, **values)
