"""Where dry runs and compilations are remembered: a small file each in the cache, believed while all that it rests on
is unchanged.

What is damaged, stale or made by other versions is passed over, and tier 0 speaks: no reading is ever repaired.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from datalint import trust
from datalint.facts.database import make_folder
from datalint.footprint.compiled import Compiled
from datalint.footprint.dry_run import Reading
from datalint.footprint.model.network import Network
from datalint.footprint.peaks import Asked, Peak, Peaks
from datalint.system import names
from datalint.target.cards import card
from datalint.versions import installed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeGuard

    from datalint.request import Request
    from datalint.target import Target
    from datalint.workspace import Workspace

FOLDER = "dry_run"
_KINDS: dict[str, type[Peaks]] = {"dry-run": Reading, "compiled": Compiled}
SCHEMA = 1
"""Of the files, and of the way in which they were measured."""
MOST_BYTES = 1 << 20
FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""`module:function`, which builds a model and returns it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading and what it rests on beside the versions of what measured it."""

    reading: Peaks
    files: Mapping[str, str] | None = None
    """Files that the function was read from: path beside the configuration -> SHA-256 of its content."""


def is_function(written: str | None) -> TypeGuard[str]:
    return written is not None and FUNCTION.fullmatch(written) is not None


def folder_of(workspace: Workspace, request: Request) -> str | None:
    """Where readings lie; None where the cache may not be used, or came with a commit and is not believed."""
    usable = request.use_cache and trust.believable(workspace.cache_dir)
    return os.path.join(workspace.cache_dir, FOLDER) if usable else None


def of_model(
    workspace: Workspace, request: Request, written: str | None, network: Network | str | None, machine: Target
) -> list[Kept]:
    """Readings of the declared model that still hold; of those that were compiled, for the card of the machine."""
    identity = _identity(written, network)
    folder = None if identity is None else folder_of(workspace, request)
    if folder is None or identity is None:
        return []
    prefix = _digest(identity)[:32] + "-"
    found = []
    for name in names(folder):
        if name.startswith(prefix) and name.endswith(".json"):
            kept = _read(os.path.join(folder, name), identity)
            if kept and _same_versions(kept.reading) and _same_card(kept, machine) and _same_files(workspace, kept):
                found.append(kept)
    return found


def store(folder: str, written: str, network: Network | str | None, kept: Kept) -> None:
    """Written whole or not at all; whoever measures the same again replaces it. OSError where that fails."""
    identity = _identity(written, network)
    assert identity is not None
    make_folder(os.path.dirname(folder))
    os.makedirs(folder, exist_ok=True)
    kind = next(name for name, known in _KINDS.items() if isinstance(kept.reading, known))
    document = {"schema": SCHEMA, "kind": kind, "identity": identity, **asdict(kept)}
    text = json.dumps({**document, "digest": _digest(_canonical(document))}, indent=1)
    about = _canonical({**asdict(kept.reading.asked), **_of_card(kept.reading)})
    path = os.path.join(folder, f"{_digest(identity)[:32]}-{_digest(about)[:16]}.json")
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.{os.getpid()}", path)


def _identity(written: str | None, network: Network | str | None) -> str | None:
    """The model itself, whatever it is called; None where nothing was read."""
    if is_function(written):
        return f"function {written}"
    return network.identity if isinstance(network, Network) else None


def _read(path: str, identity: str) -> Kept | None:
    """None for anything but a whole file of ours: a figure that was changed on disk is no figure."""
    try:
        with open(path, encoding="utf-8") as file:
            document: dict[str, Any] = json.loads(file.read(MOST_BYTES))
        digest = document.pop("digest")
        if (document["schema"], document["identity"], digest) != (SCHEMA, identity, _digest(_canonical(document))):
            return None
        told = document["reading"]
        asked = Asked(**{**told["asked"], "shape": tuple(told["asked"]["shape"])})
        peaks = tuple(Peak(*peak) for peak in told["peaks"])
        # Dry runs were the first, and did not say what they are.
        reading = _KINDS[document.get("kind", "dry-run")](
            **{**told, "asked": asked, "shape": tuple(told["shape"]), "peaks": peaks}
        )
        return Kept(reading, document["files"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _of_card(reading: Peaks) -> dict[str, str]:
    return {"card": reading.card} if isinstance(reading, Compiled) else {}


def _same_versions(reading: Peaks) -> bool:
    """Against those that are installed; where they are not, as in a hook's own environment, nothing speaks against."""
    return all(version in (None, getattr(reading, name, version)) for name, version in installed().items())


def _same_card(kept: Kept, machine: Target) -> bool:
    """Whether it was compiled for this machine's card as it is described today; a dry run is of any."""
    if not isinstance(kept.reading, Compiled):
        return True
    target = card(machine.accelerator)
    return target is not None and (target.name, target.digest) == (kept.reading.card, kept.reading.described)


def _same_files(workspace: Workspace, kept: Kept) -> bool:
    """As the source of this run holds them: the work tree, the index or a commit."""
    for path, digest in (kept.files or {}).items():
        content = workspace.source.read(posixpath.normpath(posixpath.join(workspace.home, path)))
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            return False
    return True


def _canonical(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
