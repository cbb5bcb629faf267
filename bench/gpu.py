"""Peaks of real train steps on an NVIDIA GPU: Keras on JAX (XLA), and torchvision's twins of the same networks.

    python -m bench.gpu OUT.jsonl [--deadline 340] [--parallel 6] [--only jax|torch] [--models ...] [--batches ...]

Needs no TensorFlow, no network and nothing of datalint. A case is a fresh process, asked for the most important
first; every result is a line of its own as soon as it is there, and what a file holds already is not run again.
Cases run side by side: what is counted is what one process's allocator has handed out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TWINS = {
    "MobileNetV2": "mobilenet_v2",
    "ResNet50": "resnet50",
    "VGG16": "vgg16",
    "EfficientNetB0": "efficientnet_b0",
    "DenseNet121": "densenet121",
    "InceptionV3": "inception_v3",
    "ConvNeXtTiny": "convnext_tiny",
    "MobileNetV3Large": "mobilenet_v3_large",
}
"""Keras application -> torchvision's model of the same architecture."""
BATCHES = (32, 8, 64)
PRECISIONS = ("float32", "mixed_float16")
STEPS = 3
CLASSES = 1000
_SETTLE = 0.2
"""Seconds after which the driver's figure of a process is read."""


def cases(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The most important first; the last repeats the first, so that the spread of one and the same case is known."""
    for batch in arguments.batches:
        for precision in arguments.precisions:
            for executor in ("jax", "torch"):
                if arguments.only in (None, executor):
                    for model in arguments.models:
                        yield {"executor": executor, "model": model, "batch": batch, "precision": precision}
    for executor in ("jax", "torch"):
        if arguments.only in (None, executor):
            first = {"model": arguments.models[0], "batch": arguments.batches[0], "precision": arguments.precisions[0]}
            yield {"executor": executor, **first, "repeated": True}


def on_jax(case: dict[str, Any]) -> dict[str, Any]:
    """Three steps of `fit` with Adam under Keras on JAX; the figures are those of XLA's own allocator."""
    import jax
    import keras
    import numpy as np

    keras.config.set_dtype_policy(case["precision"])
    application = getattr(keras.applications, case["model"])
    model = application(weights=None)
    if None in model.input_shape[1:]:
        model = application(weights=None, input_shape=(224, 224, 3))
    model.compile("adam", "categorical_crossentropy")
    count = STEPS * case["batch"]
    images = np.zeros((count, *model.input_shape[1:]), "float32")
    answers = np.zeros((count, CLASSES), "float32")
    answers[:, 0] = 1
    model.fit(images, answers, batch_size=case["batch"], epochs=1, shuffle=False, verbose=0)
    [device, *_] = jax.local_devices()
    stats = device.memory_stats() or {}
    return {
        "device": device.device_kind,
        "peak": stats.get("peak_bytes_in_use"),
        "kept": stats.get("bytes_in_use"),
        "stats": {name: value for name, value in stats.items() if isinstance(value, int)},
        "input": list(model.input_shape[1:]),
        "parameters": model.count_params(),
        "versions": {"keras": keras.__version__, "jax": jax.__version__},
    }


def on_torch(case: dict[str, Any]) -> dict[str, Any]:
    """Three steps with Adam under PyTorch, mixed precision by autocast and a gradient scaler."""
    import torch
    import torchvision

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = TWINS[case["model"]]
    extra = {"aux_logits": False, "init_weights": False} if name == "inception_v3" else {}
    side = 299 if name == "inception_v3" else 224
    model = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, **extra).to(device).train()
    optimizer = torch.optim.Adam(model.parameters())
    mixed = case["precision"] == "mixed_float16"
    scaler = torch.amp.GradScaler(device.type, enabled=mixed)
    loss = torch.nn.CrossEntropyLoss()
    for _ in range(STEPS):
        images = torch.zeros((case["batch"], 3, side, side), device=device)
        answers = torch.zeros(case["batch"], dtype=torch.long, device=device)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.float16, enabled=mixed):
            lost = loss(model(images), answers)
        scaler.scale(lost).backward()
        scaler.step(optimizer)
        scaler.update()
        del lost
    result: dict[str, Any] = {
        "input": [side, side, 3],
        "parameters": sum(value.numel() for value in model.parameters()),
        "versions": {"torch": torch.__version__, "torchvision": torchvision.__version__},
    }
    if device.type == "cuda":
        torch.cuda.synchronize()
        free, total = torch.cuda.mem_get_info()
        result |= {
            "device": torch.cuda.get_device_name(),
            "peak": torch.cuda.max_memory_allocated(),
            "kept": torch.cuda.memory_allocated(),
            "reserved": torch.cuda.max_memory_reserved(),
            "stats": {"free": free, "total": total, "cudnn": torch.backends.cudnn.version()},
        }
    return result


def of_process() -> int | None:
    """Bytes that the driver books on this process, context and libraries included; None where it does not tell."""
    time.sleep(_SETTLE)
    words = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    for line in answer.splitlines():
        pid, _, used = line.partition(",")
        if pid.strip() == str(os.getpid()) and used.strip().isdigit():
            return int(used) << 20
    return None


def run(case: dict[str, Any], *, until: float) -> dict[str, Any]:
    """In a fresh process, with its end or its error."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # Initializers are compiled once for all processes; every train step has shapes of its own.
        "JAX_COMPILATION_CACHE_DIR": os.environ.get("JAX_COMPILATION_CACHE_DIR")
        or str(Path(tempfile.gettempdir()) / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    if case.get("repeated"):
        environment["JAX_ENABLE_COMPILATION_CACHE"] = "false"
    words = [sys.executable, str(Path(__file__).resolve()), "--case", json.dumps(case)]
    began = time.monotonic()
    try:
        left = max(1.0, until - began)
        done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=left, check=False)
    except subprocess.TimeoutExpired:
        return {**case, "error": "out of time"}
    if done.returncode:
        return {**case, "error": done.stderr[-1500:]}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**result, "seconds": round(time.monotonic() - began, 1)}


def measured(out: Path) -> set[str]:
    """Cases that a file already holds, by their words."""
    if not out.exists():
        return set()
    lines = (json.loads(line) for line in out.read_text("utf-8").splitlines())
    return {key(line) for line in lines if "error" not in line}


def key(case: dict[str, Any]) -> str:
    return " ".join(str(case.get(name)) for name in ("executor", "model", "batch", "precision", "repeated"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--case", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--deadline", type=float, default=340, help="seconds after which everything is stopped")
    parser.add_argument("--parallel", type=int, default=6)
    parser.add_argument("--only", choices=("jax", "torch"))
    parser.add_argument("--models", nargs="+", choices=tuple(TWINS), default=list(TWINS))
    parser.add_argument("--batches", nargs="+", type=int, default=list(BATCHES))
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    arguments = parser.parse_args()
    if arguments.case:
        result = (on_jax if arguments.case["executor"] == "jax" else on_torch)(arguments.case)
        print(json.dumps({**arguments.case, **result, "process": of_process()}))
        return
    until = time.monotonic() + arguments.deadline
    held, lock = measured(arguments.out), Lock()

    def work(case: dict[str, Any]) -> None:
        if time.monotonic() > until:
            return
        result = run(case, until=until)
        with lock, arguments.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        peak = result.get("peak")
        seen = result.get("error") or (f"{peak / 2**20:,.0f} MiB" if peak else "no figure")
        print(f"{key(case)}: {seen} ({result.get('seconds')} s)", flush=True)

    with ThreadPoolExecutor(arguments.parallel) as pool:
        list(pool.map(work, [case for case in cases(arguments) if key(case) not in held]))


if __name__ == "__main__":
    main()
