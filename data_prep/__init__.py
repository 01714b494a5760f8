"""Raw source to past and future: read, validate, split, publish."""
