"""FACTS -> near: which pictures are copies of one another, changed or turned; hashes nominate, pixels decide."""
