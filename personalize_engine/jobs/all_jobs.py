"""Importing this module fills the table of jobs."""

from personalize_engine.jobs import deleting, forgetting, importing, quick, training

__all__ = ["deleting", "forgetting", "importing", "quick", "training"]
