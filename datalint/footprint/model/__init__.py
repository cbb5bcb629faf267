"""A model's own memory, from its description alone: neither TensorFlow nor NumPy is imported, no weight is read.

`keras_file` or `applications` -> `network` (layers) -> `ops` (tensors and what is kept for backward) -> `walk` (peak).
"""
