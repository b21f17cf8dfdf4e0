"""Three computers with networks, cores and instruction sets of their own: the whole way by command, and the same bundle.

oneDNN, which OpenVINO and PyTorch compute with, leaves out instruction sets by `ONEDNN_MAX_CPU_ISA`. ONNX Runtime has no
such setting and always uses what the processor has.
"""

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fettle_command import Fettle
from finished_run import write_part
from over_ssh import over_ssh
from own_sshd import Machine, Sshd, run_sshd

from app.computers.login import scan
from presets.sample import sample_paths
from workers.contracts.decisions import DECISIONS_FILE
from workers.contracts.process.messages import Finished

MACHINES = (
    Machine("alpha", "0"),
    Machine("beta", "0,1"),
    Machine("gamma", "1", {"ONEDNN_MAX_CPU_ISA": "SSE41"}),
)
PRESET = """
id: three
title: Three
summary: One version.
expect: something
how_long: soon
max_loss_pct: 5
time_budget_s: 120
recipes:
  - title: INT8
    runtime: onnxruntime-cpu
    steps: [{technique: int8_static, params: {examples: 8, reduce_range: true}}]
"""
ONE_SET = {"FETTLE_MOST_SETS": "1"}
"""No verdict is needed, only times of each computer."""
WITH_TIMES = {"manifest.json", "README.md", "card.html", "bom.json", "SHA256SUMS"}
"""Files of a bundle that state when and how fast; all others must be the same."""
BY_VERDICT = (DECISIONS_FILE, "EVIDENCE.md")
"""Files of a bundle whose version is not proven; whether it is depends on how busy the computer was."""


@pytest.fixture
def three(tmp_path: Path) -> Iterator[tuple[Sshd, ...]]:
    """Yield SSH servers on three computers that differ in cores and instruction sets."""
    with ExitStack() as stack:
        servers = tuple(stack.enter_context(run_sshd(tmp_path / one.name, one)) for one in MACHINES)
        yield servers


def exported(fettle: Fettle, out: Path, run: dict[str, Any]) -> dict[str, bytes]:
    """Export the 8-bit version of a run; return the bundle's files."""
    version = next(str(one["id"]) for one in run["variants"] if one["title"] == "INT8")
    why = ("--accept-regression", "a test")
    done = fettle("--json", "export", run["run_id"], "--target", "python", "--out", out, "--variant", version, *why)
    assert done.code == 0, done.out
    with zipfile.ZipFile(out) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name not in BY_VERDICT}


@pytest.mark.whole
@pytest.mark.usefixtures("quick_setup")
@pytest.mark.timeout(900)
def test_three_computers_by_command(three: tuple[Sshd, ...], tmp_path: Path) -> None:
    """Given three computers, When they are added and a model is optimized on all of them, Then each measures with its own
    cores and instruction sets, the table has all, and a bundle made there is the one that is made here alone."""
    fettle, alone = (Fettle(tmp_path / name, more=ONE_SET) for name in ("data", "alone"))
    for server in three:
        server.place_packages()
        one = server.computer
        how = ["--identity", server.identity, "--fingerprint", scan(one).fingerprint]
        added = fettle.here("--json", "computer", "add", one.address, "--name", one.name, *how)
        assert added.code == 0, added.err
        server.use_packages()
    rows = fettle.here("--json", "computer", "list").document["computers"]
    assert {row["name"]: row["cores"] for row in rows} == {"alpha": 1, "beta": 2, "gamma": 1}

    data, preset = write_part(tmp_path / "some.npz", 0, 120), tmp_path / "preset.yaml"
    preset.write_text(PRESET)
    words = ("--json", "optimize", sample_paths().model, "--data", data, "--recipe", preset)
    done = fettle(*words, "--on", "alpha,beta,gamma", timeout_s=600)
    assert done.code in (0, 4), done.err
    table = done.document["table"]
    assert table["computers"] == ["alpha", "beta", "gamma"]
    on: dict[str, dict[str, Any]] = {}
    for version in table["versions"]:  # each computer may find other settings of one recipe: two rows then
        on.setdefault(version["title"].split(", as for ")[0], {}).update(version["on"])
    for title in ("Original", "INT8"):  # where the model is tiny, there are others on one core
        assert all(on[title][name]["latency_mean_ms"] > 0 for name in table["computers"])
    local = alone(*words)
    assert local.code in (0, 4), local.err
    masked = next(run for run in done.document["runs"] if run.get("computer") == "gamma")
    here, there = (
        exported(alone, tmp_path / "here.zip", local.document),
        exported(fettle, tmp_path / "there.zip", masked),
    )
    assert here.keys() == there.keys() > WITH_TIMES
    assert {name for name in here if here[name] != there[name]} <= WITH_TIMES
    for server in three:
        assert not list(server.workers.glob("jobs/[!.]*"))


@pytest.mark.whole
@pytest.mark.usefixtures("quick_setup")
def test_instruction_sets_are_left_out_there(three: tuple[Sshd, ...], tmp_path: Path) -> None:
    """Given three computers of which one leaves out instruction sets, When each answers with the same two engines, Then
    OpenVINO computes otherwise there and ONNX Runtime does not."""
    found: dict[str, list[bytes]] = {"openvino": [], "onnxruntime-cpu": []}
    for server in three:
        with over_ssh(server, tmp_path / server.computer.name / "bench") as bench:
            for runtime, answers in found.items():
                client = bench.client()
                client.start(bench.model_job("answer", runtime, runtime=runtime))
                (*_, last) = bench.finish(client, 60)
                assert isinstance(last, Finished), last
                with np.load(bench.root / "jobs" / runtime / "answers.npz") as stored:
                    answers.append(stored["answer"].tobytes())
    alpha, beta, gamma = found["openvino"]
    assert alpha == beta != gamma
    assert len(set(found["onnxruntime-cpu"])) == 1
