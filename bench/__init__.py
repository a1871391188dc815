"""Benchmarks: each figure with its denominator measured in the same run. `make bench`, `python -m bench`."""
