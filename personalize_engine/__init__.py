"""Amazon Personalize, emulated: its three APIs over HTTP, with real recommenders behind them.

Stand-alone: it knows nothing of CDK, experiments or the pipeline's tasks.
"""
