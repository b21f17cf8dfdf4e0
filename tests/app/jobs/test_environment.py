"""Which environment variables a worker process inherits."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jobs_bench import HANDLERS, Bench

from app.jobs.environment import allowed, is_allowed
from app.jobs.fork_server import IS_OFFERED, ForkServer
from app.jobs.pool import WorkerPool
from workers.contracts.process.messages import Finished, Limits

SECRETS = {
    "HF_TOKEN": "hf_secret",
    "HF_HUB_TOKEN": "hf_secret",
    "AWS_SECRET_ACCESS_KEY": "x",
    "GITHUB_TOKEN": "x",
    "OPENAI_API_KEY": "x",
    "NVIDIA_API_KEY": "x",
    "PGPASSWORD": "x",
    "SSH_AUTH_SOCK": "/tmp/agent",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus",
    "MY_PRIVATE_THING": "x",
}
PROXIES = {"HTTPS_PROXY": "http://me:password@proxy:3128", "http_proxy": "http://me:password@proxy:3128"}
NEEDED = {
    "OMP_PROC_BIND": "false",
    "KMP_BLOCKTIME": "0",
    "MKL_DEBUG_CPU_TYPE": "5",
    "CUDA_VISIBLE_DEVICES": "0",
    "LC_ALL": "C.UTF-8",
    "TOKENIZERS_PARALLELISM": "false",
    "CXX": "c++",
}


@pytest.fixture(params=["anew", *(["forked"] if IS_OFFERED else [])])
def make_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Bench]:
    """Make a pool whose workers are started anew, or are forked off a server that starts with the pool."""

    def make() -> Bench:
        server = ForkServer(HANDLERS) if request.param == "forked" else None
        if server is not None:
            request.addfinalizer(server.close)
            assert server.is_idle(60)
        return Bench(tmp_path, WorkerPool(tmp_path / "jobs", job_kinds=HANDLERS, fork_server=server))

    return make


def names_of(bench: Bench, **more: Any) -> dict[str, set[str]]:
    _, messages = bench.run("secrets", **more)
    assert isinstance(messages[-1], Finished), messages[-1]
    return {when: set(names) for when, names in messages[-1].result["values"].items()}


def test_worker_inherits_only_allowed_variables(
    make_bench: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given secrets of many programs, When a job runs, Then its process never had them, and has what runtimes need."""
    for name, value in {**SECRETS, **PROXIES, **NEEDED}.items():
        monkeypatch.setenv(name, value)

    names = names_of(make_bench())

    assert names["now"] & {*SECRETS, *PROXIES} == set()
    assert names["born with"] & {*SECRETS, *PROXIES} == set()
    assert {*NEEDED, "PATH", "HOME", "OMP_NUM_THREADS", "TMPDIR"} <= names["now"]
    assert {name: os.environ[name] for name in SECRETS} == SECRETS, "the application keeps its variables"


def test_worker_with_network_inherits_the_proxy(
    make_bench: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a proxy with a password, When a job reaches the network, Then it has the proxy, and still no secrets."""
    for name, value in {**SECRETS, **PROXIES}.items():
        monkeypatch.setenv(name, value)

    names = names_of(make_bench(), limits=Limits(network=True))

    assert names["now"] >= {*PROXIES}
    assert names["now"] & {*SECRETS} == set()


def test_allowed_variables_distinguish_no_case() -> None:
    """Given names as Windows and proxies write them, Then case does not matter and values are kept."""
    assert allowed({"SystemRoot": "C:\\Windows", "Path": "x", "Secret": "y"}, network=False) == {
        "SystemRoot": "C:\\Windows",
        "Path": "x",
    }
    assert is_allowed("https_proxy", network=True)
    assert not is_allowed("https_proxy", network=False)
    assert not is_allowed("PYTHON_KEYRING_PASSWORD", network=True)
