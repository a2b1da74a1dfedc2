"""Text to tokens, and tokens to statements."""
