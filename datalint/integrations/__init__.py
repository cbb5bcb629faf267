"""Where a training script meets datalint: one module a framework, which imports it late."""
