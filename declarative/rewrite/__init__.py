"""One reformulation a file, each with its way back for primal and dual."""
