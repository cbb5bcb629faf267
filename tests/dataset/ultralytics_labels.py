"""Ultralytics' own verdict on a label file, taken from its source without importing the package, and torch with it.

`pip install --no-deps ultralytics` is enough, or its unpacked wheel on PYTHONPATH; else the tests are skipped.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

_OPS = {"segments2boxes", "xyxy2xywh", "empty_like"}
_UTILS = {"verify_image_label", "check_image", "exif_size", "IMG_FORMATS", "VID_FORMATS", "FORMATS_HELP_MSG"}


def load() -> Any:
    """`verify_image_label`; skips the test where Ultralytics is not installed."""
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("ultralytics is not installed: `pip install --no-deps ultralytics`")
    home = Path(next(iter(spec.submodule_search_locations)))
    # No tensor comes near these functions, and the type is only asked for.
    torch = types.SimpleNamespace(Tensor=type("Tensor", (), {}))
    names: dict[str, Any] = {"np": np, "os": os, "Image": Image, "ImageOps": ImageOps, "Path": Path, "torch": torch}
    for module, wanted in (("utils/ops.py", _OPS), ("data/utils.py", _UTILS)):
        tree = ast.parse((home / module).read_text("utf-8"))
        body = [node for node in tree.body if _name(node) in wanted]
        exec(compile(ast.Module(body, []), module, "exec"), names)
    return names["verify_image_label"]


def _name(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return node.name if isinstance(node, ast.FunctionDef) else None
