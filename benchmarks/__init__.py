"""Figures that are measured, and too slow to measure in every test run."""
