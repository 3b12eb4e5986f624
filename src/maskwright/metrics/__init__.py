"""Measures from integer counts, and their intervals. Plain arrays in, plain values out; no files, no recipe."""
