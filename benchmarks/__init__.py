"""Benchmarks: each runs ours and a baseline in one run on one machine."""
