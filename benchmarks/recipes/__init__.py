"""How well every recipe recommends, beside baselines, kept libraries and what the service published.

`python -m benchmarks.recipes` (see `command`) runs cells and writes recipes.md. A cell is one subject (a recipe, a
peer, a baseline) trained with one seed on one data set; it has a process of its own and keeps its lists in a file, so
that an interrupted run continues and a second run does only what changed.
"""
