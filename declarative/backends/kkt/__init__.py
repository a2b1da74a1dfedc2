"""Smooth and quadratic programs: batched solvers, our own certificate, and one implicit differentiation for all."""
