"""Runs a validator's application: ``python -m lodeline.engine.consortium HOME``."""

if __name__ == "__main__":
    # Not at the top: the worker processes load this module too, and need none of it.
    import sys

    from lodeline.engine.collecting import collect_rarely
    from lodeline.engine.consortium.process import main

    collect_rarely()
    sys.exit(main(sys.argv[1:]))
