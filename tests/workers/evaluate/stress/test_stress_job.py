"""The job ``stress`` on models that fail under one kind of stress only, which must be the only one that is named."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import stress_models as models
from evaluated import write_wav
from PIL import Image
from recording import RecordingContext

from workers import registry
from workers.contracts.after.stress import StressResult
from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.folder import read_model
from workers.contracts.pipeline import read_pipeline, write_pipeline

Run = Callable[..., StressResult]


def verdicts(result: StressResult) -> dict[str, str]:
    return {row.id: row.verdict for row in result.rows}


def test_variant_that_fails_in_the_dark_is_worse_only_there(stress_colors: Run) -> None:
    """Given a variant that fails in the dark alone, then only the dark is worse, with its loss in the headline, and each
    kind has its picture."""
    result = stress_colors("dark")
    worse = [kind for kind, verdict in verdicts(result).items() if verdict == "worse"]
    assert worse == ["darker"], {row.id: row.words for row in result.rows}
    assert result.clean.original == result.clean.optimized == 1.0 and result.measure == "accuracy"
    row = next(row for row in result.rows if row.id == "darker")
    assert result.headline.startswith("In the dark (severity 3) the optimized model gets ")
    assert "more of the examples wrong than the original" in result.headline
    assert row.p_holm < 0.01 and row.cells[0].verdict == "worse"
    assert row.cells[-1].worse > 20 and row.cells[-1].better == 0
    assert all(row.picture for row in result.rows) and result.n_answered == result.n_items and not result.stopped_early


@pytest.mark.whole
def test_equal_variant_is_unclear_with_few_examples(stress_colors: Run) -> None:
    """Given a copy of the original and 25 examples, then every kind is unclear, and the same seed gives the same figures;
    without their files, pictures are drawn from the prepared inputs."""
    first, again = (stress_colors("same", max_items=25) for _ in range(2))
    assert set(verdicts(first).values()) == {"unclear"} and all(row.needed and row.needed >= 120 for row in first.rows)
    assert [row.cells for row in first.rows] == [row.cells for row in again.rows]
    assert first.headline.startswith("Nothing is proven to hurt the optimized model more, but 25 examples cannot tell")
    assert " more would." in first.headline and first.rule == 2 and first.margin == 0.02
    gone = stress_colors("same", source=None, max_items=25)
    assert gone.clean.original == 1.0 and any("drawn from what the model got" in note for note in gone.notes)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_pictures_in_a_folder_whose_name_is_no_text_are_read(
    stress_colors: Run, colors: dict[str, Path], tmp_path: Path
) -> None:
    """Given a folder whose name is no text in any encoding, Then its pictures are changed and not the prepared inputs."""
    source = tmp_path / os.fsdecode(b"\xff\xfe")
    shutil.copytree(colors["pictures"], source)
    result = stress_colors("same", source=source, max_items=12)
    assert result.n_items == 12 and not any("drawn from what the model got" in note for note in result.notes)


def test_prepared_arrays_are_changed_as_numbers(colors: dict[str, Path], put_under_stress: Run, tmp_path: Path) -> None:
    """Given arrays whose numbers lie far above those of a prepared picture, then all predictions for the unchanged arrays
    are right, and they are changed as numbers."""
    files = sorted(colors["pictures"].rglob("*.png"))
    values = np.stack([np.asarray(Image.open(path).resize((24, 24)), np.float32) for path in files])
    labels = [models.COLORS.index(path.parent.name) for path in files]
    mine = tmp_path / "mine"
    mine.mkdir()
    np.savez(mine / "a.npz", picture=(values / 255 * 8 + 1).transpose(0, 3, 1, 2), y=labels)
    data = models.read_data(mine, colors["original"], mine / "a.npz")
    result = put_under_stress(colors["original"], colors["same"], data, mine / "a.npz", max_items=30)
    assert result.measure == "accuracy" and result.clean.original == result.clean.optimized == 1.0
    assert result.picture is None and not any("drawn" in note for note in result.notes)


def test_variant_that_takes_pixels_gets_changed_pixels(
    colors: dict[str, Path], stress_colors: Run, tmp_path: Path
) -> None:
    """Given a variant that prepares pictures itself, then it predicts changed pictures as the original does, and attacks
    succeed on it, too."""
    spec = registry.techniques()["pixels_in"]
    work = tmp_path / "pixels"
    work.mkdir()
    spec.apply(read_model(colors["original"]), spec.params(), RecordingContext(work, data_dir=colors["data"]))
    result = stress_colors(work / "model", max_items=15, attack_items=5, attack_eps=0.25)
    assert "worse" not in verdicts(result).values() and result.clean.original == result.clean.optimized == 1.0
    assert all(cell.worse == 0 and cell.better == 0 for row in result.rows for cell in row.cells)
    gradient = result.attacks[1]
    assert gradient.original_way == gradient.optimized_way == "gradients", gradient
    assert gradient.original_fooled == gradient.optimized_fooled == gradient.transfer_fooled == 5


def test_full_mode_has_the_same_examples_in_all_cells_when_time_is_up(stress_colors: Run) -> None:
    """Given full mode and a second for everything, then all 18 kinds have five severities with the same examples, at
    least ten, and a note gives the reason."""
    result = stress_colors("same", full=True, max_seconds=1)
    assert len(result.rows) == 18 and all(len(row.cells) == 5 for row in result.rows)
    assert result.stopped_early and result.n_answered < result.n_items
    assert {cell.n for row in result.rows for cell in row.cells} == {result.n_answered} and result.n_answered >= 10
    assert any("more did not fit into 1 s" in note for note in result.notes)


def test_cancelled_job_ends_within_a_second(stress_colors: Run, tmp_path: Path) -> None:
    """Given a job that is cancelled after a while, then it checks for that at least once a second."""

    class Impatient(RecordingContext):
        checked_s: list[float] = []

        def check_cancelled(self) -> None:
            self.checked_s.append(time.monotonic())
            if len(self.checked_s) > 300:
                raise JobCancelled

    with pytest.raises(JobCancelled):
        stress_colors("dark", full=True, ctx=Impatient(tmp_path), attack_items=5)
    assert max(np.diff(Impatient.checked_s)) < 1.0


def test_variant_that_fears_unknown_words_is_worse_with_typos(put_under_stress: Run, tmp_path: Path) -> None:
    """Given a variant that fails on unknown words, then it is worse with typos and look-alikes, and not without."""
    rng = np.random.default_rng(1)
    lines = ["text,label"]
    for number in range(80):
        word, label = (("bad", "negative"), ("good", "positive"))[number % 2]
        rest = rng.choice(["film", "weather", "very", "the", "was", "today", "really"], 9).tolist()
        lines.append(f"{' '.join([*rest[:4], word, *rest[4:], word])},{label}")
    (tmp_path / "texts.csv").write_text("\n".join(lines), encoding="utf-8")
    original, variant = models.texts_model(tmp_path / "o", False), models.texts_model(tmp_path / "v", True)
    data = models.read_data(tmp_path, original, tmp_path / "texts.csv")
    result = put_under_stress(original, variant, data)
    assert result.clean.original == result.clean.optimized == 1.0
    assert verdicts(result)["text_typos"] == verdicts(result)["text_homoglyphs"] == "worse"
    assert verdicts(result)["text_dropped"] != "worse" and {row.group for row in result.rows} == {"text"}
    row = next(row for row in result.rows if row.id == "text_typos")
    assert row.words.startswith("With typos (") and [cell.level for cell in row.cells] == ["5 %", "10 %", "20 %"]


def test_softer_recordings_hurt_a_variant_with_a_higher_limit(put_under_stress: Run, tmp_path: Path) -> None:
    """Given recordings without labels and a variant that needs them louder, then it is worse at another loudness; each
    recording counts once, with any number of moments."""
    folder = tmp_path / "sounds"
    rng = np.random.default_rng(2)
    for number in range(14):
        loud = np.repeat(rng.choice([0.002, 0.5], 25), 160)
        write_wav(folder / f"{number}.wav", 32767 * loud * np.sin(np.arange(loud.size) / 3))
    original, variant = models.sounds_model(tmp_path / "o", 0.01), models.sounds_model(tmp_path / "v", 0.1)
    data = models.read_data(tmp_path, original, folder)
    result = put_under_stress(original, variant, data)
    assert result.measure == "agreement" and result.clean.optimized == 1.0
    assert verdicts(result)["sound_gain"] == "worse"
    gain = next(row for row in result.rows if row.id == "sound_gain")
    assert gain.cells[0].worse + gain.cells[0].better <= result.n_answered
    assert "no labels" in " ".join(result.notes) and not result.unfamiliar


def test_numbers_are_compared_by_class_or_by_similarity(put_under_stress: Run, tmp_path: Path) -> None:
    """Given arrays and a variant with the same classes, then no kind is worse; given a model without classes, then the
    similarity to the original on the same input counts."""
    rng = np.random.default_rng(4)
    np.savez(tmp_path / "numbers.npz", x=rng.normal(0, 1, (60, 8)).astype(np.float32))
    original, variant = models.numbers_model(tmp_path / "o"), models.numbers_model(tmp_path / "v", scale=2.0)
    data = models.read_data(tmp_path, original, tmp_path / "numbers.npz")
    result = put_under_stress(original, variant, data, attack_items=6)
    assert result.measure == "agreement" and "worse" not in verdicts(result).values()
    assert [(row.id, row.near) for row in result.unfamiliar] == [("mixed", True), ("noise", False), ("far", False)]
    assert result.attacks[0].id == "square" and result.attacks[0].n == 6
    spec = replace(read_pipeline(original), answer_kind="tensor")
    for folder in (original, variant):
        write_pipeline(folder, spec)
    result = put_under_stress(original, variant, data, attack_items=6)
    assert result.measure == "similarity" and result.clean.optimized < 0.5
    assert "no classes" in result.attacks[0].why_not and result.headline.startswith("Already without stress")


def test_part_without_items_is_refused(stress_colors: Run) -> None:
    """Given a part of which no item counts, then the job refuses."""
    with pytest.raises(InputRefused, check=lambda error: error.code == "no_examples"):
        stress_colors("same", items=())


@pytest.mark.whole
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_gradient_attack_uses_the_torch_program_or_the_graph(
    colors: dict[str, Path], stress_colors: Run, tmp_path: Path
) -> None:
    """Given an original with its torch program, then PGD uses its gradients and those of the variant's graph within eps,
    inputs that fool the original are tried on the variant, and the words claim nothing beyond this budget; without a
    program, PGD uses the graph."""
    import torch

    original = tmp_path / "with program"
    shutil.copytree(colors["original"], original)

    class Strongest(torch.nn.Module):
        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            return 40 * picture.mean(dim=(2, 3))

    program = torch.export.export(Strongest(), (torch.zeros(1, 3, 24, 24),))
    names = json.dumps({"inputs": ["picture"], "outputs": ["logits"]})
    torch.export.save(program, str(original / "model.pt2"), extra_files={"names.json": names})
    result = stress_colors("same", original=original, max_items=24, attack_items=12, attack_eps=0.25)
    square, gradient = result.attacks
    assert (square.id, square.eps, square.queries, square.n) == ("square", 0.25, 5, 12)
    assert (gradient.id, gradient.eps, gradient.queries, gradient.n) == ("pgd", 0.25, 10, 12)
    assert gradient.original_fooled == gradient.optimized_fooled == 12, "a gap of .2 falls to a change of .25"
    assert gradient.transfer_n == gradient.transfer_fooled == 12 and "(transfer)" in gradient.words
    assert gradient.verdict == "unclear", "where all fall nothing can be compared"
    assert "survived this budget" in square.words and "robust" not in f"{square.words} {gradient.words}".lower()
    weak = stress_colors("same", original=original, max_items=24, attack_items=12, attack_eps=0.02)
    assert weak.attacks[1].original_fooled == 0
    without = stress_colors("same", max_items=12, attack_items=4)
    assert without.attacks[1].original_way == "gradients" and without.attacks[0].eps == pytest.approx(8 / 255)
