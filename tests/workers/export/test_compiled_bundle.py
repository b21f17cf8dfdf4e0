"""A compiled version as a bundle: exported and tested behind the walls, verified, and run where no compiler is."""

import json
import os
import shutil
from pathlib import Path

import pytest
from bundle_facts import export_of, run_python
from compiled_program import COMPILED, finish, needs_compiler, with_program

from app.jobs.pool import WorkerPool
from workers.contracts.bundles import VerifyParams
from workers.contracts.process.messages import Finished, Limits, RunJob


@pytest.fixture
def do(tmp_path: Path):
    """`do(kind, params, limits, *readable)` runs a real job in its own walls and gives the folder that it wrote."""
    pool = WorkerPool(tmp_path / "jobs")

    def run(kind: str, params, limits: Limits, *readable: Path) -> tuple[Path, dict]:
        client, work_dir = pool.take(), tmp_path / "jobs" / kind
        job = RunJob(
            job_id=kind, kind=kind, params=params.model_dump(mode="json"), work_dir=str(work_dir),
            read_paths=tuple(map(str, readable)), limits=limits,
        )  # fmt: skip
        client.start(job)
        last = finish(client)
        client.close()
        assert isinstance(last, Finished), last
        return work_dir, last.result

    yield run
    pool.close()


@needs_compiler
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_compiled_version_is_exported_verified_and_run_without_a_compiler(make_small, do, tmp_path: Path) -> None:
    """Given a compiled version, when it is exported, then it compiles in its clean place and answers as here; verified
    where no program may be started, or run where no compiler is, it answers uncompiled, and the latter reports it."""
    small = with_program(make_small("cnn"))
    params = export_of(small, runtime="torch-cpu", settings=COMPILED)
    work_dir, result = do("export", params, Limits(start_programs=True), small.folder, small.data)
    assert [check["ok"] for check in result["selftest"]] == [True] * 3
    bundle = shutil.move(work_dir / "bundle.zip", tmp_path / "bundle.zip")
    folder = tmp_path / "unpacked"
    shutil.unpack_archive(bundle, folder)
    assert json.loads((folder / "manifest.json").read_text())["runtime"]["settings"] == COMPILED
    assert not list(folder.rglob("*.so")), "what was compiled for this computer stays here"

    _, verified = do("verify", VerifyParams(bundle=str(bundle)), Limits(), Path(bundle))
    assert verified["ok"], verified

    def notes(path: str) -> list[str]:
        done = run_python(
            folder, "verify.py", "--json", TORCHINDUCTOR_CACHE_DIR=str(tmp_path / "cache"), PATH=path, CXX=""
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found = json.loads(done.stdout.strip().splitlines()[-1])
        assert found["ok"] and found["alike"] == 20
        return found["notes"]

    assert notes(os.environ["PATH"]) == [] and list((tmp_path / "cache").rglob("*.so"))
    (report,) = notes("")
    assert report.startswith("Compiling: there is no C++ compiler on this computer; PyTorch runs the model as it is")
