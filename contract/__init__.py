"""What every side of the project agrees on: recipes, names, S3 keys, fields, the hold-out rule, report.json.

Standard library only: this package ships inside the Lambda asset and is imported by the stacks, by data_prep,
by the tasks, by the evaluation, by the engine and by the local cloud.
"""
