"""A translator and a model that hears, with caches, the complete workflow by command: opened, optimized, judged, bundled, run."""

import csv
import json
import shutil
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from fettle_command import Fettle, Finished
from one_engine import engine, write_preset
from run_text import run_text
from small_seq2seq import SECONDS, merged_of, turned_round, whisper, write_seq2seq
from small_translator import words

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def optimized(fettle: Fettle, folder: Path, data: Path, work: Path) -> Finished:
    recipe = write_preset(work, engine("Other engine", "graph_optimize"), max_loss_pct=5.0, time_budget_s=40)
    return fettle("optimize", folder, "--data", data, "--recipe", recipe, "--json")


def bundled(done: Finished, fettle: Fettle, work: Path, target: str) -> Path:
    """The unpacked bundle of the other engine, which `fettle verify` has found whole."""
    out = work / f"{target}.zip"
    other = next(variant for variant in done.document["variants"] if variant["title"] == "Other engine")
    exported = fettle("export", done.document["run_id"], "--target", target, "--variant", other["id"], "--out", out)
    assert exported.code == 0, exported.err
    checked = fettle("verify", out, "--json")
    assert checked.code == 0, checked.err + checked.out
    shutil.unpack_archive(out, work / target)
    return work / target


def predicted_texts(bundle: Path, *words: str) -> list[str]:
    command = [sys.executable, str(bundle / "run.py"), *words, "--json"]
    done = run_text(command, check=True, timeout=120)
    return [str(answer["answer"]) for answer in json.loads(done.stdout)["answers"]]


def test_a_merged_translator(tmp_path: Path) -> None:
    """Given a merged decoder and pairs of texts, then both bundles of another engine translate alike."""
    folder = merged_of(turned_round()[0], tmp_path / "turned_round")
    pairs = tmp_path / "pairs.csv"
    rows = [f"{word},{word[::-1]}" for word in words(np.random.default_rng(4), 400)]
    pairs.write_text("\n".join(["text,translation", *rows]) + "\n", encoding="utf-8")
    fettle = Fettle(tmp_path / "home")
    done = optimized(fettle, folder, pairs, tmp_path)
    assert done.code in (0, 4), done.err  # so small a model may not get faster on this computer
    assert predicted_texts(bundled(done, fettle, tmp_path, "python"), "abcde") == ["edcba"]
    assert predicted_texts(bundled(done, fettle, tmp_path, "service"), "abcde", "fgh") == ["edcba", "hgf"]


def test_a_model_that_hears(tmp_path: Path) -> None:
    """Given sounds with their transcripts, then answers are judged as transcripts, and the bundle transcribes a sound."""
    folder = write_seq2seq(tmp_path / "hears", whisper())
    sounds, rng = tmp_path / "speech", np.random.default_rng(0)
    sounds.mkdir()
    rows = [["file_name", "transcription"]]
    for number in range(130):
        samples = rng.standard_normal(int(rng.integers(8000, SECONDS * 15_000))) * 3000 * rng.random()
        with wave.open(str(sounds / f"s{number}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(samples.astype(np.int16).tobytes())
        rows.append([f"s{number}.wav", "abc"])
    with (sounds / "metadata.csv").open("w", newline="") as table:
        csv.writer(table).writerows(rows)
    fettle = Fettle(tmp_path / "home")
    report = fettle("inspect", folder, "--json")
    assert report.document["task"] == "transcription", report.err
    done = optimized(fettle, folder, sounds, tmp_path)
    assert done.code in (0, 4), done.err
    bundle = bundled(done, fettle, tmp_path, "python")
    assert "tokenizers" in (bundle / "requirements.txt").read_text(encoding="utf-8")
    heard = predicted_texts(bundle, str(sounds / "s1.wav"))
    assert heard[0].isalpha()
    assert predicted_texts(bundled(done, fettle, tmp_path, "service"), str(sounds / "s1.wav")) == heard
