"""What a run costs on AWS: the quantities that are billed, a region's prices, and from both a range of US dollars.

It ships with the tasks of the pipeline, so it is standard library and knows nothing of AWS but its prices.
"""
