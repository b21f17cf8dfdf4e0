"""Run jobs without the window: `python -m workers run SPEC.json|- | list | validate SPEC.json|-`."""

import sys

from workers.runtime.headless import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
