"""From a start to a point near a solution: barrier, interior point, trust region, and others."""
