"""Side-by-side measurements against peers and limits: ratios of CPU seconds within one run."""
