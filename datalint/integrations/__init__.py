"""Heavy frameworks live here, and are imported late: TensorFlow and Keras."""
