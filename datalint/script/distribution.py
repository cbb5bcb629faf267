"""Where a script shares its batches between accelerators: over how many, only the machine knows."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.script.source import Script

WAYS = frozenset(
    {"MirroredStrategy", "MultiWorkerMirroredStrategy", "TPUStrategy", "CentralStorageStrategy",
     "ParameterServerStrategy", "DataParallel", "DistributedDataParallel", "DeviceMesh"}
)  # fmt: skip
"""What is called for it, in TensorFlow, Keras and PyTorch."""
_TRAINER = ("devices", "num_nodes")
"""Arguments of Lightning's Trainer."""


def distributed(script: Script) -> Iterator[tuple[int, str]]:
    """The first line that does so, and what to say of it; a call is enough, whether it is reached or not."""
    for statement in script.statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and (way := _way(node)):
                yield node.lineno, f"{way} may share batches between accelerators: say between how many"
                return


def _way(call: ast.Call) -> str | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    if name in WAYS:
        return str(name)
    several = [
        word.arg for word in call.keywords
        if name == "Trainer" and word.arg in _TRAINER
        and not (isinstance(word.value, ast.Constant) and word.value.value in (1, "1", "auto"))
    ]  # fmt: skip
    return f"Trainer({several[0]}=...)" if several else None
