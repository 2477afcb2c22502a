"""Run the command line as ``python -m grokode``."""

from .cli.app import main

if __name__ == "__main__":
    main()
