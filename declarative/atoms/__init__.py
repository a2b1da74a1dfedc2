"""The library of functions: a record each, grouped in themed files."""
