"""What needs TensorFlow: nothing else in this package imports it, and who does without never loads it."""
