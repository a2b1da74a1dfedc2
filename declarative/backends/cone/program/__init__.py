"""A cone program with numbers: items, scalings, the linear system at a point, what a point is worth."""
