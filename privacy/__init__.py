"""`python -m privacy forget`: takes one user out of all that an experiment keeps."""
