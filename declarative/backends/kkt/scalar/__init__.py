"""Small batched functions as flat lists of operations on scalars, which compiled code runs over blocks of items."""
