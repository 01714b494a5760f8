"""Commands for the upkeep of this repository."""
