"""From arguments of a call to outputs: names, shapes, batching, dtypes, statuses."""
