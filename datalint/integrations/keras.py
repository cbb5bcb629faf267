"""For scripts that train with Keras: class weights, an input pipeline, and a check before `fit`.

Only `input_pipeline` needs TensorFlow, and imports it when it is called.
"""

from __future__ import annotations

from datalint.integrations.pipeline import Plan, input_pipeline
from datalint.integrations.preflight import DatasetError, Passed, preflight
from datalint.integrations.weights import class_weight

__all__ = ["DatasetError", "Passed", "Plan", "class_weight", "input_pipeline", "preflight"]
