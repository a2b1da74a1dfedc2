"""A smooth program: its functions, their derivatives, and the optimality conditions at a point."""
