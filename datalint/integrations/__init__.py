"""Where TensorFlow is met: what training scripts import, and what runs in processes of its own; imported late."""
