"""`python -m datalint` and the `datalint` command."""

from __future__ import annotations

import sys

from datalint.cli import main

if __name__ == "__main__":
    sys.exit(main())
