"""From answers to a verdict: readings, metrics, baselines, intervals, the page. Standard library only."""
