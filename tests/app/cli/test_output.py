"""Tests of how commands print: documents, lines, bars, tables and parsed options."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from records import variant

from app.cli.options.inputs import parse_batches, parse_shapes, split_globals
from app.cli.output import CommandFailed, Globals, Output, ReaderGone
from app.cli.tables import disturbed, version_lines
from app.domain.run import StepRecord
from app.domain.words.results import OTHER_PROGRAMS
from app.services.flow.events import LogLine, RunProgress, StepProgress, WaitingForQuiet
from app.services.records.measured import SpeechRecord
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import Speech


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def output(
    json_wanted: bool = False, quiet: bool = False, terminal: bool = False
) -> tuple[Output, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), Terminal() if terminal else io.StringIO()
    return Output(Globals(json=json_wanted, quiet=quiet), out, err), out, err


def step(state: str, detail: str = "", figure: str = "") -> StepRecord:
    return StepRecord("r", 0, "Measure", state, detail, figure)


def test_json_prints_one_document_and_no_text() -> None:
    """Given --json, then only the document is printed; without it, only the text."""
    speak, out, _ = output(json_wanted=True)
    speak.text("words")
    speak.document({"größe": 1.5, "none": None})
    assert json.loads(out.getvalue()) == {"größe": 1.5, "none": None}
    assert out.getvalue().isascii()
    speak, out, _ = output()
    speak.document({"a": 1})
    speak.text("words")
    assert out.getvalue() == "words\n"


def test_texts_of_strangers_do_not_steer_the_terminal() -> None:
    """Given escape sequences, a turned direction and line ends in a name, Then all output shows them, a finding in one line."""
    speak, out, err = output(terminal=True)
    evil = "\x1b[2J\x1b]0;a\x07\x9b1m\u202e\r"
    speak.text(evil)
    speak.piece(f"{evil}\r\n\t")
    speak.finding("danger", f"{evil}\n  info: All files are unchanged.")
    speak.sentence(evil)
    speak.error(ErrorInfo(code="a", title=evil, detail=evil, hint=evil))
    speak.watch(StepProgress(0, evil, 1, 2, "", None))
    printed = err.getvalue().replace("\r\x1b[2K", "")
    assert all(letter.isprintable() or letter in "\n\t" for letter in out.getvalue() + printed)
    assert out.getvalue().count("\n") == 3


def test_document_with_nan_is_refused() -> None:
    """Given NaN, then it is not written as JSON."""
    speak, _, _ = output(json_wanted=True)
    with pytest.raises(ValueError, match="not JSON compliant"):
        speak.document({"a": float("nan")})


def test_steps_are_plain_lines_without_a_terminal() -> None:
    """Given a pipe, then each step is a line, and progress within a short step is not printed."""
    speak, _, err = output()
    for event in (step("running"), StepProgress(0, "warm up", 1, 2, "", 3.0), step("done", "same answers", "1 ms")):
        speak.watch(event)
    speak.watch(step("skipped"))
    speak.watch(step("skipped", "no time left"))
    assert err.getvalue() == "Measure …\nMeasure: 1 ms, same answers\nMeasure: no time left\n"


def test_long_step_reports_progress_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a pipe and a step of half a minute, then a line every ten seconds reports its progress."""
    now_s = 0.0
    monkeypatch.setattr("app.cli.output.time.monotonic", lambda: now_s)
    speak, _, err = output()
    speak.watch(step("running"))
    for second in range(30):
        now_s = float(second)
        speak.watch(StepProgress(0, "Build the engine for SM89", second, 100, "%", None))
    assert err.getvalue().splitlines() == [
        "Measure …", "Build the engine for SM89, 10 % …", "Build the engine for SM89, 20 % …",
    ]  # fmt: skip


def test_next_line_replaces_the_bar_on_a_terminal() -> None:
    """Given a terminal, then progress is a bar with the remaining time, and the next line replaces it."""
    speak, _, err = output(terminal=True)
    speak.watch(StepProgress(0, "warm up", 1, 2, "", 3.0))
    assert "warm up, 3 s left" in err.getvalue()
    assert not err.getvalue().endswith("\n")
    speak.sentence("Done.")
    assert err.getvalue().endswith("\r\x1b[2KDone.\n")


def test_wait_for_a_quiet_computer_is_two_lines() -> None:
    """Given other programs, then one line reports the wait and one its end; an idle computer has no line."""
    speak, _, err = output()
    for share in (None, 0.85, 0.6):
        speak.watch(WaitingForQuiet(share, 40.0))
    speak.watch(WaitingForQuiet(0.05, 0.0, is_over=True))
    lines = err.getvalue().splitlines()
    assert len(lines) == 2 and "85 %" in lines[0] and "40 s" in lines[0]
    speak, _, err = output()
    speak.watch(WaitingForQuiet(None, 60.0))
    speak.watch(WaitingForQuiet(0.02, 0.0, is_over=True))
    assert err.getvalue() == ""
    speak, _, err = output(terminal=True)
    speak.watch(WaitingForQuiet(0.85, 40.0))
    speak.watch(WaitingForQuiet(0.5, 39.0))
    assert "85 %" in err.getvalue() and "50 %" in err.getvalue() and "\n" not in err.getvalue()


def test_quiet_prints_only_the_last_sentence() -> None:
    """Given --quiet, then steps, logs and notices are not printed, but the last sentence is."""
    speak, _, err = output(quiet=True)
    speak.watch(step("done"))
    speak.watch(LogLine("error", "bad"))
    speak.notice("by the way")
    speak.sentence("Done.")
    assert err.getvalue() == "Done.\n"


def test_error_is_one_line_of_sentences() -> None:
    """Given an error, then title, detail and hint are one line, each ends with a full stop, and empty parts are left
    out."""
    speak, out, err = output(json_wanted=True)
    speak.error(ErrorInfo(code="x", title="Broken", detail="It is\nbroken.", hint=""))
    assert err.getvalue() == "Broken. It is broken.\n"
    assert json.loads(out.getvalue())["error"]["hint"] == ""


def test_full_disk_behind_standard_output_fails_with_a_reason() -> None:
    """Given a full disk behind standard output, then the command fails with a reason."""
    speak = Output(Globals(json=True), Full(), io.StringIO())
    with pytest.raises(CommandFailed) as failed:
        speak.document({"a": 1})
    assert failed.value.error.code == "not_written"
    speak.error(failed.value.error)  # its JSON cannot be written either; the words can


def test_run_has_one_bar_with_its_stage() -> None:
    """Given a terminal and a run, then only the bar of the whole run is shown, also during progress within a step."""
    speak, _, err = output(terminal=True)
    speak.watch(RunProgress(0.25, "A: making it", 4))
    speak.watch(StepProgress(3, "warm up", 1, 100, "", 3.0))
    assert err.getvalue().count("[") == 2  # of the escape and of the bar
    assert "━━━━━━ " in err.getvalue() and "25 % A: making it" in err.getvalue()


def test_stage_between_steps_is_one_line() -> None:
    """Given a pipe, then a stage between two steps is printed once, and stages of steps are not."""
    speak, _, err = output()
    for share in (0.1, 0.11, 0.12):
        speak.watch(RunProgress(share, "Choosing what to try"))
    speak.watch(RunProgress(0.2, "A: making it", 4))
    assert err.getvalue() == "Choosing what to try …\n"


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_closed_pipe_raises_reader_gone() -> None:
    """Given a reader that has ended, then no OSError reaches typer, which would exit silently."""
    with pytest.raises(ReaderGone):
        Output(Globals(), Closed(), io.StringIO()).text("x")


def test_a_first_look_has_no_factor() -> None:
    """Given a first measurement that was no faster than the original then, although its time in the table is lower,
    then the line calls it a first look and shows no factor."""
    screened = variant(1, p50_ms=4.18, speedup=0.993, judgement=None, state="measured")
    screened = replace(screened, measurement=replace(screened.measurement, sets=1))
    original, line = version_lines([variant(0), screened], None)
    assert "first look" not in original
    assert line.endswith("Not faster here, measured only once and briefly")
    assert "×" not in line and "0.99" not in line


def test_of_a_language_model_both_factors_are_told() -> None:
    """Given a language model that produces text 1.3 times as fast and reads prompts equally fast, then the line shows
    both parts of its speedup."""
    original = SpeechRecord(rows=(Speech(prompt_tokens=32, first_ms=100.0, tokens_per_s=53.7, n=9),))
    faster = SpeechRecord(rows=(Speech(prompt_tokens=32, first_ms=102.0, tokens_per_s=70.4, n=9),))
    _, line = version_lines(
        [variant(0), variant(1, p50_ms=1.8, speedup=1.1)], None, speech={"v0": original, "v1": faster}
    )
    assert "70.4 tokens/s" in line and "1.1 ×" in line
    assert line.endswith("; speaks 1.3 × as fast, reads a prompt 1.0 × as fast")


def test_a_factor_under_load_is_a_lower_bound() -> None:
    """Given a version that was measured under load, then its factor is the lower bound of all comparison methods,
    rounded down; a bound below 1 is not shown."""
    made = variant(1, p50_ms=1.0, speedup=2.4)
    loaded = replace(made, measurement=replace(made.measurement, under_load=True, agreed_low=1.69))
    _, line = version_lines([variant(0), loaded], None)
    assert "≥ 1.6 ×" in line and "2.4" not in line
    unknown = replace(loaded, measurement=replace(loaded.measurement, agreed_low=0.04))
    assert "≥" not in list(version_lines([variant(0), unknown], None))[1]
    assert disturbed(loaded) == (OTHER_PROGRAMS,) and disturbed(made) == disturbed(None) == ()


def test_a_factor_has_its_interval() -> None:
    """Given a version measured in turn with the original, then its factor is followed by its interval."""
    made = variant(1, p50_ms=1.0, speedup=2.0)
    timed = replace(made, measurement=replace(made.measurement, speedup_low=1.91, speedup_high=2.08))
    _, line = version_lines([variant(0), timed], None)
    assert "2.0 × (1.9 to 2.1)" in line


def test_global_options_are_found_anywhere() -> None:
    """Given global options before and after a command, then they are found, and the rest keeps its order."""
    options, rest = split_globals(["--json", "bench", "m.onnx", "--data-dir", "d", "--batch", "1", "--quiet"])
    assert (options.json, options.quiet, options.data_dir) == (True, True, Path("d"))
    assert rest == ["bench", "m.onnx", "--batch", "1"]


def test_parse_shapes_with_and_without_a_name() -> None:
    """Given shapes, then each belongs to its input; a malformed one is wrong usage (exit code 2)."""
    assert parse_shapes(["1x3x8x8", "mask=1x8"]) == {"": (1, 3, 8, 8), "mask": (1, 8)}
    for bad in ("1x0", "x", "1,3", "a=b"):
        with pytest.raises(CommandFailed) as failed:
            parse_shapes([bad])
        assert failed.value.exit_code == 2


def test_parse_batches() -> None:
    """Given a list of batch sizes, then it is parsed; anything else is wrong usage."""
    assert parse_batches("1,4,16") == (1, 4, 16)
    for bad in ("", "0", "1,x"):
        with pytest.raises(CommandFailed):
            parse_batches(bad)
