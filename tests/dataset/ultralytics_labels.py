"""Ultralytics' own verdicts on a label file and a data.yaml, taken from its source: importing it would import torch.

`pip install --no-deps ultralytics` is enough, or its unpacked wheel on PYTHONPATH; else the tests are skipped.
"""

from __future__ import annotations

import ast
import importlib.util
import logging
import os
import tarfile
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image, ImageOps

_OPS = {"segments2boxes", "xyxy2xywh", "empty_like"}
_LABELS = {"verify_image_label", "check_image", "exif_size", "IMG_FORMATS", "VID_FORMATS", "FORMATS_HELP_MSG"}
_DATASET = {"check_det_dataset", "DATASET_KEY_TYPES"}


def verify_image_label() -> Any:
    """The function; skips the test where Ultralytics is not installed."""
    # No tensor comes near these functions, and the type is only asked for.
    torch = types.SimpleNamespace(Tensor=type("Tensor", (), {}))
    names = {"np": np, "os": os, "Image": Image, "ImageOps": ImageOps, "Path": Path, "torch": torch}
    return _taken({"utils/ops.py": _OPS, "data/utils.py": _LABELS}, names)["verify_image_label"]


def check_det_dataset(datasets: Path) -> Any:
    """The function, with a `datasets_dir`; it would look for files in the network and for fonts."""
    names = {
        "Any": Any, "Path": Path, "DATASETS_DIR": datasets, "SETTINGS_FILE": "settings.json", "zipfile": zipfile,
        "is_tarfile": tarfile.is_tarfile, "check_file": lambda file, **_: file, "emojis": str, "clean_url": str,
        "LOGGER": logging.getLogger("ultralytics"), "check_font": lambda _: None, "is_ascii": lambda _: True,
        "YAML": types.SimpleNamespace(load=_load),
    }  # fmt: skip
    wanted = {"nn/autobackend.py": {"check_class_names"}, "data/utils.py": _DATASET}
    return _taken(wanted, names)["check_det_dataset"]


def _load(file: Path, **_: object) -> Any:
    data = yaml.safe_load(file.read_text("utf-8")) or {}
    if not isinstance(data, dict):
        raise TypeError("no mapping")
    return {**data, "yaml_file": str(file)}


def _taken(wanted: dict[str, set[str]], names: dict[str, Any]) -> dict[str, Any]:
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("ultralytics is not installed: `pip install --no-deps ultralytics`")
    home = Path(next(iter(spec.submodule_search_locations)))
    for module, functions in wanted.items():
        tree = ast.parse((home / module).read_text("utf-8"))
        body: list[ast.stmt] = [ast.parse("from __future__ import annotations").body[0]]
        body += [node for node in tree.body if _name(node) in functions]
        exec(compile(ast.Module(body, []), module, "exec"), names)
    return names


def _name(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return node.name if isinstance(node, ast.FunctionDef) else None
