"""Text to syntax tree and back: `parse_tree`, `print_tree`."""
