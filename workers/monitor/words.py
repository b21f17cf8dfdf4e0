"""Describe alarms, drift and skipped lines in plain words, for `monitor.py` and for the program that reads a log."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

ENOUGH = 200
"""Number of recent inputs to request: they prove a changed share below 5 % if 3 predictions differ."""

NOUNS = {"image": "pictures", "text": "texts", "audio": "sounds"}
PLACE_DIGITS = 3

CHANGES: dict[tuple[str, int], str] = {
    ("brightness", -1): "{Inputs} got darker",
    ("brightness", 1): "{Inputs} got brighter",
    ("contrast", -1): "{Inputs} have less contrast",
    ("contrast", 1): "{Inputs} have more contrast",
    ("detail", -1): "{Inputs} show less detail, as if out of focus",
    ("detail", 1): "{Inputs} show more detail or noise",
    ("color", -1): "{Inputs} are less colorful",
    ("color", 1): "{Inputs} are more colorful",
    ("pixels", -1): "{Inputs} are smaller",
    ("pixels", 1): "{Inputs} are larger",
    ("tokens", -1): "{Inputs} got shorter",
    ("tokens", 1): "{Inputs} got longer",
    ("unknown", 1): "{Inputs} contain more that the model cannot read, as in another language",
    ("rare", 1): "{Inputs} use other words than before, as in another language or on another subject",
    ("rare", -1): "{Inputs} use more of the usual words than before",
    ("level_db", -1): "{Inputs} got quieter",
    ("level_db", 1): "{Inputs} got louder",
    ("silence", 1): "{Inputs} contain more silence",
    ("silence", -1): "{Inputs} contain less silence",
    ("sound_s", -1): "{Inputs} got shorter",
    ("sound_s", 1): "{Inputs} got longer",
    ("crossings", 1): "{Inputs} got higher or noisier",
    ("crossings", -1): "{Inputs} got lower or duller",
    ("mean", -1): "The numbers that come in got smaller",
    ("mean", 1): "The numbers that come in got larger",
    ("spread", -1): "The numbers that come in spread less",
    ("spread", 1): "The numbers that come in spread more",
    ("missing", 1): "More of the numbers that come in are missing",
    ("confidence", -1): "Answers got less confident",
    ("confidence", 1): "Answers got more confident",
    ("energy", 1): "{Inputs} look less familiar to the model",
    ("energy", -1): "{Inputs} look more familiar to the model",
    ("score", -1): "Scores got lower",
    ("score", 1): "Scores got higher",
    ("results", -1): "Less is found",
    ("results", 1): "More is found",
    ("letters", -1): "Answers got shorter",
    ("letters", 1): "Answers got longer",
    ("answer_mean", -1): "Answers got smaller",
    ("answer_mean", 1): "Answers got larger",
    ("answer_spread", -1): "Answers spread less",
    ("answer_spread", 1): "Answers spread more",
}
TITLES = {
    "brightness": "Brightness", "contrast": "Contrast", "detail": "Detail", "color": "Color", "pixels": "Pixels",
    "tokens": "Length in tokens", "unknown": "Share of unknown tokens", "rare": "Share of unusual words",
    "level_db": "Level in dB", "silence": "Share of silence", "sound_s": "Length in seconds",
    "crossings": "Pitch or noise",
    "mean": "Mean", "spread": "Spread", "missing": "Share missing", "confidence": "Confidence",
    "energy": "Unfamiliarity (energy)", "score": "Score", "results": "Results", "letters": "Letters in the answer",
    "answer_mean": "Mean of the answer", "answer_spread": "Spread of the answer",
}  # fmt: skip
DANGERS = ("errors", "not_numbers", "one_answer", "unsure")
"""Alarms that mean that the model fails although it gives predictions."""


def worded(alert: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the alert with `level` (danger or warning), `title`, `what` (a sentence) and `advice`."""
    noun = NOUNS.get(kind, "inputs")
    since = f"since {day(alert['since'])}"
    if alert["until"] is not None:
        since = f"from {day(alert['since'])} to {day(alert['until'])}"
    title, figures, advice = _what(alert, noun)
    level = "danger" if alert["code"] in DANGERS else "warning"
    what = f"{title} {since}: {figures}." if figures else f"{title} {since}."
    if alert["follows"]:
        advice = f"This goes with “{TITLES[alert['follows']]}”, which changed at the same time."
    return {**alert, "level": level, "title": f"{title} {since}", "what": what, "advice": advice}


def _what(alert: Mapping[str, Any], noun: str) -> tuple[str, str, str]:
    """Return the title, the figures and the advice of an alert."""
    code, before, now = alert["code"], alert["before"], alert["now"]
    share = f"{_percent(now)} instead of {_percent(before)}" if before is not None else _percent(now)
    more = f"Accuracy is likely lower: add {ENOUGH} recent {noun} with the right answers, and optimize again."
    wait = "Until that is clear, do not rely on the answers."
    if code == "unfamiliar":
        advice = f"Look at recent {noun}: is there a kind that is new? The model cannot name it. {more}"
        return f"More {noun} are unlike what the model knows", share, advice
    if code == "classes":
        verb = "more" if alert["direction"] > 0 else "less"
        advice = f"Check whether {noun} of that kind really come {verb} often. If not, answers got worse. {more}"
        return f"“{alert['name']}” is answered {verb} often", share, advice
    if code == "one_answer":
        frozen = "picture" if noun == "pictures" else "input"
        advice = f"Look at what comes in: an empty or frozen {frozen} gives one answer to everything. {wait}"
        return f"Nearly all answers are “{alert['name']}”", share, advice
    if code == "unsure":
        advice = f"Something about the {noun} or their preparation is new. {wait}"
        return "The model is hardly ever confident", f"{_percent(now)} on average instead of {_percent(before)}", advice
    if code == "errors":
        advice = "Read the messages of the service or of run.py: callers may send something else than before."
        return "More requests fail", share, advice
    if code == "not_numbers":
        advice = "Use the release before it again, and test this one with these inputs."
        return "Answers are no numbers (NaN)", share, advice
    if code == "slower":
        figures = f"{_ms(now)} instead of {_ms(before)} for half of them"
        advice = "Check what else runs on this computer, and whether it is hot or saves power; or optimize again on it."
        return f"Answers take {now / before:.1f} times as long", figures, advice
    change = CHANGES.get((alert["statistic"], alert["direction"]))
    if change is None:
        change = f"“{TITLES.get(alert['statistic'], alert['statistic'])}” changed"
    figures = "" if before is None or now is None else f"{_number(now)} on average instead of {_number(before)}"
    return change.format(Inputs=noun.capitalize()), figures, more


def left_out(drift: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each noteworthy fact about the log itself."""
    notes = []
    lines = drift["left_out"]
    if lines.get("newer"):
        notes.append(f"{lines['newer']:,} lines are from a newer Fettle and were left out. Update Fettle to read them.")
    damaged = sum(count for reason, count in lines.items() if reason != "newer")
    if damaged:
        are = "1 line is" if damaged == 1 else f"{damaged:,} lines are"
        notes.append(f"{are} cut or damaged and left out; all others were read.")
    if drift["is_cut"]:
        notes.append("The log is very large: its oldest part was not read.")
    if drift["clock_went_back"]:
        notes.append("The computer's clock was set back while the log was written; times may be off.")
    if drift["lost"]:
        notes.append(f"{drift['lost']:,} requests are in no figure: they came too fast, or the disk was full.")
    if not drift["expected"]:
        notes.append("The bundle has no evaluation data of yours; its first requests are taken as usual.")
    if drift["bundles"] > 1:
        notes.append(f"{drift['bundles']} releases wrote to this log; the figures are of the latest.")
    return notes


def is_enough(drift: Mapping[str, Any]) -> bool:
    """Return whether there are enough requests to detect changes."""
    return bool(drift["requests"] + drift["errors"] >= drift["needed"])


def summary(drift: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]]) -> str:
    """Return the most important result as one sentence."""
    if not alerts and not is_enough(drift):
        total = drift["requests"] + drift["errors"]
        return f"{total:,} requests were logged. Changes can be detected from {drift['needed']:,} requests on."
    n_with = sum(bool(alert["follows"]) for alert in alerts)
    alerts = [alert for alert in alerts if not alert["follows"]]
    open_ones = [alert for alert in alerts if alert["until"] is None]
    if not alerts:
        return f"No alarm in {drift['requests']:,} requests.{_latency(drift)}"
    count = "1 alarm" if len(alerts) == 1 else f"{len(alerts)} alarms"
    rest = "" if len(open_ones) == len(alerts) else f", {len(open_ones)} still on"
    changes = "1 change" if n_with == 1 else f"{n_with} changes"
    also = f", and {changes} that came with {'it' if len(alerts) == 1 else 'them'}," if n_with else ""
    return f"{count}{rest}{also} in {drift['requests']:,} requests."


def _latency(drift: Mapping[str, Any]) -> str:
    """Return a sentence on the median latency; "" if nothing was timed."""
    before, now = drift["latency_before_ms"], drift["latency_now_ms"]
    return "" if before is None else f" Median latency: {_ms(now)} now, {_ms(before)} at the beginning."


def day(t: float) -> str:
    """Return a time in local time: "3 Nov 14:05", with the year if it is not the current one."""
    try:
        moment = time.localtime(t)
    except (OverflowError, ValueError, OSError):
        return "an unknown day"
    year = "" if moment.tm_year == time.localtime().tm_year else f" {moment.tm_year}"
    return f"{moment.tm_mday} {time.strftime('%b', moment)}{year} {time.strftime('%H:%M', moment)}"


def _percent(share: float | None) -> str:
    if share is None:
        return "unknown"
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 or value == 0 else f"{value:.2g} %"


def _ms(value: float) -> str:
    return f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"


def _number(value: float) -> str:
    return f"{value:.{PLACE_DIGITS}g}"
