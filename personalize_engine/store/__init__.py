"""Durable state: one SQLite database, and files that are written aside and then renamed."""
