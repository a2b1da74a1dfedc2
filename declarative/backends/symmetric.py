"""Gradients of matrices that are symmetric as they are made: whoever needs their symmetric part takes them as they are.

To read a batch of large matrices along their columns takes longer than to make them.
"""

from torch import Tensor


def mark_symmetric(gradient: Tensor) -> Tensor:
    """The same, known to be symmetric, but for rounding errors, as long as nobody writes into it."""
    gradient.symmetric_at = gradient._version  # pyright: ignore[reportAttributeAccessIssue]
    return gradient


def known_symmetric(gradient: Tensor) -> bool:
    """It was marked, and has not been written into since, as autograd does where it sums gradients up."""
    return getattr(gradient, "symmetric_at", None) == gradient._version
