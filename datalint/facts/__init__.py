"""Bytes -> facts. `extract` reads one file's bytes; `gather` fills the table `files` for a whole dataset."""
