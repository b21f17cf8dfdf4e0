"""The bundle for NVIDIA cards: its contents, and that it answers, and reports how, where no card is."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from run_text import run_text

from workers.contracts.errors import InputRefused
from workers.export.layout import copy_code, write_manifest
from workers.export.tensorrt import TARGET
from workers.export.tensorrt.target import _wanted, more_files
from workers.infer import tensorrt, tensorrt_first
from workers.infer.base import NotRunnable
from workers.infer.tensorrt import SizeNotBuilt


def test_without_a_card_the_processor_answers_with_a_reason(
    make_small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given no card, then ONNX Runtime gives its own answers, the reason is reported, and no engine is kept."""

    def no_card(*given: object, **more: object) -> None:
        raise NotRunnable(ValueError(tensorrt.NO_DRIVER))

    monkeypatch.setattr(tensorrt, "load", no_card)
    small = make_small("cnn")
    feeds = small.feeds()
    session = tensorrt_first.load(small.model.main, {"cache_dir": str(tmp_path / "c")}, 1)
    from workers.infer import onnxruntime_cpu

    expected = onnxruntime_cpu.load(small.model.main, {}, 1).run(feeds)["logits"]
    np.testing.assert_array_equal(session.run(feeds)["logits"], expected)
    assert session.device_ran == "cpu"
    assert session.fallbacks[0].startswith("TensorRT: needs an NVIDIA GPU")
    assert "ONNX Runtime on the processor answers instead" in session.fallbacks[0]
    assert not (tmp_path / "c").exists()


def test_size_beyond_the_engine_is_answered_with_a_note(make_small, capsys: pytest.CaptureFixture[str]) -> None:
    """Given an engine that takes one item alone, when two come, then ONNX Runtime answers and a line reports it, once."""

    class One:
        device_ran, fallbacks = "cuda:0", ()

        def run(self, feeds):
            raise SizeNotBuilt("input 'image': the engine was not built for the shape (2, 3, 16, 16)")

        def close(self) -> None:
            pass

    small = make_small("cnn")
    session = tensorrt_first.FirstSession(One(), small.model.main, {}, 1)
    feeds = {"image": np.concatenate([small.feeds()["image"]] * 2)}
    assert session.run(feeds)["logits"].shape == (2, 5)
    session.run(feeds)
    session.close()
    assert capsys.readouterr().err.count("note: input 'image'") == 1


def test_build_reports_its_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """Given a build of ten seconds, then a line every two, none for one that is over at once."""
    report = tensorrt_first.progress_printer()
    for tenth in range(100):
        report(tenth / 100, "Optimizing graph", tenth / 10)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4 and "once for this card: 20 of 100 (optimizing graph), 2 s" in lines[0]


def test_files_name_the_engines_that_lie_in_it() -> None:
    """Given an engine for two architectures, then the guide names their cards; all code that loads is there."""
    row = {"file": "model.rtx.plan", "architectures": ["sm89", "sm120"]}
    found = more_files({"engines": [row]})
    assert "SM89 (GeForce RTX 40" in found["CARDS.md"] and "SM120" in found["CARDS.md"]
    names = {name.rpartition("/")[2] for name in found}
    assert {"tensorrt_first.py", "cuda_driver.py", "tensorrt_engines.py", "build_engine.py"} <= names
    assert "each card builds its own" in more_files({})["CARDS.md"]


def test_cards_that_are_none_are_refused_before_anything_is_written() -> None:
    assert _wanted("") == () and _wanted("sm89") == ("sm89",)
    with pytest.raises(InputRefused, match="no such card"):
        _wanted("sm90")


def test_target_takes_what_was_proven_in_onnx() -> None:
    assert TARGET.runtimes == ("onnxruntime-cpu", "onnxruntime-cuda", "tensorrt")
    assert [stage.id for stage in TARGET.stages] == ["write", "unpack", "compare", "run", "engine"]


def test_building_in_the_folder_gives_the_reason_for_no_engine(make_small, tmp_path: Path) -> None:
    """Given the folder's own program where neither card nor TensorRT is, then its document names the reason, exit code 6."""
    model = make_small("cnn").model
    copy_code(tmp_path, "onnxruntime_cpu", ())
    for name, text in more_files({}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    shutil.copytree(model.folder, tmp_path / "model")
    runtime = {"id": "tensorrt", "settings": {"cache_dir": str(tmp_path / "c")}}
    manifest = {"model": {"folder": "model", "main": model.main.name}, "runtime": runtime}
    write_manifest(tmp_path, manifest)
    command = [sys.executable, "-I", "build_engine.py", "--json"]
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = run_text(command, cwd=tmp_path, env=hidden)
    report = json.loads(done.stdout)
    assert (done.returncode, report["ok"]) == (6, False) and report["problem"], done.stderr
