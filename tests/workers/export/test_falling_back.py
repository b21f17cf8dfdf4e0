"""The original as a bundle's fallback: measured where the bundle lands, taken where the version is slower or does not run."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from bundle_facts import export_of, filled, run_python, verified
from onnx import helper
from small_models import build_cnn, floats, model_of, weight

from workers.contracts.specs import DeviceFacts, RunParams
from workers.infer import landing, processor
from workers.infer.turns import Ended, Turns
from workers.pipeline.golden import check_sums

VNNI = ("avx2", "avx512", "avx512_vnni")
DEVICE = DeviceFacts(processor="Another", cores=2, memory_bytes=1 << 30, features=VNNI)
MODEL = """
import json, bundle
model = bundle.load()
print(json.dumps({"used": model.used, "notes": model.notes}))
"""


def slow_cnn() -> onnx.ModelProto:
    """The small classifier behind 30 convolutions that are added with a weight of nothing: the same answers, later."""
    proto, rng = build_cnn(), np.random.default_rng(0)
    nodes = [helper.make_node("Conv", ["image", "k0"], ["s0"], pads=[1, 1, 1, 1])]
    weights = [weight(rng, "k0", 48, 3, 3, 3)]
    for number in range(1, 30):
        weights.append(weight(rng, f"k{number}", 48, 48, 3, 3))
        nodes.append(helper.make_node("Conv", [f"s{number - 1}", f"k{number}"], [f"s{number}"], pads=[1, 1, 1, 1]))
    nodes.append(helper.make_node("ReduceMean", ["s29"], ["mean"], axes=[1, 2, 3], keepdims=1))
    nodes.append(helper.make_node("Mul", ["mean", "nothing"], ["zero"]))
    nodes.append(helper.make_node("Add", ["image", "zero"], ["later"]))
    weights.append(onnx.numpy_helper.from_array(np.zeros((1, 1, 1, 1), np.float32), "nothing"))
    first = proto.graph.node[0]
    first.input[0] = "later"
    return model_of(
        [*nodes, *proto.graph.node], [floats("image", "n", 3, 16, 16)], [floats("logits", "n", 5)],
        [*weights, *proto.graph.initializer],
    )  # fmt: skip


@pytest.fixture(scope="module")
def bundles(make_small: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`bundles(kind)`: a copy of a bundle whose version is ``slow`` or ``fast``, or of one ``alone`` without a fallback."""
    root = tmp_path_factory.mktemp("bundles")
    models = {"slow": make_small("cnn", slow_cnn()), "fast": make_small("cnn")}
    for kind, version, other in (("slow", "slow", "fast"), ("fast", "fast", "slow"), ("alone", "fast", "")):
        folder = str(models[other].folder) if other else ""
        fallback = RunParams(model_dir=folder, runtime="onnxruntime-cpu") if other else None
        filled(export_of(models[version], device=DEVICE, fallback=fallback), root / kind)
    copies = iter(range(100))

    def copy(kind: str) -> Path:
        return Path(shutil.copytree(root / kind / "bundle", root / f"copy-{next(copies)}" / "bundle"))

    return copy


def run_in(folder: Path, *arguments: str, **variables: str) -> tuple[int, Any]:
    """(exit code, the JSON that was printed)."""
    done = run_python(folder, *arguments, options=("-B",), **variables)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, done.stderr


@pytest.mark.whole
@pytest.mark.parametrize(("kind", "used"), [("slow", "fallback"), ("fast", "version")])
def test_faster_model_is_used_after_measuring(bundles: Any, kind: str, used: str) -> None:
    """Given a bundle whose version is slower (faster) than the original, when it is measured where it landed, then that
    is reported, kept next to the bundle, which stays whole, and loaded from then on; its answers are still checked."""
    folder = bundles(kind)
    assert run_in(folder, "-c", MODEL)[1] == {"used": "version", "notes": []}
    code, report = run_in(folder, "verify.py", "--measure", "--json")
    assert code == 0 and report["used"] == used and (report["ratio"] < 1) == (used == "fallback"), report
    kept = json.loads((folder.parent / "bundle.landed.json").read_text())
    assert kept["processor"] == processor.name() and len(kept["ratios"]) == landing.ROUNDS
    found = run_in(folder, "-c", MODEL)[1]
    assert found["used"] == used and ("The original is used" in "".join(found["notes"])) == (used == "fallback")
    assert check_sums(folder) == []
    code, checked = run_in(folder, "verify.py", "--json")
    assert (code, checked["alike"], checked["used"]) == (0, 20, used)
    assert verified(folder).ok


def test_what_was_measured_elsewhere_does_not_count(bundles: Any) -> None:
    """Given a choice of another processor, of another bundle, or a damaged one, then it is not minded, and that is reported."""
    folder = bundles("fast")
    mine = landing.Landed(landing.bundle_id(folder), processor.name(), "fallback", "slower", 1.0, 0.5, (0.5,))
    for change, report in (
        ({}, "The original is used"),
        ({"processor": "Elsewhere"}, "was measured on Elsewhere"),
        ({"bundle": "0"}, "another bundle"),
        ({"ratios": None}, "cannot be read"),
    ):
        path = landing.save_choice(folder, mine)
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
        found = run_in(folder, "-c", MODEL)[1]
        assert found["used"] == ("version" if change else "fallback")
        assert report in found["notes"][0]


def test_without_its_instructions_the_original_runs(bundles: Any) -> None:
    """Given a version of 8-bit numbers that was measured with instructions for them, on a processor without, then the
    original runs, and the note names the missing part; without a fallback the version runs, with the same note."""
    for kind, used in (("fast", "fallback"), ("alone", "version")):
        folder = bundles(kind)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["model"]["precision"] = "int8"
        (folder / "manifest.json").write_text(json.dumps(manifest))
        found = run_in(folder, "-c", MODEL, ONEDNN_MAX_CPU_ISA="AVX2")[1]
        assert found["used"] == used
        assert "8-bit numbers" in " ".join(found["notes"])


def test_version_that_does_not_open_is_replaced_or_reported(bundles: Any) -> None:
    """Given a version that its runtime refuses here, then the original answers and the reason is reported; without one the
    reason comes with what to do."""
    for kind in ("fast", "alone"):
        folder = bundles(kind)
        (folder / "model" / "model.onnx").write_bytes(b"no model")
        code, found = run_in(folder, "-c", MODEL)
        if kind == "fast":
            assert found["used"] == "fallback" and "does not open here" in found["notes"][0]
        else:
            assert code != 0 and "does not open here" in found and "requirements.txt" in found
    code, report = run_in(bundles("alone"), "verify.py", "--measure", "--json")
    assert code == 3 and "holds no fallback" in report["problems"][0]


def test_process_that_the_processor_ends_is_reported(tmp_path: Path) -> None:
    """Given a version whose code the processor refuses (SIGILL), then that is its end and no other's, and is reported."""
    (tmp_path / "verify.py").write_text("import os, sys\nsys.stdin.readline()\nos.kill(os.getpid(), 4)\n")
    with Turns(tmp_path, "version") as turns, pytest.raises(Ended) as ended:
        turns.turn()
    assert (ended.value.name, str(ended.value)) == ("version", "it ended with signal 4")
    landed = landing.fails("b", str(ended.value))
    assert landed.use == "fallback" and "does not run here: it ended with signal 4" in landing.described(landed)


def test_the_choice_follows_most_of_the_rounds() -> None:
    """Given rounds, then the fallback is taken where the version is slower in nearly all, and not for one odd one."""

    def choice(ratios: list[float]) -> str:
        return landing.decide("b", [(1.0, ratio) for ratio in ratios]).use

    assert choice([0.9] * 6 + [1.2] * 2) == "fallback"
    assert choice([0.9] * 5 + [1.2] * 3) == "version"
    assert choice([1.1] * 7 + [0.1]) == "version"
    order: list[str] = []
    turns = {name: lambda name=name: order.append(name) or 1.0 for name in ("version", "fallback")}
    assert len(landing.in_turn(turns, rounds=2)) == 2
    assert order == ["fallback", "version", "version", "fallback", "fallback", "version"]
