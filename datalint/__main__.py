"""`python -m datalint` and the `datalint` command."""

from __future__ import annotations

import os
import sys

from datalint import cli


def main() -> int:
    """Runs the command with file names in UTF-8, whatever the locale says, as git and the loaders have them.

    In another encoding a configuration could not name its folder, and sound names would be told as broken ones.
    """
    if os.name == "posix" and sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        # Python chooses once, at its start (PEP 540). What is printed stays in the terminal's encoding.
        written = {"PYTHONIOENCODING": sys.stdout.encoding} if sys.stdout else {}
        environment = {**written, **os.environ, "PYTHONUTF8": "1"}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606 - no shell is the point
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
