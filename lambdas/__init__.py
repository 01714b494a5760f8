"""One step of the state machine each: thin handlers over functions that a test can call."""
