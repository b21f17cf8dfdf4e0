"""Describe alarms, drift and skipped lines in plain words, for `monitor.py` and for the program that reads a log."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

ENOUGH = 200
"""Number of recent inputs to request: they prove a changed share below 5 % if 3 predictions differ."""

NOUNS = {"image": "pictures", "text": "texts", "audio": "sounds"}
PLACE_DIGITS = 3

FIGURES: dict[str, tuple[str, str, str]] = {
    "brightness": ("Brightness", "{Inputs} got darker", "{Inputs} got brighter"),
    "contrast": ("Contrast", "{Inputs} have less contrast", "{Inputs} have more contrast"),
    "detail": ("Detail", "{Inputs} show less detail, as if out of focus", "{Inputs} show more detail or noise"),
    "color": ("Color", "{Inputs} are less colorful", "{Inputs} are more colorful"),
    "pixels": ("Pixels", "{Inputs} are smaller", "{Inputs} are larger"),
    "tokens": ("Length in tokens", "{Inputs} got shorter", "{Inputs} got longer"),
    "unknown": (
        "Share of unknown tokens", "", "{Inputs} contain more that the model cannot read, as in another language",
    ),
    "rare": (
        "Share of unusual words", "{Inputs} use more of the usual words than before",
        "{Inputs} use other words than before, as in another language or on another subject",
    ),
    "level_db": ("Level in dB", "{Inputs} got quieter", "{Inputs} got louder"),
    "silence": ("Share of silence", "{Inputs} contain less silence", "{Inputs} contain more silence"),
    "sound_s": ("Length in seconds", "{Inputs} got shorter", "{Inputs} got longer"),
    "crossings": ("Pitch or noise", "{Inputs} got lower or duller", "{Inputs} got higher or noisier"),
    "mean": ("Mean", "The numbers that come in got smaller", "The numbers that come in got larger"),
    "spread": ("Spread", "The numbers that come in spread less", "The numbers that come in spread more"),
    "missing": ("Share missing", "", "More of the numbers that come in are missing"),
    "confidence": ("Confidence", "Answers got less confident", "Answers got more confident"),
    "energy": (
        "Unfamiliarity (energy)", "{Inputs} look more familiar to the model",
        "{Inputs} look less familiar to the model",
    ),
    "score": ("Score", "Scores got lower", "Scores got higher"),
    "results": ("Results", "Less is found", "More is found"),
    "letters": ("Letters in the answer", "Answers got shorter", "Answers got longer"),
    "answer_mean": ("Mean of the answer", "Answers got smaller", "Answers got larger"),
    "answer_spread": ("Spread of the answer", "Answers spread less", "Answers spread more"),
}  # fmt: skip
"""Title of each figure, and what happened if it fell or rose ("" without a name for that)."""

TITLES = {name: title for name, (title, _, _) in FIGURES.items()}
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
    title, fell, rose = FIGURES.get(alert["statistic"], (alert["statistic"], "", ""))
    change = (rose if alert["direction"] > 0 else fell) or f"“{title}” changed"
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
