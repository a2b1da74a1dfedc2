"""Meaning: immutable expressions, problems, and the algebra of their sizes and facts."""
