"""Report changes in a log: ``python monitor.py LOG`` (the folder of ``--log``, or one of its files), ``--json``.

The log comes from ``run.py --log DIR`` or ``serve.py --log DIR`` and is compared with the evaluation data. The report
covers changed inputs (drift), more unfamiliar inputs, silently failing predictions and longer latencies. The methods
and their sources are in ``fettle_bundle/monitor/``: shifts.py, slowing.py and series.py.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
runpy.run_path(str(HERE / "own_code.py"))

from fettle_bundle.monitor.reading import NotALog  # noqa: E402
from fettle_bundle.monitor.report import report_log  # noqa: E402


def main() -> int:
    """Run the command line; return exit code 0 for any log, 3 if the path is no log."""
    parser = argparse.ArgumentParser(description="Report whether inputs or answers changed.")
    parser.add_argument("log", type=Path, metavar="LOG", help="the folder named with --log, or one of its files")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    options = parser.parse_args()
    try:
        found = report_log(options.log)
    except NotALog as error:
        sys.stderr.write(f"{options.log} was not read: {error}. Nothing was changed.\n")
        return 3
    if options.json:
        json.dump({"drift": found["drift"], "alerts": found["alerts"]}, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
        return 0
    for alert in found["alerts"]:
        sys.stdout.write(f"{alert['level']}: {alert['what']}\n    {alert['advice']}\n")
    for note in found["drift"]["notes"]:
        sys.stdout.write(f"note: {note}\n")
    sys.stdout.write(f"{found['drift']['summary']}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
