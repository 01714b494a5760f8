"""What a run of an experiment would cost on AWS, before anything is deployed: `python -m estimate EXPERIMENT`."""
