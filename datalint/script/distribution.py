"""Where a script shares its batches between accelerators: over how many, only the machine knows."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.script.source import Script

WAYS = frozenset(
    {"MirroredStrategy", "MultiWorkerMirroredStrategy", "TPUStrategy", "CentralStorageStrategy",
     "ParameterServerStrategy", "DataParallel", "DistributedDataParallel", "DeviceMesh"}
)  # fmt: skip
"""What is called for it, in TensorFlow, Keras and PyTorch."""
_MIRRORED = "MirroredStrategy"
_ACCELERATOR = re.compile(r"(gpu|tpu):\d+$", re.IGNORECASE)
_TRAINER = ("devices", "num_nodes")
"""Arguments of Lightning's Trainer."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Where batches are shared: the call, and between how many accelerators, None where the script does not tell."""

    call: ast.Call
    way: str
    replicas: int | None

    @property
    def words(self) -> str:
        return f"{self.way} may share batches between accelerators: say between how many, 1 is taken where nobody does"


def distributed(script: Script) -> Shared | None:
    """The first call that does so, whether it is reached or not; counted where it lists devices and is the only one."""
    found = [
        (call, way, certain)
        for statement in script.statements
        for call, certain in _calls(statement)
        if (way := _way(call))
    ]
    if not found:
        return None
    call, way, certain = found[0]
    return Shared(call, way, _listed(call) if certain and len(found) == 1 else None)


def _calls(statement: ast.AST) -> Iterator[tuple[ast.Call, bool]]:
    """Calls in their order, and whether no condition decides over them."""
    left = [(statement, True)]
    while left:
        node, certain = left.pop()
        if isinstance(node, ast.Call):
            yield node, certain
        certain = certain and not isinstance(node, ast.If | ast.IfExp | ast.BoolOp | ast.Try | ast.Match)
        left += [(child, certain) for child in reversed(list(ast.iter_child_nodes(node)))]


def _listed(call: ast.Call) -> int | None:
    """Accelerators that MirroredStrategy is given by name; None where nothing lists them."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    devices = call.args[0] if call.args else named.get("devices")
    if not isinstance(devices, ast.List | ast.Tuple) or _way(call) != _MIRRORED:
        return None
    names = [item.value if isinstance(item, ast.Constant) else None for item in devices.elts]
    accelerators = [name for name in names if isinstance(name, str) and _ACCELERATOR.search(name)]
    return len(names) if names and len(accelerators) == len(names) else None


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
