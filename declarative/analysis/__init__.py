"""What a problem is: signs, curvature with its reasons, smoothness, and its class."""
