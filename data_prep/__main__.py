"""python -m data_prep: see `data_prep.command`. Loading it takes a second, in which Ctrl-C must end quietly as well."""

import sys

if __name__ == "__main__":
    try:
        from data_prep.command import main

        code = main()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
