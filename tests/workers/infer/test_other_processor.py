"""Settings that were measured on one processor, on another one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from workers.infer import processor
from workers.infer.fit import fit_settings
from workers.infer.openvino_program import import_library
from workers.measure.opening import open_session

RICH = "processor : 0\nmodel name : Rich\nflags : fpu avx2 avx512_bf16 avx512_vnni\n"
POOR = "processor : 0\nmodel name : Poor\nflags : fpu avx2\n"


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """`on(text)` makes this computer's processor the one that the text describes."""

    def become(text: str | None) -> None:
        path = tmp_path / "cpuinfo"
        if text is not None:
            path.write_text(text)
        monkeypatch.setattr(processor, "CPUINFO", path)
        monkeypatch.delenv(processor.LIMIT, raising=False)

    return become


def test_fit_settings_drops_a_folder_of_the_computer_that_wrote_them() -> None:
    """Given a stranger's settings that name a folder of compiled models, also for a part, Then it is not used."""
    named, kept = {"cache_dir": "golden", "num_threads": 1}, {"num_threads": 1}
    for own, wanted in (
        (named, kept),
        (
            {"parts": {"encoder": {"main": "e.onnx", "settings": named}}},
            {"parts": {"encoder": {"main": "e.onnx", "settings": kept}}},
        ),
        ({"cascade": {"output": "y", "first": named}}, {"cascade": {"output": "y", "first": kept}}),
    ):
        assert fit_settings(own, "fp32", {}, 2)[0] == wanted


def test_settings_that_fit_stay_without_a_note(on) -> None:
    on(RICH)
    settings = {"inference_precision": "bf16", "num_threads": 2, "tbb_partitioner": "auto"}
    there = {"processor": "Rich", "features": ["avx512_vnni"]}
    assert fit_settings(settings, "int8", there, 2) == (settings, ())


def test_settings_that_do_not_fit_are_dropped_with_a_note(on) -> None:
    """Given fewer cores, another processor and no fast 8 bits, Then each has a note and nothing is forced."""
    on(POOR)
    settings = {"num_threads": 8, "tbb_partitioner": "auto", "shapes": {"x": [1, 3]}}
    fitted, notes = fit_settings(settings, "int8", {"processor": "Rich", "features": ["avx512_vnni"]}, 2)
    assert fitted == {"num_threads": 2, "shapes": {"x": [1, 3]}}
    assert len(notes) == 3
    assert "8 cores" in notes[0] and "Rich" in notes[1] and "8-bit" in notes[2]
    assert settings["num_threads"] == 8  # the manifest's own are not changed


def test_has_bf16_ignores_emulation_by_the_library(on) -> None:
    """Given a library that can emulate BF16, Then only the processor's own instructions count."""

    emulates, lacks = (SimpleNamespace(get_property=lambda *_, has=has: has) for has in (["FP32", "BF16"], ["FP32"]))
    on(POOR)
    assert not processor.has_bf16(emulates)
    on(RICH)
    assert processor.has_bf16(emulates) and not processor.has_bf16(lacks)


def test_bf16_is_measured_where_the_system_lists_no_instructions(on) -> None:
    """Given no list of instructions, Then a small product decides; a fast one here, as the processor reports."""
    core = import_library().Core()
    truth = processor.has_bf16(core)
    on(None)
    assert processor.flags() is None and processor.has_int8() is None
    if truth:
        assert processor.has_bf16(core)


def test_session_falls_back_on_a_poor_processor(on, make_small) -> None:
    on(POOR)
    small = make_small("cnn")
    session = open_session(small.folder, "openvino", {"inference_precision": "bf16"}, 1)
    assert len(session.fallbacks) == 1 and "32-bit" in session.fallbacks[0]
    plain = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(small.feeds())
    np.testing.assert_allclose(session.run(small.feeds())["logits"], plain["logits"], atol=1e-4)


def test_limit_of_onednn_turns_bf16_off(make_small) -> None:
    """Given oneDNN held to an older processor (it would emulate), Then a fresh process uses 32-bit numbers, with a note."""
    small = make_small("cnn")
    code = (
        "import json, sys; from pathlib import Path; from workers.measure.opening import open_session;"
        "s = open_session(Path(sys.argv[1]), 'openvino', {'inference_precision': 'bf16'}, 1);"
        "print(json.dumps(list(s.fallbacks)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(small.folder)], env={**os.environ, processor.LIMIT: "AVX512_CORE_VNNI"},
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "no such arithmetic" in json.loads(done.stdout)[0]
