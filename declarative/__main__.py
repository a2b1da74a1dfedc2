"""`python -m declarative` is the command line."""

from declarative.cli.main import main

main()
