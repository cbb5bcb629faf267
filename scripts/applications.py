"""Writes what the layer walk needs of every Keras application: datalint/footprint/model/applications/NAME.json.gz.

    python scripts/applications.py

Needs TensorFlow. Architectures alone, no weights; at the size that each is built for by default (or 224 x 224).
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from datalint.footprint.model.network import unfold  # noqa: E402 - the checkout, not another installation

FOLDER = ROOT / "datalint" / "footprint" / "model" / "applications"
SIDE = 224


def main() -> None:
    import keras

    FOLDER.mkdir(exist_ok=True)
    for name in sorted(name for name in dir(keras.applications) if name[0].isupper()):
        keras.backend.clear_session()
        build = getattr(keras.applications, name)
        model = build(weights=None)
        if None in model.input_shape[1:]:
            model = build(weights=None, input_shape=(SIDE, SIDE, 3))
        network = unfold(json.loads(model.to_json()))
        calls = [[call.kind, _told(call.config), call.inputs, call.weights] for call in network.calls]
        text = json.dumps({"name": name, "calls": calls}, separators=(",", ":"))
        (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
        print(f"{name}: {len(calls)} calls, {model.count_params():,} parameters")


def _told(config: object) -> dict[str, object]:
    """Without names, which nothing depends on."""
    assert isinstance(config, dict)
    return {key: value for key, value in config.items() if key != "name"}


if __name__ == "__main__":
    main()
