"""Linear algebra of the KKT matrix: scalings, inertia, the system of an active set, solutions of least norm."""
