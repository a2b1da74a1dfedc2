"""The cones: projections onto them, how those bend, and membership."""
