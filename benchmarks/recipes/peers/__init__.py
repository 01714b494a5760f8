"""Recommenders of kept libraries, each module the main of a process in the environment of requirements-peers.txt.

They get the same past as our recipes, and their documented settings. Those that learn by epochs (GRU4Rec, SASRec) learn
for as many as do best on a validation part cut from the past, which their documentation leaves to the user; then once
more on the whole past. The search is not part of their training time, but is told. Nothing here hides what users
know already: the readings do that, for all alike.
"""
