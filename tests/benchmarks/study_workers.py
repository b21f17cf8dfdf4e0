"""Measure how much sooner a study of twelve small models ends on two and three workers with one core each.

Usage: python -m tests.benchmarks.study_workers [--one-machine] [--real-lengths] [MODELS] [WORKERS…]

Each worker stands for a computer: it has one core (if there are enough) and its own lock of measurements, unless
`--one-machine` is given. The cluster is found like one that a company has, by its certificates. Runs are as short as in
tests, unless `--real-lengths` is given: then each measures as long as for a person, but does not wait for a quiet
computer. The processor seconds of the program and of the scheduler, with the client of this benchmark, hold on a busy
computer too.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from distributed import Client

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "integration"), str(ROOT / "tests" / "fixtures")]

from command_models import picture_model  # noqa: E402
from one_engine import write_preset  # noqa: E402
from short_runs import AS_A_PERSON, SHORT_RUNS  # noqa: E402

from app.jobs.cluster.own import own_cluster  # noqa: E402

RECIPES = """
  - title: Small numbers
    why: 8 bits, with ranges that are learned from examples.
    steps:
      - technique: int8_static
        params: {examples: 16}
"""


REAL_LENGTHS = {**AS_A_PERSON, "FETTLE_WAIT_FOR_QUIET_S": "0"}


@dataclass(frozen=True)
class Used:
    """Seconds of one study without the start of its workers, and processor seconds of the program and the scheduler."""

    wall_s: float
    program_s: float
    scheduler_s: float


def study(
    folder: Path, workers: int, lengths: Mapping[str, str], *, one_machine: bool
) -> tuple[Used, list[dict[str, object]]]:
    """Return what a study of `folder`/models on so many workers took, and its rows."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number in range(workers):
            (place / str(number)).mkdir()
        own = () if one_machine else tuple({"TMPDIR": str(place / str(number))} for number in range(workers))
        address, security = stack.enter_context(own_cluster(workers, own))
        client = stack.enter_context(Client(address, security=security, set_as_default=False))
        client.wait_for_workers(workers, timeout=60)
        cores = sorted(os.sched_getaffinity(0))
        for number, worker in enumerate(client.scheduler_info(n_workers=-1)["workers"]):
            client.run(os.sched_setaffinity, 0, {cores[number % len(cores)]}, workers=[worker])
        names = {"CA_FILE": "tls_ca_file", "CLIENT__CERT": "tls_client_cert", "CLIENT__KEY": "tls_client_key"}
        files = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": place / name for name in names}
        for name, part in names.items():
            (place / name).write_text(getattr(security, part), encoding="ascii")
        environ = {**os.environ, **lengths, **{name: str(path) for name, path in files.items()}}
        options = ["--data", folder / "d.npz", "--recipe", folder / "small.yaml", "--threads", "1"]
        command = [sys.executable, "-m", "app", "study", folder / "models", *options, "--json", "--quiet"]
        began_s, scheduler_s = time.monotonic(), time.process_time()
        program_s = _children_s()
        done = subprocess.run(
            [*map(str, command), "--data-dir", str(place / "home"), "--cluster", address],
            env=environ,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=False,
        )
        used = Used(time.monotonic() - began_s, _children_s() - program_s, time.process_time() - scheduler_s)
        return used, json.loads(done.stdout)["rows"]


def _children_s() -> float:
    """Return the processor seconds of all child processes that have ended: during a study only the program does."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def main(models: int, workers: list[int], lengths: Mapping[str, str], *, one_machine: bool) -> None:
    """Print the seconds, the speed-up and the processor seconds per model for each number of workers."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "models").mkdir()
        for number in range(models):
            picture_model(folder / "models" / f"m{number:02}.onnx", classes=4 + number)
        np.savez(folder / "d.npz", picture=np.random.default_rng(3).random((200, 3, 16, 16)).astype(np.float32))
        write_preset(folder, RECIPES, max_loss_pct=5.0)
        first_s = 0.0
        for count in workers:
            load = os.getloadavg()[0]
            took, rows = study(folder, count, lengths, one_machine=one_machine)
            first_s = first_s or took.wall_s
            failed = sum(row["error"] is not None for row in rows)
            used = len({row["computer"] for row in rows})
            sys.stdout.write(
                f"{count} workers: {took.wall_s:.1f} s, {first_s / took.wall_s:.2f} × as fast; {len(rows)} rows, {failed}"
                f" failed, {used} computers; processor per model: program {took.program_s / models:.2f} s,"
                f" scheduler {took.scheduler_s / models:.2f} s; load of this machine {load:.1f} before\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one-machine", action="store_true")
    parser.add_argument("--real-lengths", action="store_true")
    parser.add_argument("models", type=int, nargs="?", default=12)
    parser.add_argument("workers", type=int, nargs="*", default=[1, 2, 3])
    given = parser.parse_args()
    main(
        given.models,
        given.workers,
        REAL_LENGTHS if given.real_lengths else SHORT_RUNS,
        one_machine=given.one_machine,
    )
