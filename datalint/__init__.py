"""datalint tells people, before they commit or merge, that a dataset will not train."""

__version__ = "0.1.0"
