"""PyTorch's programs compiled: the same answers at every batch, walls that let the compiler through, and the notes
where there is none."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from compiled_program import COMPILE_S, COMPILED, finish, needs_compiler, with_program

from app.jobs.pool import WorkerPool
from app.services.flow.steps import limits_of_runtime
from workers.contracts.errors import InputRefused
from workers.contracts.jobs import AnswerParams
from workers.contracts.process.messages import Cancelled, Failed, Finished, Limits, RunJob
from workers.infer import torch_compile, torch_cpu, torch_cuda
from workers.infer.torch_compile import NotCompiled, find_compiler
from workers.measure.opening import open_session
from workers.pipeline.prepared import Prepared

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls")


@pytest.fixture(scope="module")
def program(make_small: Callable):
    return with_program(make_small("cnn"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Compiled code goes into a folder of the test."""
    folder = tmp_path / "inductor"
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[WorkerPool]:
    made = WorkerPool(tmp_path / "jobs")
    yield made
    made.close()


def answer_job(program, root: Path, limits: Limits) -> RunJob:
    params = AnswerParams(
        model_dir=str(program.folder), data_dir=str(program.data), runtime="torch-cpu", settings=COMPILED
    )
    return RunJob(
        job_id="compiled",
        kind="answer",
        params=params.model_dump(mode="json"),
        work_dir=str(root / "jobs" / "compiled"),
        read_paths=(str(program.folder), str(program.data)),
        limits=limits,
    )


@pytest.mark.slow
@needs_compiler
def test_compiled_answers_are_alike_at_every_batch(program, home: Path) -> None:
    """Given a program with a free batch, When it is compiled, Then one item, many and one again are answered as without;
    it was compiled when it was opened, and no other size than "more than one" is compiled apart."""
    from torch._dynamo.utils import counters

    plain = torch_cpu.load(program.model.main, {"num_threads": 1}, 1)
    counters.clear()
    compiled = torch_cpu.load(program.model.main, COMPILED, 1)
    assert compiled.fallbacks == () and compiled.device_ran == "cpu"
    assert list(home.rglob("*.so")), "nothing was built"
    rng = np.random.default_rng(1)
    for rows, graphs in ((1, 1), (2, 2), (7, 2), (3, 2), (1, 2)):
        feeds = {"image": rng.normal(size=(rows, 3, 16, 16)).astype(np.float32)}
        wanted, answers = plain.run(feeds)["logits"], compiled.run(feeds)["logits"]
        np.testing.assert_allclose(answers, wanted, atol=1e-5)
        assert counters["stats"]["unique_graphs"] == graphs, rows
        answers[...] = 0  # it belongs to the caller
    compiled.close()


def test_without_a_compiler_it_runs_uncompiled_with_a_note(program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a computer without a compiler, Then a bundle's session answers all the same, with one plain sentence, and
    where variants are judged and timed it is refused instead."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    session = torch_cpu.load(program.model.main, COMPILED, 1)
    (report,) = session.fallbacks
    assert report.startswith("Compiling: there is no C++ compiler on this computer; PyTorch runs the model as it is")
    plain = torch_cpu.load(program.model.main, {}, 1)
    np.testing.assert_array_equal(session.run(program.feeds())["logits"], plain.run(program.feeds())["logits"])
    with pytest.raises(InputRefused) as caught:
        open_session(program.folder, "torch-cpu", COMPILED, 1)
    assert caught.value.code == "not_compiled"
    assert caught.value.detail == "there is no C++ compiler on this computer."
    assert open_session(program.folder, "torch-cpu", {}, 1).fallbacks == ()


@pytest.mark.whole
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for a compiler")
@needs_compiler
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "the C++ compiler does not work"),
        ('[ "$1" = --version ] && exit 0; echo broken >&2; exit 1', "PyTorch's compiler failed"),
    ],
)
def test_compiler_that_fails_is_reported(
    script: str, why: str, program, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a $CXX that starts and fails, Then the model runs as it is, and the session reports what happened."""
    broken = tmp_path / "broken-c++"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    monkeypatch.setattr(torch_compile.sysconfig, "get_path", lambda name: str(tmp_path))
    (tmp_path / "Python.h").touch()
    session = torch_cpu.load(program.model.main, COMPILED, 1)
    (report,) = session.fallbacks
    assert why in report
    assert session.run(program.feeds())["logits"].shape == (1, 5)


def test_pythons_header_files_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_compile.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("CXX", sys.executable)
    with pytest.raises(NotCompiled, match="header files of Python"):
        find_compiler()


@needs_compiler
def test_space_in_the_compilers_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a folder with a space in the compiler's command, Then it is reported before PyTorch fails without a reason."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "my models"))
    with pytest.raises(NotCompiled, match="a space"):
        find_compiler()


def test_the_setting_is_yes_or_no(program) -> None:
    with pytest.raises(InputRefused, match="setting"):
        open_session(program.folder, "torch-cpu", {"compile": "yes"}, 1)
    with pytest.raises(ValueError, match="'compile' cannot be 'yes'"):
        torch_cuda.load(program.model.main, {**COMPILED, "compile": "yes"}, 1)


@pytest.mark.slow
@needs_compiler
@on_linux
def test_it_compiles_behind_the_walls(program, pool: WorkerPool, tmp_path: Path) -> None:
    """Given a real job, When the runtime's limits are its own, Then it compiles and answers all test items as without."""
    client = pool.take()
    client.start(answer_job(program, tmp_path, limits_of_runtime("torch-cpu", COMPILED)))
    last = finish(client)
    assert isinstance(last, Finished), last
    assert client.ready is not None and client.ready.missing_protections == ()
    plain = torch_cpu.load(program.model.main, {}, 1)
    items = Prepared(program.data / "test")
    with np.load(tmp_path / "jobs" / "compiled" / "answers.npz") as kept:
        wanted = np.concatenate([plain.run(items[index])["logits"] for index in range(len(items))])
        np.testing.assert_allclose(kept["answer"].reshape(wanted.shape), wanted, atol=1e-5)
    client.close()


@pytest.mark.whole
@needs_compiler
@on_linux
def test_it_compiles_only_where_programs_may_start(program, pool: WorkerPool, tmp_path: Path) -> None:
    """Given a job that may start no program, Then it is refused in plain words and not answered as if it were compiled."""
    client = pool.take()
    client.start(answer_job(program, tmp_path, limits_of_runtime("torch-cpu", {})))
    last = finish(client)
    client.close()
    assert isinstance(last, Failed) and last.error.code == "not_compiled"
    assert last.error.detail == "the C++ compiler may not be started here."


@pytest.mark.whole
@needs_compiler
@on_linux
def test_cancelled_while_it_compiles(program, pool: WorkerPool, tmp_path: Path) -> None:
    """Given a job that is just compiling, When it is cancelled, Then it is over, compiler and all."""
    client = pool.take()
    client.start(answer_job(program, tmp_path, limits_of_runtime("torch-cpu", COMPILED)))
    home, end_s = tmp_path / "jobs" / "compiled" / ".home" / "inductor", time.monotonic() + COMPILE_S
    while not list(home.rglob("*.cpp")):
        client.poll()
        assert time.monotonic() < end_s and not client.done
        time.sleep(0.005)
    client.cancel()
    last = finish(client, 10)
    client.close()
    assert isinstance(last, Cancelled)
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(home) not in listed
