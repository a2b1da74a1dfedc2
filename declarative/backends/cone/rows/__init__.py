"""A convex problem as rows of cones, and their coefficients on a tape."""
