"""The model card: every figure from the facts, nothing invented, foreign text harmless."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from card_facts import DATA, ORIGINAL, SPEC, VARIANT, facts

from workers.contracts.data.record import DataRecord
from workers.export.card.text import card, figure, record_lines
from workers.export.layout import with_columns
from workers.export.python_folder import COMMANDS
from workers.pipeline.spec import ArraySteps, ImageSteps, PipelineInput, TextSteps


def front_matter(text: str) -> dict[str, Any]:
    assert text.startswith("---\n")
    found = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(found, dict)
    return found


def test_card_shows_every_figure_next_to_the_originals() -> None:
    """Given two versions, then their figures are side by side with their units, unknown ones as a dash."""
    text = card(facts(), SPEC, COMMANDS)
    assert ", with OpenVINO (processor)." in text
    assert "- run by OpenVINO (processor), with numbers of the kind `int8`" in text
    assert "| Accuracy | 91.20 % | 91.10 % |" in text
    assert "| Latency p50 | 10 ms | 2.5 ms |" in text
    assert "| Size | 9.20 MB | 2.40 MB |" in text
    assert "Latency p99" not in text  # neither has one
    assert "4.00 times faster and 3.80 times smaller than the original, measured on A Processor." in text
    assert "Safe: on 1,100 examples" in text
    assert "1,200 examples of the user's own, with labels" in text
    assert "200 others were used for calibration" in text
    assert "`int8_static`, version 2: percentile 99.9" in text
    assert "- A note." in text


@pytest.mark.parametrize(
    ("speedup", "size_ratio", "expected"),
    [
        (2.75, 1.0, "2.75 times faster than the original"),
        (0.5, 0.8, "2.00 times slower and 1.25 times larger than the original"),
        (1.01, 1.0, ""),
    ],
)
def test_what_stayed_the_same_is_no_achievement(speedup: float, size_ratio: float, expected: str) -> None:
    """Given a size or a speed that did not change, or for the worse, then no sentence praises it."""
    text = card(facts(variant={**VARIANT, "speedup": speedup, "size_ratio": size_ratio}), SPEC, COMMANDS)
    assert expected in text
    assert ("than the original, measured" in text) == bool(expected)
    assert "1.00 times" not in text


def test_missing_statements_are_marked_as_missing() -> None:
    """Given no purpose and no license, then the card shows that they are not stated, and invents nothing."""
    text = card(facts(license=None, purpose="", contact=""), SPEC, COMMANDS)
    assert text.count("Not stated by the person who made this bundle.") == 2
    assert "License: unknown, ask its author" in text
    assert "license" not in front_matter(text)


REGRESSED = {**VARIANT, "verdict": "regressed"}
SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({"variant": {**VARIANT, "verdict": "not_enough_data"}}, "Not proven: 1,100 examples are too few"),
    ({"variant": REGRESSED}, "Regressed: on 1,100 examples"),
    ({"variant": {**VARIANT, "verdict": "unmeasured", "accuracy": None}}, "were not compared"),
    ({"variant": REGRESSED, "override_reason": "It sorts."}, "Exported all the same, for this reason: It sorts."),
    ({"data": DATA.model_copy(update={"origin": "made"})}, "1,200 inputs that Fettle made. What real examples would"),
]


@pytest.mark.parametrize(("more", "words"), SENTENCES, ids=[row[1][:12] for row in SENTENCES])
def test_card_states_verdict_override_and_made_inputs(more: dict[str, Any], words: str) -> None:
    """Given each verdict, a reason to export against it, or inputs that Fettle made, then the card has its sentence."""
    assert words in card(facts(**more), SPEC, COMMANDS)


@pytest.mark.parametrize(
    ("labelled", "expected"), [(True, "they were not compared."), (False, "no labels that the model knows.")]
)
def test_missing_accuracy_has_its_reason(labelled: bool, expected: str) -> None:
    """Given a version that was not judged, then labels that were there are not reported to be missing."""
    data = DATA.model_copy(update={"labelled": labelled})
    text = card(facts(variant={**VARIANT, "verdict": "unmeasured", "accuracy": None}, data=data), SPEC, COMMANDS)
    (line,) = (line for line in text.splitlines() if line.startswith("- Whether its answers are right"))
    assert line.endswith(expected)


def test_the_original_is_called_what_it_is() -> None:
    """Given the original itself, then no gain is claimed, and it is no quantized model."""
    text = card(facts(variant=ORIGINAL), SPEC, COMMANDS)
    assert "This is the original, unchanged." in text
    assert "times faster" not in text
    assert "base_model_relation" not in front_matter(text)


@pytest.mark.parametrize(
    ("steps", "command"),
    [
        (ImageSteps(), "run.py photo.jpg"),
        (TextSteps(), 'run.py --text "some text"'),
        (ArraySteps(), "run.py inputs.npz"),
    ],
    ids=["image", "text", "array"],
)
def test_how_to_run_it(steps: Any, command: str) -> None:
    """Given a kind of input, then the command that a person can copy."""
    assert command in card(facts(), replace(SPEC, preprocess=steps), COMMANDS)


def test_pixel_input_is_described() -> None:
    """Given a model that prepares pictures itself, then the card shows both forms of its input; otherwise one."""
    entry = PipelineInput(name="image", dtype="float32", shape=(None, 3, 8, 8), source="image")
    spec = replace(SPEC, inputs=(entry,), preprocess=ImageSteps(pixels=True))
    text = card(facts(), spec, COMMANDS)
    assert "`image`, float32, any×3×8×8" in text and "`image` also takes pixels: uint8, any×height×width×3" in text
    assert "uint8" not in card(facts(), replace(spec, preprocess=ImageSteps()), COMMANDS)


def test_columns_of_a_row_are_listed_in_their_order() -> None:
    """Given rows of a table, then their bundle names the columns and the card lists them; columns of several inputs,
    or of none, add nothing."""
    entry = PipelineInput(name="x", dtype="float32", shape=(None, 2), source="array")
    spec, known = replace(SPEC, inputs=(entry,)), facts(data=DATA.model_copy(update={"row_columns": ("size", "a*b")}))
    named = with_columns(spec, known)
    assert named.inputs[0].columns == ("size", "a*b") and with_columns(spec, facts()) == spec
    assert "- A row holds, in this order: `size`, `a*b`" in card(known, named, COMMANDS)
    two = replace(spec, inputs=(entry, replace(entry, name="y")))
    assert with_columns(two, known) == two and "A row holds" not in card(known, two, COMMANDS)


def test_figures() -> None:
    """Given numbers and nothing, then units and dashes."""
    assert figure(None, "ms") == "–"
    assert figure(0.12345, "pct") == "12.35 %"
    assert figure(0.0, "pct") == "0 %"
    assert figure(1234567, "bytes") == "1.23 MB"
    assert figure(1234.56, "number") == "1,234.6"
    assert figure(0.0885, "number") == "0.0885"  # a language model's answers a second


def test_three_answers_in_words() -> None:
    """Given two answers of three, Then the card shows them, that one was not given, and that nobody checked."""
    lines = record_lines(DataRecord(made_by="me", people="agreed", answered_at="2026-11-25T20:00:00+00:00"))
    assert "on 2026-11-25, not checked" in lines
    assert "- Who made the examples? The person who made this bundle, or their team." in lines
    assert "- May they be used for this purpose? Not answered." in lines
    assert "- Do they show people or private things? Yes, and these people agreed." in lines
