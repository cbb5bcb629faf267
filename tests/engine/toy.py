"""A worker that does what it is told, also to itself: items are (order, argument)."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from datalint.engine.serve import serve


def obey(item: tuple[str, object]) -> object:
    order, argument = item
    if order == "double":
        assert isinstance(argument, int)
        return 2 * argument
    if order == "die":
        assert isinstance(argument, int)
        os.kill(os.getpid(), argument)
    if order == "die-once":
        # As if something outside had done it: the second trial finds the mark.
        try:
            Path(str(argument)).touch(exist_ok=False)
        except FileExistsError:
            return "survived"
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "exit":
        os._exit(3)
    if order == "hang":
        while True:
            time.sleep(60)
    if order == "eat":
        return len(bytearray(64 << 30))
    if order == "chatter":
        print("noise on standard output", flush=True)
        os.write(2, b"noise on standard error")
        return "quiet"
    if order == "big":
        assert isinstance(argument, int)
        return "x" * argument
    if order == "where":
        return os.getpid()
    raise ValueError(f"no such order: {order}")


def main() -> None:
    serve(obey)


if __name__ == "__main__":
    if "refuse" in sys.argv:
        sys.exit("the toy refuses to start")
    main()
