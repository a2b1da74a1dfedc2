"""The solution of a cone program as a differentiable function of its data."""
