"""Importing this module fills the table of operations."""

from personalize_engine.operations import (
    campaigns,
    catalog,
    dataset_groups,
    datasets,
    deletions,
    events,
    filters,
    imports,
    ranking,
    recommendations,
    schemas,
    solutions,
    tags,
    trackers,
    versions,
)

__all__ = [
    "campaigns",
    "catalog",
    "dataset_groups",
    "datasets",
    "deletions",
    "events",
    "filters",
    "imports",
    "ranking",
    "recommendations",
    "schemas",
    "solutions",
    "tags",
    "trackers",
    "versions",
]
