"""Makes an experiment of a configuration file of AWS's solution "Maintaining Personalized Experiences with Machine
Learning": `python -m experiments.from_mpe CONFIG.json`.

AWS has retired the solution (October 2025); its files describe a dataset group, schemas, solutions, campaigns,
filters, an event tracker and schedules. What an experiment can say is carried over; every other value is listed with
its place and what to do instead, on the terminal and in the head of the written file. Nothing is dropped silently: a
value counts as carried only when the translation takes it (`ledger`).

The format: the solution's README (aws-solutions/maintaining-personalized-experiences-with-machine-learning) for the
sections; every `serviceConfig` holds members of a Create call of the Amazon Personalize API.
"""
