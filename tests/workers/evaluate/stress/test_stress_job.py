"""The job ``stress`` on models that are hurt by one thing only: it must be named, and nothing else."""

import csv
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import stress_models as models
from evaluated import write_wav
from PIL import Image

from workers import registry
from workers.contracts.after.stress import StressResult
from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.folder import read_model
from workers.contracts.pipeline import read_pipeline, write_pipeline
from workers.contracts.process.context import JobContext
from workers.runtime.recording import RecordingContext

Run = Callable[..., StressResult]


def verdicts(result: StressResult) -> dict[str, str]:
    return {row.id: row.verdict for row in result.rows}


def test_a_model_that_is_worse_only_in_the_dark_is_named(colors: dict[str, Path], put_under_stress: Run) -> None:
    """Given a variant that fails in the dark alone, Then the dark is named with its loss, nothing else is, both are equal on unchanged pictures, and each kind has its picture."""
    found = put_under_stress(colors["original"], colors["dark"], colors["data"], colors["pictures"])
    worse = [kind for kind, verdict in verdicts(found).items() if verdict == "worse"]
    assert worse == ["darker"], {row.id: row.words for row in found.rows}
    assert found.clean.original == found.clean.optimized == 1.0 and found.measure == "accuracy"
    row = next(row for row in found.rows if row.id == "darker")
    assert found.headline.startswith("In the dark (severity 3) the optimized model gets ")
    assert "more of the examples wrong than the original" in found.headline
    assert (
        row.p_holm < 0.01 and row.cells[-1].worse > 20 and row.cells[-1].better == 0 and row.cells[0].verdict == "worse"
    )
    assert all(row.picture for row in found.rows) and found.n_answered == found.n_items and not found.stopped_early


@pytest.mark.whole
def test_the_same_model_is_even_everywhere_and_the_same_by_seed(colors: dict[str, Path], put_under_stress: Run) -> None:
    """Given a copy of the original, Then no kind is worse, and with 25 examples none is as good either; the same seed gives the same figures, another seed
    other ones; and pictures that are gone are drawn from what the model got of them."""
    first = put_under_stress(colors["original"], colors["same"], colors["data"], colors["pictures"], max_items=25)
    again = put_under_stress(colors["original"], colors["same"], colors["data"], colors["pictures"], max_items=25)
    assert set(verdicts(first).values()) == {"unclear"} and all(row.needed and row.needed >= 120 for row in first.rows)
    assert [row.cells for row in first.rows] == [row.cells for row in again.rows]
    assert first.headline.startswith("Nothing is proven to hurt the optimized model more, but 25 examples cannot tell")
    assert " more would." in first.headline and first.rule == 2 and first.margin == 0.02
    gone = put_under_stress(colors["original"], colors["same"], colors["data"], None, max_items=25)
    assert gone.clean.original == 1.0 and any("drawn from what the model got" in note for note in gone.notes)


def test_arrays_that_were_prepared_before_are_fed_as_they_were_judged(
    colors: dict[str, Path], put_under_stress: Run, tmp_path: Path
) -> None:
    """Given arrays whose numbers lie far above those of a prepared picture, Then unchanged they are all answered
    rightly, as they were judged, and they are changed as numbers."""
    files = sorted(colors["pictures"].rglob("*.png"))
    values = np.stack([np.asarray(Image.open(path).resize((24, 24)), np.float32) for path in files])
    labels = [models.COLORS.index(path.parent.name) for path in files]
    mine = tmp_path / "mine"
    mine.mkdir()
    np.savez(mine / "a.npz", picture=(values / 255 * 8 + 1).transpose(0, 3, 1, 2), y=labels)
    data = models.read_data(mine, colors["original"], mine / "a.npz")
    found = put_under_stress(colors["original"], colors["same"], data, mine / "a.npz", max_items=30)
    assert found.measure == "accuracy" and found.clean.original == found.clean.optimized == 1.0
    assert found.picture is None and not any("drawn" in note for note in found.notes)


def test_a_variant_that_prepares_pictures_itself_is_even(
    colors: dict[str, Path], put_under_stress: Run, tmp_path: Path
) -> None:
    """Given a variant that takes pixels, Then changed pictures reach it as pixels, and it answers all as the original;
    attacks reach it as pixels, too."""
    spec = registry.techniques()["pixels_in"]
    work = tmp_path / "pixels"
    work.mkdir()
    spec.apply(read_model(colors["original"]), spec.params(), RecordingContext(work, data_dir=colors["data"]))
    found = put_under_stress(
        colors["original"], work / "model", colors["data"], colors["pictures"], max_items=15, attack_items=5,
        attack_eps=0.25,
    )  # fmt: skip
    assert "worse" not in verdicts(found).values() and found.clean.original == found.clean.optimized == 1.0
    assert all(cell.worse == 0 and cell.better == 0 for row in found.rows for cell in row.cells)
    gradient = found.attacks[1]
    assert gradient.original_way == gradient.optimized_way == "gradients", gradient
    assert gradient.original_fooled == gradient.optimized_fooled == gradient.transfer_fooled == 5


def test_full_mode_has_all_kinds_at_all_severities(colors: dict[str, Path], put_under_stress: Run) -> None:
    """Given full mode, Then all fifteen corruptions and the drifts come at five severities."""
    found = put_under_stress(
        colors["original"], colors["dark"], colors["data"], colors["pictures"], full=True, max_items=12
    )
    assert len(found.rows) == 18 and all(len(row.cells) == 5 for row in found.rows)


def test_when_the_time_is_up_all_cells_hold_the_same_examples(colors: dict[str, Path], put_under_stress: Run) -> None:
    """Given a second for everything, Then at least ten examples are answered, as many in each cell, and it is told."""
    found = put_under_stress(
        colors["original"], colors["same"], colors["data"], colors["pictures"], full=True, max_seconds=1
    )
    assert found.stopped_early and found.n_answered < found.n_items
    assert {cell.n for row in found.rows for cell in row.cells} == {found.n_answered} and found.n_answered >= 10
    assert any("more did not fit into 1 s" in note for note in found.notes)


def test_it_stops_within_a_second(colors: dict[str, Path], put_under_stress: Run, tmp_path: Path) -> None:
    """Given a person who cancels after a while, Then the next look at the wish, less than a second later, ends it."""

    class Impatient(RecordingContext):
        asked_s: list[float] = []

        def check_cancelled(self) -> None:
            self.asked_s.append(time.monotonic())
            if len(self.asked_s) > 300:
                raise JobCancelled

    work = tmp_path / "stopped"
    work.mkdir()
    ctx: JobContext = Impatient(work)
    with pytest.raises(JobCancelled):
        put_under_stress(
            colors["original"], colors["dark"], colors["data"], colors["pictures"], full=True, ctx=ctx, attack_items=5
        )
    assert max(np.diff(Impatient.asked_s)) < 1.0


def test_texts_with_typos(put_under_stress: Run, tmp_path: Path) -> None:
    """Given a variant that fears unknown words, Then typos and look-alikes hurt it; the clean texts do not."""
    rng = np.random.default_rng(1)
    with (tmp_path / "texts.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(80):
            word = ("bad", "good")[number % 2]
            rest = [str(part) for part in rng.choice(["film", "weather", "very", "the", "was", "today", "really"], 9)]
            writer.writerow([" ".join([*rest[:4], word, *rest[4:], word]), ("negative", "positive")[number % 2]])
    original, variant = models.texts_model(tmp_path / "o", False), models.texts_model(tmp_path / "v", True)
    data = models.read_data(tmp_path, original, tmp_path / "texts.csv")
    found = put_under_stress(original, variant, data)
    assert found.clean.original == found.clean.optimized == 1.0
    assert verdicts(found)["text_typos"] == verdicts(found)["text_homoglyphs"] == "worse"
    assert verdicts(found)["text_dropped"] != "worse" and {row.group for row in found.rows} == {"text"}
    row = next(row for row in found.rows if row.id == "text_typos")
    assert row.words.startswith("With typos (") and [cell.level for cell in row.cells] == ["5 %", "10 %", "20 %"]


def test_sounds_without_labels(put_under_stress: Run, tmp_path: Path) -> None:
    """Given recordings without labels and a variant that wants them louder, Then softer ones hurt it; a recording is one
    cluster however many moments it has."""
    folder = tmp_path / "sounds"
    rng = np.random.default_rng(2)
    for number in range(14):
        loud = np.repeat(rng.choice([0.002, 0.5], 25), 160)
        write_wav(folder / f"{number}.wav", 32767 * loud * np.sin(np.arange(loud.size) / 3))
    original, variant = models.sounds_model(tmp_path / "o", 0.01), models.sounds_model(tmp_path / "v", 0.1)
    data = models.read_data(tmp_path, original, folder)
    found = put_under_stress(original, variant, data)
    assert found.measure == "agreement" and found.clean.optimized == 1.0
    assert verdicts(found)["sound_gain"] == "worse"
    gain = next(row for row in found.rows if row.id == "sound_gain")
    assert gain.cells[0].worse + gain.cells[0].better <= found.n_answered
    assert "no labels" in " ".join(found.notes) and not found.unfamiliar


def test_numbers_and_answers_that_are_no_classes(put_under_stress: Run, tmp_path: Path) -> None:
    """Given arrays and an identical variant, Then noise and missing numbers are not worse; given a model without classes,
    similarity to the original on the same input is what counts."""
    rng = np.random.default_rng(4)
    np.savez(tmp_path / "numbers.npz", x=rng.normal(0, 1, (60, 8)).astype(np.float32))
    original, variant = models.numbers_model(tmp_path / "o"), models.numbers_model(tmp_path / "v", scale=2.0)
    data = models.read_data(tmp_path, original, tmp_path / "numbers.npz")
    found = put_under_stress(original, variant, data, attack_items=6)
    assert found.measure == "agreement" and "worse" not in verdicts(found).values()
    assert [(row.id, row.near) for row in found.unfamiliar] == [("mixed", True), ("noise", False), ("far", False)]
    assert found.attacks[0].id == "square" and found.attacks[0].n == 6
    spec = replace(read_pipeline(original), answer_kind="tensor")
    for folder in (original, variant):
        write_pipeline(folder, spec)
    found = put_under_stress(original, variant, data, attack_items=6)
    assert found.measure == "similarity" and found.clean.optimized < 0.5
    assert "no classes" in found.attacks[0].why_not and found.headline.startswith("Already without stress")


def test_a_run_without_examples_is_refused(colors: dict[str, Path], put_under_stress: Run) -> None:
    """Given a part of which no item counts, Then it is told in a sentence."""
    from workers.contracts.after.stress import StressParams, StressPart
    from workers.evaluate.stress.samples import read_items
    from workers.pipeline.pipeline import load_pipeline

    params = StressParams(
        original_dir="", original_runtime="", variant_dir="", variant_runtime="",
        parts=(StressPart(data_dir=str(colors["data"]), items=()),),
    )  # fmt: skip
    with pytest.raises(InputRefused) as refused:
        read_items(params, load_pipeline(colors["original"]))
    assert refused.value.code == "no_examples"


@pytest.mark.whole
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_gradients_of_a_torch_program_attack_both(
    colors: dict[str, Path], put_under_stress: Run, tmp_path: Path
) -> None:
    """Given an original with its torch program, Then PGD is made with its gradients and with those of the other's graph
    within eps, what fools the original is handed on, and the wording is of this budget; without a program it is made by
    the graph."""
    import torch

    original = tmp_path / "with program"
    shutil.copytree(colors["original"], original)

    class Strongest(torch.nn.Module):
        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            return 40 * picture.mean(dim=(2, 3))

    program = torch.export.export(Strongest(), (torch.zeros(1, 3, 24, 24),))
    names = json.dumps({"inputs": ["picture"], "outputs": ["logits"]})
    torch.export.save(program, str(original / "model.pt2"), extra_files={"names.json": names})
    found = put_under_stress(
        original, colors["same"], colors["data"], colors["pictures"], max_items=24, attack_items=12, attack_eps=0.25
    )
    square, gradient = found.attacks
    assert (square.id, square.eps, square.queries, square.n) == ("square", 0.25, 5, 12)
    assert (gradient.id, gradient.eps, gradient.queries, gradient.n) == ("pgd", 0.25, 10, 12)
    assert gradient.original_fooled == gradient.optimized_fooled == 12, "a gap of .2 falls to a change of .25"
    assert gradient.transfer_n == gradient.transfer_fooled == 12 and "(transfer)" in gradient.words
    assert gradient.verdict == "unclear", "where all fall nothing can be compared"
    assert "survived this budget" in square.words and "robust" not in f"{square.words} {gradient.words}".lower()
    weak = put_under_stress(
        original, colors["same"], colors["data"], colors["pictures"], max_items=24, attack_items=12, attack_eps=0.02
    )
    assert weak.attacks[1].original_fooled == 0
    without = put_under_stress(
        colors["original"], colors["same"], colors["data"], colors["pictures"], max_items=12, attack_items=4
    )
    assert without.attacks[1].original_way == "gradients" and without.attacks[0].eps == pytest.approx(8 / 255)
