"""A variable without `start` -> where it begins: at 0, or at a plain point of its attributes where 0 is none.

At 0 the equations of a sphere and of orthonormal columns have no slope, so that no method could leave it for them.
"""

import torch
from torch import Tensor

from declarative.ir.expr import Variable


def origin(variable: Variable, shape: tuple[int, ...]) -> Tensor:
    """The first columns of the identity, the first unit vector, the middle of the simplex, else 0; of this shape."""
    own = shape[variable.family :]
    names = {attribute.name for attribute in variable.attributes}
    if "orthonormal" in names:
        value = torch.eye(own[0], own[1], dtype=torch.float64)
    elif "unit" in names:
        value = torch.eye(own[0], 1, dtype=torch.float64)[:, 0]
    elif "simplex" in names:
        value = torch.full(own, 1 / max(*own, 1), dtype=torch.float64)
    else:
        value = torch.zeros(own, dtype=torch.float64)
    return value.expand(shape)
