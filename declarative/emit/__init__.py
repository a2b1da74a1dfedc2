"""A compiled layer written out as a Python module."""
