"""Workers on an ARM processor, emulated by qemu-user: installer/test -m package."""

import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from computer_elsewhere import AGENT, CODE, VERSION, Elsewhere
from rig import ROOT

from app.jobs.client import JobClient
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.to_end import run_to_end
from tests.benchmarks.bench_space import bench_space, opened_sample
from workers.contracts.jobs import AnswerParams
from workers.contracts.process.messages import Finished, Limits, RunJob

MOST = 24
GLIBC = range(17, 42)
"""Minor versions of the C library whose wheels run on Debian 13."""

pytestmark = [
    pytest.mark.package,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="qemu-user emulates ARM on another processor"),
]


class OnArm(Elsewhere):
    """A computer elsewhere whose programs are those of ARM."""

    @property
    def python(self) -> list[str]:
        return ["qemu-aarch64-static", "-L", str(self.root / "debian"), str(self.root / "debian/usr/bin/python3")]

    def command(self, verb: str, *words: str) -> list[str]:
        return [*self.python, "-I", str(AGENT), str(self.home), verb, *words]

    def install(self) -> None:
        """Install Debian's Python for ARM and all wheels of the workers' lock."""
        debian, site = self.root / "debian", self.root / "site"
        base = ["mmdebstrap", "--quiet", "--mode=root", "--variant=extract", "--architectures=arm64"]
        subprocess.run([*base, "--include=python3,libgomp1,libstdc++6", "trixie", debian], check=True)
        (debian / "lib").symlink_to("usr/lib")
        asked = [*self.python, "-c", "import sys; print(*sys.version_info[:2], sep='.')"]
        version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        kinds = [f"--platform=manylinux_2_{minor}_aarch64" for minor in GLIBC]
        kinds += [f"--abi={abi}" for abi in (f"cp{version.replace('.', '')}", "abi3", "none")]
        how = [f"--target={site}", "--platform=manylinux2014_aarch64", f"--python-version={version}", "--no-deps"]
        lock = ROOT / "installer" / "requirements-workers.lock"
        pip = [sys.executable, "-m", "pip", "install", "-q", "--only-binary=:all:", *how, *kinds]
        subprocess.run([*pip, "-r", lock], check=True)
        place = self.home / "versions" / VERSION
        (place / "code").mkdir(parents=True)
        for name in ("workers", "presets"):
            (place / "code" / name).symlink_to(CODE / name)
        start = place / "venv" / "bin" / "python"
        start.parent.mkdir(parents=True)
        start.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{site}" exec {" ".join(self.python)} "$@"\n')
        start.chmod(0o755)
        (place / "complete").touch()
        self.home.chmod(0o700)


@pytest.fixture
def arm(tmp_path: Path) -> Iterator[OnArm]:
    made = OnArm(tmp_path, settings={"lease_s": 120.0}, job_kinds="")
    made.install()
    yield made
    for client in made.clients:
        client.close()


def test_the_lock_has_wheels_and_a_small_model_predicts_alike(arm: OnArm) -> None:
    """Given a computer with an ARM processor, Then all packages of the workers are installed there, and the sample
    predicts the same classes there as here."""
    found = {}
    with bench_space(arm.root / "space") as space:
        model, data = run_to_end(Driver(space, opened_sample(), ignore))
        folders = str(model.folder), str(data.folder)
        params = AnswerParams(model_dir=folders[0], data_dir=folders[1], runtime="onnxruntime-cpu", most=MOST)
        for place in ("here", "there"):
            client: JobClient = arm.client(here=place == "here")
            work = arm.root / "jobs" / place
            job = RunJob(
                job_id=place, kind="answer", params=params.model_dump(mode="json"), work_dir=str(work),
                read_paths=folders, limits=Limits(memory_bytes=None),
            )  # fmt: skip
            client.start(job)
            assert isinstance(arm.finish(client, 900)[-1], Finished)
            with np.load(work / "answers.npz") as arrays:
                found[place] = dict(arrays)
    assert found["there"]["predicted"].shape == (MOST,)
    np.testing.assert_array_equal(found["there"]["predicted"], found["here"]["predicted"])
    np.testing.assert_allclose(found["there"]["answer"], found["here"]["answer"], rtol=0, atol=1e-4)
