"""How commands print: sentences, tables, options."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from desk import variant

from app.cli.options.inputs import parse_batches, parse_shapes, split_globals
from app.cli.output import CommandFailed, Globals, Output, ReaderGone
from app.cli.tables import disturbed, version_lines
from app.domain.run import StepRecord
from app.domain.words.results import OTHER_PROGRAMS
from app.services.flow.events import LogLine, RunProgress, StepProgress, WaitingForQuiet
from app.services.records.measured import SpeechRecord
from workers.contracts.errors import ErrorInfo
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


def test_one_document_and_nothing_else_on_standard_output() -> None:
    """Given --json, then words are left out; without it, the document is."""
    speak, out, _ = output(json_wanted=True)
    speak.text("words")
    speak.document({"größe": 1.5, "none": None})
    assert json.loads(out.getvalue()) == {"größe": 1.5, "none": None}
    assert out.getvalue().isascii()
    speak, out, _ = output()
    speak.document({"a": 1})
    speak.text("words")
    assert out.getvalue() == "words\n"


def test_numbers_that_are_none_are_a_mistake() -> None:
    """Given NaN, then it is not written as JSON."""
    speak, _, _ = output(json_wanted=True)
    with pytest.raises(ValueError, match="not JSON compliant"):
        speak.document({"a": float("nan")})


def test_plain_lines_where_there_is_no_terminal() -> None:
    """Given a pipe, then steps are lines, and progress within them is not shown."""
    speak, _, err = output()
    for event in (step("running"), StepProgress(0, "warm up", 1, 2, "", 3.0), step("done", "same answers", "1 ms")):
        speak.watch(event)
    speak.watch(step("skipped"))
    speak.watch(step("skipped", "no time left"))
    assert err.getvalue() == "Measure …\nMeasure: 1 ms, same answers\nMeasure: no time left\n"


def test_a_long_step_says_how_far_it_is_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a pipe and a step that goes on for half a minute (an engine that is built), then a line every ten seconds."""
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


def test_a_bar_on_a_terminal_is_wiped_by_what_follows() -> None:
    """Given a terminal, then progress is a bar with the time left, and the next line stands in its place."""
    speak, _, err = output(terminal=True)
    speak.watch(StepProgress(0, "warm up", 1, 2, "", 3.0))
    assert "warm up, 3 s left" in err.getvalue()
    assert not err.getvalue().endswith("\n")
    speak.sentence("Done.")
    assert err.getvalue().endswith("\r\x1b[2KDone.\n")


def test_waiting_for_a_quiet_computer_is_told_once() -> None:
    """Given looks at other programs, Then one line tells that it waits and one that it goes on; a quiet computer, none."""
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


def test_quiet_tells_only_the_sentence_that_matters() -> None:
    """Given --quiet, then neither steps nor logs nor notices are shown, but the last sentence is."""
    speak, _, err = output(quiet=True)
    speak.watch(step("done"))
    speak.watch(LogLine("error", "bad"))
    speak.notice("by the way")
    speak.sentence("Done.")
    assert err.getvalue() == "Done.\n"


def test_an_error_is_whole_sentences() -> None:
    """Given an error, then title, detail and hint stand in one line, each with its full stop; empty parts are left out."""
    speak, out, err = output(json_wanted=True)
    speak.error(ErrorInfo(code="x", title="Broken", detail="It is\nbroken.", hint=""))
    assert err.getvalue() == "Broken. It is broken.\n"
    assert json.loads(out.getvalue())["error"]["hint"] == ""


def test_standard_output_without_room() -> None:
    """Given a full disk behind standard output, then the command fails in words."""
    speak = Output(Globals(json=True), Full(), io.StringIO())
    with pytest.raises(CommandFailed) as failed:
        speak.document({"a": 1})
    assert failed.value.error.code == "not_written"
    speak.error(failed.value.error)  # its JSON cannot be written either; the words can


def test_a_run_has_one_bar_that_names_what_is_done() -> None:
    """Given a terminal and a run, then the bar is the whole run's, whatever the progress within a step is."""
    speak, _, err = output(terminal=True)
    speak.watch(RunProgress(0.25, "A: making it", 4, 9))
    speak.watch(StepProgress(3, "warm up", 1, 100, "", 3.0))
    assert err.getvalue().count("[") == 2  # of the escape and of the bar
    assert "━━━━━━ " in err.getvalue() and "25 % A: making it" in err.getvalue()


def test_what_is_done_between_two_steps_has_a_line() -> None:
    """Given a pipe, then a stage between two steps is told once; those of steps are told by the steps."""
    speak, _, err = output()
    for share in (0.1, 0.11, 0.12):
        speak.watch(RunProgress(share, "Choosing what to try"))
    speak.watch(RunProgress(0.2, "A: making it", 4, 9))
    assert err.getvalue() == "Choosing what to try …\n"


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_answer_that_nobody_reads_is_no_error_of_the_system() -> None:
    """Given a program behind the pipe that has ended, Then no OSError passes typer, which would end in silence."""
    with pytest.raises(ReaderGone):
        Output(Globals(), Closed(), io.StringIO()).text("x")


def test_a_first_look_has_no_factor() -> None:
    """Given a first look that was no faster than the original of that minute, though its time is below that in the
    table, Then the line says that it is of another moment, and no factor stands beside it."""
    looked = variant(1, p50_ms=4.18, speedup=0.993, judgement=None, state="measured")
    looked = replace(looked, measurement=replace(looked.measurement, sets=1))
    original, line = version_lines([variant(0), looked], None)
    assert "first look" not in original
    assert line.endswith("Not faster here, a first look only, at another moment than the original's")
    assert "×" not in line and "0.99" not in line


def test_of_a_language_model_both_factors_are_told() -> None:
    """Given a version that speaks 1.3 times as fast and reads prompts as slowly as the original, so that a short answer
    is 1.1 times as fast, Then the line says what the factor is made of."""
    original = SpeechRecord(rows=(Speech(prompt_tokens=32, first_ms=100.0, tokens_per_s=53.7, n=9),))
    faster = SpeechRecord(rows=(Speech(prompt_tokens=32, first_ms=102.0, tokens_per_s=70.4, n=9),))
    _, line = version_lines(
        [variant(0), variant(1, p50_ms=1.8, speedup=1.1)], None, speech={"v0": original, "v1": faster}
    )
    assert "70.4 tokens/s" in line and "1.1 ×" in line
    assert line.endswith("; speaks 1.3 × as fast, reads a prompt 1.0 × as fast")


def test_a_factor_under_load_is_a_lower_bound() -> None:
    """Given a version that was measured beside other programs, Then its factor is the bound that all ways to compare agree
    on, rounded down."""
    made = variant(1, p50_ms=1.0, speedup=2.4)
    loaded = replace(made, measurement=replace(made.measurement, under_load=True, agreed_low=1.69))
    _, line = version_lines([variant(0), loaded], None)
    assert "≥ 1.6 ×" in line and "2.4" not in line
    assert disturbed(loaded) == (OTHER_PROGRAMS,) and disturbed(made) == disturbed(None) == ()


def test_a_factor_has_its_interval() -> None:
    """Given a version measured in turn with the original, Then the interval of its factor stands beside it."""
    made = variant(1, p50_ms=1.0, speedup=2.0)
    timed = replace(made, measurement=replace(made.measurement, speedup_low=1.91, speedup_high=2.08))
    _, line = version_lines([variant(0), timed], None)
    assert "2.0 × (1.9 to 2.1)" in line


def test_global_options_stand_anywhere() -> None:
    """Given global options before and after a command, then they are found, and the rest is left in order."""
    options, rest = split_globals(["--json", "bench", "m.onnx", "--data-dir", "d", "--batch", "1", "--quiet"])
    assert (options.json, options.quiet, options.data_dir) == (True, True, Path("d"))
    assert rest == ["bench", "m.onnx", "--batch", "1"]


def test_shapes_with_and_without_a_name() -> None:
    """Given shapes, then each goes to its input; a bad one is wrong usage (exit code 2)."""
    assert parse_shapes(["1x3x8x8", "mask=1x8"]) == {"": (1, 3, 8, 8), "mask": (1, 8)}
    for bad in ("1x0", "x", "1,3", "a=b"):
        with pytest.raises(CommandFailed) as failed:
            parse_shapes([bad])
        assert failed.value.exit_code == 2


def test_batches() -> None:
    """Given a list of batch sizes, then it is read; anything else is wrong usage."""
    assert parse_batches("1,4,16") == (1, 4, 16)
    for bad in ("", "0", "1,x"):
        with pytest.raises(CommandFailed):
            parse_batches(bad)
