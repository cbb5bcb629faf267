"""Files of a line each that the user keeps in git: written whole or not at all, and merged like any text."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile

from datalint.errors import UnfinishedError

_MARKER = re.compile(r"(<<<<<<<|\|\|\|\|\|\|\||=======|>>>>>>>)( |$)")


def is_conflict(line: str) -> bool:
    """Whether git wrote it around the two sides of a merge that somebody has to finish."""
    return _MARKER.match(line) is not None


def write(path: str, content: bytes, *, what: str) -> None:
    """Replace the file in one step: a full disk or a kill leaves the old one. Keeps its mode and links."""
    path = os.path.realpath(path)
    temporary = None
    try:
        mode = _mode(path)
        handle, temporary = tempfile.mkstemp(prefix=".datalint-", dir=os.path.dirname(path))
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise UnfinishedError(f"cannot write {what} {path}: {error.strerror}") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
