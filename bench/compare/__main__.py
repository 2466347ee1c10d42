"""python3 -m bench.compare: what `strata compare` runs."""

import sys

from bench.compare import command

if __name__ == "__main__":
    sys.exit(command.main(sys.argv[1:]))
