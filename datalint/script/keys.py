"""Keys of the recipe that a script may say."""

from __future__ import annotations

KEYS = (
    "framework",
    "loader",
    "image_size",
    "channels",
    "dtype",
    "batch",
    "drop_remainder",
    "array_build",
    "array_scale",
    "array_split",
    "shuffle",
    "shuffle_buffer",
    "shuffle_stage",
    "cache",
    "prefetch",
    "parallel_calls",
    "workers",
    "prefetch_factor",
    "epochs",
    "steps_per_epoch",
    "validation_split",
    "monitor",
    "model",
    "optimizer",
    "precision",
    "gradient_accumulation",
    "executor",
    "replicas",
)
"""In the order in which they are proposed."""
