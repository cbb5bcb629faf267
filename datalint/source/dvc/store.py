"""DVC's cache: where its objects lie, and the list of files that it keeps of a folder."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from datalint.source.dvc.stages import inside

_MD5 = re.compile(r"[0-9a-f]{32}")
_MOST_BYTES = 1 << 30
"""Of the list of a folder: 100 bytes for each of ten million files."""
_MOST_IGNORES = 1 << 20


class Store:
    """Caches of one repository: what its configuration says, else `.dvc/cache`."""

    def __init__(self, top: str | None) -> None:
        """`top` is the folder that holds `.dvc`; None for no repository, and no cache."""
        self.top = top
        self._caches = [] if top is None else [_cache(os.path.join(top, ".dvc"))]

    def find(self, md5: str, *, folder: bool = False) -> tuple[str, os.stat_result] | None:
        """Where an object lies; of a folder it is the list of its files."""
        name = md5[2:] + (".dir" if folder else "")
        for cache in self._caches:
            # DVC 3, and the layout of DVC 2 that it still reads.
            for home in (os.path.join(cache, "files", "md5"), cache):
                place = os.path.join(home, md5[:2], name)
                try:
                    return place, os.stat(place)
                except OSError:
                    continue
        return None

    def listed(self, md5: str) -> dict[str, str] | None:
        """Path below the folder -> md5 of the file; None where the list is not here, or is none."""
        found = self.find(md5, folder=True)
        if found is None or found[1].st_size > _MOST_BYTES:
            return None
        try:
            with open(found[0], "rb") as file:
                entries: Any = json.load(file)
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(entries, list):
            return None
        files = {}
        for entry in entries:
            if not isinstance(entry, dict):
                return None
            relative, digest = entry.get("relpath"), entry.get("md5")
            if not isinstance(relative, str) or not isinstance(digest, str) or not _MD5.fullmatch(digest):
                return None
            path = inside(relative)
            if path is not None:
                files[path] = digest
        return files

    def ignores(self) -> bool:
        """Whether `.dvcignore` says that DVC passes over some files; `dvc init` makes one of comments alone."""
        if self.top is None:
            return False
        try:
            with open(os.path.join(self.top, ".dvcignore"), "rb") as file:
                lines = [line.strip() for line in file.read(_MOST_IGNORES).splitlines()]
        except OSError:
            return False
        return any(line and not line.startswith(b"#") for line in lines)


def top_of(folder: str) -> str | None:
    """The nearest folder, from here up, that holds `.dvc`."""
    folder = os.path.abspath(folder)
    while not os.path.isdir(os.path.join(folder, ".dvc")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _cache(folder: str) -> str:
    """`cache.dir` of the configuration, that of `config.local` before the other; relative to their folder."""
    # Only a repository with DVC pays for the parser.
    import configparser

    for name in ("config.local", "config"):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read(os.path.join(folder, name), encoding="utf-8")
            written = parser.get("cache", "dir", fallback=None)
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        if written:
            return os.path.normpath(os.path.join(folder, written.strip("'\"")))
    return os.path.join(folder, "cache")
