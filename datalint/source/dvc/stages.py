"""`.dvc` files, `dvc.lock` and `dvc.yaml` -> the outputs that they track."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MOST_BYTES = 16 << 20
"""Larger ones are not read: a lock of a thousand stages has half a megabyte."""
_MD5 = re.compile(r"([0-9a-f]{32})(\.dir)?")
_SAFE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Output:
    """A file or folder that DVC tracks."""

    path: str
    """Parts joined by '/', relative to where the path of its stage begins."""
    stage: str
    """The `.dvc` file or lock that names it."""
    md5: str
    """Of the file, or of the list of a folder's files; empty where no lock says what it is."""
    folder: bool
    size: int | None
    """Bytes of all its files."""
    n_files: int | None
    files: Mapping[str, tuple[str, int | None]] | None = None
    """Path below it -> md5 and size, where the stage itself lists them (version-aware remotes)."""


class UnreadableError(Exception):
    """A stage that is no DVC file; its text says why."""


def is_stage(path: str) -> bool:
    """Whether DVC reads outputs from a file of that name."""
    name = posixpath.basename(path)
    return (name.endswith(".dvc") and name != ".dvc") or name in ("dvc.lock", "dvc.yaml")


def outputs(path: str, read: Callable[[str], bytes | None]) -> Iterator[Output]:
    """Those of one stage; `dvc.yaml` has only those that no lock knows. Raises UnreadableError."""
    document = _mapping(read(path))
    name, folder = posixpath.basename(path), posixpath.dirname(path)
    if name == "dvc.yaml":
        locked = _mapping(read(posixpath.join(folder, "dvc.lock")))
        yield from _never_made(path, folder, document, locked)
    elif name == "dvc.lock":
        declared = _stages(_mapping(read(posixpath.join(folder, "dvc.yaml"))))
        for stage, about in _stages(document).items():
            plan = declared.get(stage.partition("@")[0], {})
            home = posixpath.join(folder, _text(plan.get("wdir")))
            uncached = _uncached(plan)
            yield from (out for written, out in _outs(path, home, about) if written not in uncached)
    else:
        home = posixpath.join(folder, _text(document.get("wdir")))
        yield from (out for _, out in _outs(path, home, document))


def _mapping(content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {}
    if len(content) > MOST_BYTES:
        raise UnreadableError(f"{len(content):,} bytes of YAML")
    # Only a repository with DVC pays for the parser.
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        document = yaml.load(content, Loader=loader)  # noqa: S506 - it makes nothing but texts, lists and mappings
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(
            f"not YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from None
    if document in ("", None):
        return {}
    if not isinstance(document, dict):
        raise UnreadableError("not a mapping")
    return document


def _stages(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of a lock or of dvc.yaml; the first schema of locks had them at the top."""
    found = document.get("stages", document if "schema" not in document else {})
    return {name: about for name, about in _items(found) if isinstance(about, dict)}


def _outs(path: str, home: str, about: Mapping[str, Any]) -> Iterator[tuple[str, Output]]:
    """Each with its path as written; what lies outside of the file system, or is no cache's business, is left out."""
    for out in _list(about.get("outs")):
        if not isinstance(out, dict) or out.get("cache") == "false":
            continue
        written = _text(out.get("path"))
        match = _MD5.fullmatch(_text(out.get("md5")))
        listed = _listed(out)
        if not written or "://" in written or posixpath.isabs(written) or (match is None and listed is None):
            continue
        yield (
            written,
            Output(
                path=posixpath.normpath(posixpath.join(home, written)),
                stage=path,
                md5=match[1] if match else "",
                folder=listed is not None or bool(match and match[2]),
                size=_number(out.get("size")),
                n_files=_number(out.get("nfiles")) if listed is None else len(listed),
                files=listed,
            ),
        )


def _listed(out: Mapping[str, Any]) -> dict[str, tuple[str, int | None]] | None:
    files = out.get("files")
    if not isinstance(files, list):
        return None
    found = {}
    for each in files:
        match = _MD5.fullmatch(_text(each.get("md5"))) if isinstance(each, dict) else None
        relative = inside(_text(each.get("relpath"))) if match else None
        if match and relative:
            found[relative] = (match[1], _number(each.get("size")))
    return found


def _never_made(path: str, folder: str, document: Mapping[str, Any], locked: Mapping[str, Any]) -> Iterator[Output]:
    """What a pipeline makes that was never run; templates are for DVC alone."""
    known = {stage.partition("@")[0] for stage in _stages(locked)}
    for stage, about in _stages({"stages": document.get("stages") or {}}).items():
        if stage in known or "foreach" in about or "matrix" in about:
            continue
        uncached = _uncached(about)
        for out in _list(about.get("outs")):
            written = out if isinstance(out, str) else next(iter(out), "") if isinstance(out, dict) else ""
            if not written or written in uncached or "${" in written or "://" in written or posixpath.isabs(written):
                continue
            place = posixpath.normpath(posixpath.join(folder, _text(about.get("wdir")), written))
            yield Output(place, path, "", folder=False, size=None, n_files=None)


def _uncached(about: Mapping[str, Any]) -> set[str]:
    """Outputs that git keeps (`cache: false`)."""
    return {
        name
        for kind in ("outs", "metrics", "plots")
        for out in _list(about.get(kind))
        if isinstance(out, dict)
        for name, flags in out.items()
        if isinstance(flags, dict) and flags.get("cache") == "false"
    }


def inside(relative: str) -> str | None:
    """The path, normalised; None for one that leads out of its folder."""
    path = posixpath.normpath(relative)
    return None if not relative or path == "." or path.startswith(("../", "/")) or path == ".." else path


def _items(value: object) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and _SAFE.fullmatch(value) else None
