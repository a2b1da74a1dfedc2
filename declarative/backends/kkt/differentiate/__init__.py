"""A solution as a differentiable function of the parameters."""
