"""From the rewritten program to solvers: one folder a backend."""
