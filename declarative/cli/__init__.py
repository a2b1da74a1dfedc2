"""The command line: a command a file, each from arguments to a report and an exit status."""
