"""Importing this module fills the table of jobs."""

from personalize_engine.jobs import deleting, importing, quick, training

__all__ = ["deleting", "importing", "quick", "training"]
