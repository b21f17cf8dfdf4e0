"""Pairs of sentences, right texts and transcripts in the field's files: CSV, JSON Lines, manifests."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evaluated import read_set, write_noise
from PIL import Image

from workers.contracts.errors import InputRefused
from workers.evaluate.data.base import Collection, Options
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.readers import audio, pictures, texts
from workers.pipeline.spec import AudioSteps, ImageSteps, PipelineSpec, TextSteps

Make = Callable[..., Any]


def spec_of(kind: str, steps: Any) -> PipelineSpec:
    return PipelineSpec(task="text-embedding", inputs=(), outputs=(), preprocess=steps, answer_kind=kind)


def read_texts(path: Path, kind: str) -> tuple[Collection, str]:
    found = texts.READER.read(path, Options(spec_of(kind, TextSteps())))
    return found, "\n".join(finding.what for finding in found.findings)


def lines(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_pairs_of_sentences_become_items_with_ratings(tmp_path: Path, suffix: str) -> None:
    """Given pairs with a score, Then each text is an item that knows its pair, and rows without a number are counted."""
    rows = [("a b", "a c", "4.5"), ("d", "e", "0"), ("f", "g", ""), ("h", "", "3")]
    path = tmp_path / f"t.{suffix}"
    if suffix == "jsonl":
        lines(path, [{"sentence1": a, "sentence2": b, "score": float(c) if c else None} for a, b, c in rows])
    else:
        mark = "," if suffix == "csv" else "\t"
        lines(path, [mark.join(("sentence1", "sentence2", "score")), *(mark.join(row) for row in rows)])
    found, report = read_texts(path, "embedding")
    assert [(entry.text, entry.pairs) for entry in found.entries] == [
        ("a b", (("row 1", 4.5),)), ("a c", (("row 1", 4.5),)), ("d", (("row 2", 0.0),)), ("e", (("row 2", 0.0),)),
        ("f", ()), ("g", ()), ("h", ()),
    ]  # fmt: skip
    assert "pairs of sentences" in report and "2 rows are no pair with a number" in report


def test_pairs_stay_in_one_part(run_data: Make, model_dir: Make, tmp_path: Path) -> None:
    """Given pairs of which some share a text, Then nearly all of those that are tested have both texts in the test set,
    and a text that comes twice is in two pairs."""
    spec = json.loads((model_dir("texts") / "pipeline.json").read_text(encoding="utf-8"))
    spec |= {"answer_kind": "embedding", "task": "text-embedding", "classes": None}
    words = ["good", "bad", "film", "weather", "very", "the", "was", "today", "really"]
    texts_ = [" ".join(words[n // 9**k % 9] for k in range(4)) for n in range(100)]
    rows = [f"{texts_[2 * n]},{texts_[2 * n + 1]},{n % 6}" for n in range(50)]
    rows.append(f"{texts_[0]},{texts_[3]},2")
    path = lines(tmp_path / "t.csv", ["sentence1,sentence2,score", *rows])

    (model_dir("texts") / "pipeline.json").write_text(json.dumps(spec), encoding="utf-8")
    for most in (1000, 40):
        data = read_dataset(read_set(tmp_path / "model-texts", path, tmp_path / f"pairs{most}", max_test=most)[1])
        halves = Counter(row for item in data.test for row, _ in item.pairs)
        assert sum(count == 2 for count in halves.values()) >= len(halves) - 3 > 10
        if most == 1000:
            assert max(len(item.pairs) for item in (*data.test, *data.calibration)) == 2


@pytest.mark.parametrize(
    ("source", "right"), [("text", "reference"), ("source", "target"), ("input", "summary"), ("text", "references")]
)
def test_references_are_read_from_json_lines(tmp_path: Path, source: str, right: str) -> None:
    """Given JSON Lines of the field, Then texts and right ones are found; of several the first counts, and empty ones and
    damaged lines are counted."""
    several = right == "references"
    rows = [{source: f"text {k}", right: [f"right {k}", "other"] if several else f"right {k}"} for k in range(5)]
    found, report = read_texts(
        lines(tmp_path / "t.jsonl", [*rows, {source: "text 5", right: ""}, "{nonsense"]), "tokens"
    )
    assert [entry.labels for entry in found.entries] == [*((f"right {k}",) for k in range(5)), ()]
    assert [entry.text for entry in found.entries] == [f"text {k}" for k in range(6)]
    assert f"“{right}” is empty in 1 row of 6" in report and "left out of the scores" in report
    assert "1 of 7 lines" in report and ("the first counts" in report) == several


def test_empty_references_are_reported(tmp_path: Path) -> None:
    """Given a column of references that is empty, Then a warning reports that no score uses it."""
    _, report = read_texts(
        lines(tmp_path / "t.jsonl", [{"text": f"{k} x", "reference": ""} for k in range(4)]), "tokens"
    )
    assert "“reference” is empty in 4 rows of 4" in report and "no score by right texts is shown" in report


@pytest.mark.parametrize("content", ["", "[1, 2]\n3\n", "{}\n", "nothing\n"])
def test_json_lines_without_objects_are_refused(tmp_path: Path, content: str) -> None:
    """Given a file that holds no objects, Then it is refused in words."""
    path = tmp_path / "t.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputRefused, match="no line that is a JSON object"):
        read_texts(path, "tokens")


LAYOUTS = {
    "NeMo": ("manifest.json", lambda n, spoken: {"audio_filepath": f"wav/s{n}.wav", "duration": 0.1, "text": spoken}),
    "Hugging Face": ("metadata.jsonl", lambda n, spoken: {"file_name": f"wav/s{n}.wav", "transcription": spoken}),
    "plain": ("manifest.jsonl", lambda n, spoken: {"audio": f"wav/s{n}.wav", "transcript": spoken}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_manifests_give_transcripts(tmp_path: Path, layout: str) -> None:
    """Given a manifest in the folder of sounds, Then each has its transcript; empty ones and missing files are counted."""
    for number in range(4):
        write_noise(tmp_path / "wav" / f"s{number}.wav", number, 800)
    name, row = LAYOUTS[layout]
    lines(tmp_path / name, [row(n, "" if n == 2 else f"word {n}") for n in range(5)])
    found = audio.READER.read(tmp_path, Options(spec_of("transcript", AudioSteps())))
    report = "\n".join(finding.what for finding in found.findings)
    assert [entry.transcript for entry in found.entries] == ["word 0", "word 1", "", "word 3"]
    assert (
        found.missing == ("wav/s4.wav",)
        and "1 of 4 reference texts are empty" in report
        and "with their reference texts" in report
    )


@pytest.mark.parametrize("column", ["text", "label", "written"])
def test_list_of_pictures_gives_what_is_written_in_them(tmp_path: Path, column: str) -> None:
    """Given pictures of lines with their texts, also under the name of a label or in a chosen column, When the model reads
    texts, Then each picture has its text as it is and no label."""
    for number in range(2):
        Image.new("RGB", (20, 8), (number, 0, 0)).save(tmp_path / f"{number}.png")
    (tmp_path / "labels.csv").write_text(f"file,{column}\n0.png,to be\n1.png,or not|to be\n", encoding="utf-8")
    chosen = column if column == "written" else None
    found = pictures.READER.read(tmp_path, Options(spec_of("transcript", ImageSteps()), label_column=chosen))
    assert [entry.transcript for entry in found.entries] == ["to be", "or not|to be"]
    assert not any(entry.labels for entry in found.entries)


def test_manifest_without_its_folder_is_refused(tmp_path: Path) -> None:
    """Given the manifest alone, Then it is refused with the hint to choose the folder."""
    path = lines(tmp_path / "manifest.jsonl", [{"audio": "s0.wav", "text": "word"}])
    assert audio.READER.matches(path)
    with pytest.raises(InputRefused, match="only the list was chosen"):
        audio.READER.read(path, Options(spec_of("transcript", AudioSteps())))


def test_lists_without_files_are_ignored(tmp_path: Path) -> None:
    """Given a metadata.csv that names no files, Then the sounds are read without it."""
    for number in range(2):
        write_noise(tmp_path / f"s{number}.wav", number, 800)
    (tmp_path / "metadata.csv").write_text("speaker,age\nx,3\n", encoding="utf-8")
    found = audio.READER.read(tmp_path, Options(spec_of("transcript", AudioSteps())))
    assert len(found.entries) == 2 and not found.findings
