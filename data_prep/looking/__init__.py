"""From files that nobody has described to an experiment that runs: `python -m data_prep init`."""
