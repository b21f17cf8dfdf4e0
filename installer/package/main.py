"""Build packages from a clone that is set up.

Usage:
    installer/build [payload] [deb] [portable] [windows] [macos] [--out DIR] [--version V] [--same-python PAYLOAD]

Without names, it builds all packages of this system.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "installer")]

from steps.place import Place  # noqa: E402
from steps.words import SetupError, print_failure, print_line  # noqa: E402

from app.version import VERSION  # noqa: E402
from package import deb, other_systems, portable  # noqa: E402
from package.payload import assemble  # noqa: E402

KINDS = {
    "deb": deb.build, "portable": portable.build, "windows": other_systems.windows, "macos": other_systems.macos,
}  # fmt: skip
OWN = {"linux": ["deb", "portable"], "win32": ["windows"], "darwin": ["macos"]}


def main() -> int:
    """Build what the command line names and return the exit code."""
    parser = argparse.ArgumentParser(prog="installer/build", description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=["payload", *KINDS], metavar="payload|" + "|".join(KINDS))
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "packages")
    parser.add_argument("--version", default=VERSION)
    parser.add_argument("--same-python", type=Path)
    options = parser.parse_args()
    out: Path = options.out.resolve()
    kinds = options.kinds or ["payload", *OWN[sys.platform]]
    folder = out / f"payload-{options.version}"
    try:
        if "payload" in kinds or not folder.is_dir():
            assemble(Place(ROOT), folder, options.version, options.same_python)
        for kind in kinds:
            if kind != "payload":
                made = KINDS[kind](folder, out)
                print_line(f"{made.name}: {made.stat().st_size:,} bytes")
    except SetupError as failure:
        print_failure(failure)
        return 6
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
