"""From a cone program to an answer: interior points, polishing, rays, blame."""
