"""What each operation of the three services does: one module per resource, create to delete together."""
