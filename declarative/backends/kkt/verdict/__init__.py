"""From a point to an answer: polished, certified, doubted, proved to be none; and its report."""
