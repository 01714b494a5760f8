"""What to run: one YAML file per experiment, and its type."""
