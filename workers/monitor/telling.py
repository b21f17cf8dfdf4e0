"""Read a log and describe it in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .reading import Tell, nobody, read_log
from .report import report
from .words import TITLES, left_out, summary, worded


def report_log(log: Path, progress: Tell = nobody) -> dict[str, Any]:
    """Return `{"drift": {…}, "alerts": […]}` with words; `progress` receives (bytes read, bytes of all).

    Raises:
        NotALog: There is no log.
    """
    read = read_log(log, progress)
    found = report(read)
    kinds = {part.bundle: part.kind for part in read.parts}
    alerts = [worded(alert, kinds[alert["bundle"]]) for alert in found["alerts"]]
    drift = found["drift"]
    for row in drift["statistics"]:
        row["title"] = TITLES.get(row["statistic"], row["statistic"])
    return {"drift": {**drift, "notes": left_out(drift), "summary": summary(drift, alerts)}, "alerts": alerts}
