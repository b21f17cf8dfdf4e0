"""Describe alarms, drift and skipped lines in plain words, for `monitor.py` and for the program that reads a log."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..pipeline.words import Words

ENOUGH = 200
"""Number of recent inputs to request: they prove a changed share below 5 % if 3 predictions differ."""

NOUNS = {"image": Words("pictures"), "text": Words("texts"), "audio": Words("sounds")}

FIGURES: dict[str, tuple[str, str, str]] = {
    "brightness": (Words("Brightness"), Words("Pictures got darker"), Words("Pictures got brighter")),
    "contrast": (Words("Contrast"), Words("Pictures have less contrast"), Words("Pictures have more contrast")),
    "detail": (
        Words("Detail"), Words("Pictures show less detail, as if out of focus"),
        Words("Pictures show more detail or noise"),
    ),
    "color": (Words("Color"), Words("Pictures are less colorful"), Words("Pictures are more colorful")),
    "pixels": (Words("Pixels"), Words("Pictures are smaller"), Words("Pictures are larger")),
    "tokens": (Words("Length in tokens"), Words("Texts got shorter"), Words("Texts got longer")),
    "unknown": (
        Words("Share of unknown tokens"), "",
        Words("Texts contain more that the model cannot read, as in another language"),
    ),
    "rare": (
        Words("Share of unusual words"), Words("Texts use more of the usual words than before"),
        Words("Texts use other words than before, as in another language or on another subject"),
    ),
    "level_db": (Words("Level in dB"), Words("Sounds got quieter"), Words("Sounds got louder")),
    "silence": (Words("Share of silence"), Words("Sounds contain less silence"), Words("Sounds contain more silence")),
    "sound_s": (Words("Length in seconds"), Words("Sounds got shorter"), Words("Sounds got longer")),
    "crossings": (Words("Pitch or noise"), Words("Sounds got lower or duller"), Words("Sounds got higher or noisier")),
    "mean": (
        Words("Mean"), Words("The numbers that come in got smaller"), Words("The numbers that come in got larger"),
    ),
    "spread": (
        Words("Spread"), Words("The numbers that come in spread less"), Words("The numbers that come in spread more"),
    ),
    "missing": (Words("Share missing"), "", Words("More of the numbers that come in are missing")),
    "confidence": (Words("Confidence"), Words("Answers got less confident"), Words("Answers got more confident")),
    "energy": (
        Words("Unfamiliarity (energy)"), Words("Inputs look more familiar to the model"),
        Words("Inputs look less familiar to the model"),
    ),
    "score": (Words("Score"), Words("Scores got lower"), Words("Scores got higher")),
    "results": (Words("Results"), Words("Less is found"), Words("More is found")),
    "letters": (Words("Letters in the answer"), Words("Answers got shorter"), Words("Answers got longer")),
    "answer_mean": (Words("Mean of the answer"), Words("Answers got smaller"), Words("Answers got larger")),
    "answer_spread": (Words("Spread of the answer"), Words("Answers spread less"), Words("Answers spread more")),
}  # fmt: skip
"""Title of each figure, and what happened if it fell or rose ("" without a name for that)."""

TITLES = {name: title for name, (title, _, _) in FIGURES.items()}
DANGERS = ("errors", "not_numbers", "one_answer", "unsure")
"""Alarms that mean that the model fails although it gives predictions."""

DAYS = (
    Words("{0} Jan"), Words("{0} Feb"), Words("{0} Mar"), Words("{0} Apr"), Words("{0} May"), Words("{0} Jun"),
    Words("{0} Jul"), Words("{0} Aug"), Words("{0} Sep"), Words("{0} Oct"), Words("{0} Nov"), Words("{0} Dec"),
)  # fmt: skip


DAY_OF_YEAR = "{0} {1}, {2}"
"""Day, year and clock time; the catalogs put them in the order of their languages."""


def worded(alert: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the alert with `level` (danger or warning), `title`, `what` (a sentence) and `advice`."""
    words, figures, advice = _what(alert, NOUNS.get(kind, Words("inputs")))
    since = day(alert["since"])
    title, what = Words("{0} since {1}", words, since), Words("{0} since {1}: {2}.", words, since, figures)
    if not figures:
        what = Words("{0} since {1}.", words, since)
    if alert["until"] is not None:
        until = day(alert["until"])
        title = Words("{0} from {1} to {2}", words, since, until)
        what = Words("{0} from {1} to {2}: {3}.", words, since, until, figures)
        if not figures:
            what = Words("{0} from {1} to {2}.", words, since, until)
    level = "danger" if alert["code"] in DANGERS else "warning"
    if alert["follows"]:
        advice = Words("This goes with “{0}”, which changed at the same time.", TITLES[alert["follows"]])
    return {**alert, "level": level, "title": title, "what": what, "advice": advice}


def _what(alert: Mapping[str, Any], noun: Words) -> tuple[Words, Words, Words]:
    """Return the title, the figures and the advice of an alert."""
    code, before, now = alert["code"], alert["before"], alert["now"]
    share = _percent(now) if before is None else Words("{0} instead of {1}", _percent(now), _percent(before))
    more = Words(
        "Accuracy is likely lower: add {0} recent {1} with the right answers, and optimize again.", ENOUGH, noun
    )
    wait = Words("Until that is clear, do not rely on the answers.")
    if code == "unfamiliar":
        advice = Words("Look at recent {0}: is there a kind that is new? The model cannot name it.", noun)
        return Words("More {0} are unlike what the model knows", noun), share, _both(advice, more)
    if code == "classes" and alert["direction"] > 0:
        advice = Words("Check whether {0} of that kind really come more often. If not, answers got worse.", noun)
        return Words("“{0}” is answered more often", alert["name"]), share, _both(advice, more)
    if code == "classes":
        advice = Words("Check whether {0} of that kind really come less often. If not, answers got worse.", noun)
        return Words("“{0}” is answered less often", alert["name"]), share, _both(advice, more)
    if code == "one_answer":
        advice = Words("Look at what comes in: an empty or frozen input gives one answer to everything.")
        if noun == NOUNS["image"]:
            advice = Words("Look at what comes in: an empty or frozen picture gives one answer to everything.")
        return Words("Nearly all answers are “{0}”", alert["name"]), share, _both(advice, wait)
    if code == "unsure":
        advice = Words("Something about the {0} or their preparation is new.", noun)
        figures = Words("{0} on average instead of {1}", _percent(now), _percent(before))
        return Words("The model is hardly ever confident"), figures, _both(advice, wait)
    if code == "errors":
        advice = Words("Read the messages of the service or of run.py: callers may send something else than before.")
        return Words("More requests fail"), share, advice
    if code == "not_numbers":
        advice = Words("Use the release before it again, and test this one with these inputs.")
        return Words("Answers are no numbers (NaN)"), share, advice
    if code == "slower":
        figures = Words("{0} instead of {1} for half of them", _ms(now), _ms(before))
        advice = Words(
            "Check what else runs on this computer, and whether it is hot or saves power; or optimize again on it."
        )
        return Words("Answers take {0:.1f} times as long", now / before), figures, advice
    title, fell, rose = FIGURES.get(alert["statistic"], (alert["statistic"], "", ""))
    change = (rose if alert["direction"] > 0 else fell) or Words("“{0}” changed", title)
    figures = Words("")
    if before is not None and now is not None:
        figures = Words("{0} on average instead of {1}", Words("{0:.3g}", now), Words("{0:.3g}", before))
    return change, figures, more


def _both(first: Words, second: Words) -> Words:
    return Words("{0} {1}", first, second)


def left_out(drift: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each noteworthy fact about the log itself."""
    notes: list[str] = []
    lines = drift["left_out"]
    if newer := lines.get("newer"):
        notes.append(
            Words.of_number(
                newer,
                "{0:,} line is from a newer Fettle and was left out. Update Fettle to read it.",
                "{0:,} lines are from a newer Fettle and were left out. Update Fettle to read them.",
            )
        )
    damaged = sum(count for reason, count in lines.items() if reason != "newer")
    if damaged:
        notes.append(
            Words.of_number(
                damaged,
                "{0:,} line is cut or damaged and left out; all others were read.",
                "{0:,} lines are cut or damaged and left out; all others were read.",
            )
        )
    if drift["is_cut"]:
        notes.append(Words("The log is very large: its oldest part was not read."))
    if drift["clock_went_back"]:
        notes.append(Words("The computer's clock was set back while the log was written; times may be off."))
    if drift["lost"]:
        notes.append(
            Words.of_number(
                drift["lost"],
                "{0:,} request is in no figure: it came too fast, or the disk was full.",
                "{0:,} requests are in no figure: they came too fast, or the disk was full.",
            )
        )
    if not drift["expected"]:
        notes.append(Words("The bundle has no evaluation data of yours; its first requests are taken as usual."))
    if drift["bundles"] > 1:
        notes.append(Words("{0} releases wrote to this log; the figures are of the latest.", drift["bundles"]))
    return notes


def is_enough(drift: Mapping[str, Any]) -> bool:
    """Return whether there are enough requests to detect changes."""
    return bool(drift["requests"] + drift["errors"] >= drift["needed"])


def summary(drift: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]]) -> str:
    """Return the most important result as one sentence."""
    requests = drift["requests"]
    if not alerts and not is_enough(drift):
        total, needed = requests + drift["errors"], drift["needed"]
        return Words.of_number(
            total,
            "{0:,} request was logged. Changes can be detected from {1:,} requests on.",
            "{0:,} requests were logged. Changes can be detected from {1:,} requests on.",
            needed,
        )
    n_with = sum(bool(alert["follows"]) for alert in alerts)
    alerts = [alert for alert in alerts if not alert["follows"]]
    count, n_on = len(alerts), sum(alert["until"] is None for alert in alerts)
    if not alerts:
        return _with_latency(Words("No alarm in {0:,} requests.", requests), drift)
    changes = Words.of_number(n_with, "{0:,} change", "{0:,} changes")
    if n_on == count and not n_with:
        return Words.of_number(count, "{0:,} alarm in {1:,} requests.", "{0:,} alarms in {1:,} requests.", requests)
    if not n_with:
        return Words.of_number(
            count,
            "{0:,} alarm, {1:,} still on in {2:,} requests.",
            "{0:,} alarms, {1:,} still on in {2:,} requests.",
            n_on,
            requests,
        )
    if n_on == count:
        return Words.of_number(
            count,
            "{0:,} alarm, and {1} that came with it, in {2:,} requests.",
            "{0:,} alarms, and {1} that came with them, in {2:,} requests.",
            changes,
            requests,
        )
    return Words.of_number(
        count,
        "{0:,} alarm, {1:,} still on, and {2} that came with it, in {3:,} requests.",
        "{0:,} alarms, {1:,} still on, and {2} that came with them, in {3:,} requests.",
        n_on,
        changes,
        requests,
    )


def _with_latency(text: Words, drift: Mapping[str, Any]) -> Words:
    """Return a text with a sentence on the median latency, if anything was timed."""
    before, now = drift["latency_before_ms"], drift["latency_now_ms"]
    if before is None:
        return text
    return _both(text, Words("Median latency: {0} now, {1} at the beginning.", _ms(now), _ms(before)))


def day(t: float) -> str:
    """Return a time in local time: "3 Nov 14:05", or "3 Nov 2025, 14:05" of another year."""
    try:
        moment = time.localtime(t)
    except (OverflowError, ValueError, OSError):
        return Words("an unknown day")
    date, clock = Words(DAYS[moment.tm_mon - 1], moment.tm_mday), time.strftime("%H:%M", moment)
    if moment.tm_year == time.localtime().tm_year:
        return Words("{0} {1}", date, clock)
    return Words(DAY_OF_YEAR, date, str(moment.tm_year), clock)


def _percent(share: float | None) -> Words:
    if share is None:
        return Words("unknown")
    value = 100 * share
    return Words("{0} %", Words("{0:.0f}" if value >= 10 or value == 0 else "{0:.2g}", value))


def _ms(value: float) -> Words:
    if value < 1000:
        return Words("{0} ms", Words("{0:.3g}", value))
    return Words("{0} s", Words("{0:.3g}", value / 1000))
