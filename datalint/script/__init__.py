"""A training script, read from its syntax tree: what it says of the recipe. Nothing of it is executed or imported."""
