"""Sparse matrices of one pattern, and the factorisation of KKT matrices."""
