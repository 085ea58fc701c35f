"""Timings of cseval beside other packages on the same simulated panels: ``python -m benchmarks``."""
