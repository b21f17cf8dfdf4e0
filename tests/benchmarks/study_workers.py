"""Measure how much sooner a study of twelve small models ends on two and three workers with one core each.

Usage: python -m tests.benchmarks.study_workers [MODELS] [WORKERS…]

Each worker stands for a computer: it has one core (if there are enough) and its own lock of measurements, unless
`--one-machine` is given. The cluster is found like one that a company has, by its certificates.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from distributed import Client

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "integration"), str(ROOT / "tests" / "fixtures")]

from command_models import picture_model  # noqa: E402
from one_engine import write_preset  # noqa: E402
from short_runs import SHORT_RUNS  # noqa: E402

from app.jobs.cluster.own import own_cluster  # noqa: E402

RECIPES = """
  - title: Small numbers
    why: 8 bits, with ranges that are learned from examples.
    steps:
      - technique: int8_static
        params: {examples: 16}
"""


def study(folder: Path, workers: int, *, one_machine: bool) -> tuple[float, list[dict[str, object]]]:
    """Return the seconds of a study of `folder`/models on so many workers, without their start, and its rows."""
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
        environ = {**os.environ, **SHORT_RUNS, **{name: str(path) for name, path in files.items()}}
        options = ["--data", folder / "d.npz", "--recipe", folder / "small.yaml", "--threads", "1"]
        command = [sys.executable, "-m", "app", "study", folder / "models", *options, "--json", "--quiet"]
        began_s = time.monotonic()
        done = subprocess.run(
            [*map(str, command), "--data-dir", str(place / "home"), "--cluster", address],
            env=environ,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=False,
        )
        return time.monotonic() - began_s, json.loads(done.stdout)["rows"]


def main(models: int, workers: list[int], *, one_machine: bool) -> None:
    """Print the seconds and the speed-up for each number of workers."""
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
            seconds, rows = study(folder, count, one_machine=one_machine)
            first_s = first_s or seconds
            failed = sum(row["error"] is not None for row in rows)
            used = len({row["computer"] for row in rows})
            sys.stdout.write(
                f"{count} workers: {seconds:.1f} s, {first_s / seconds:.2f} × as fast; {len(rows)} rows, {failed} failed,"
                f" {used} computers; load of this machine {load:.1f} before\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if word != "--one-machine"]
    main(
        int((given or ["12"])[0]),
        [int(word) for word in given[1:]] or [1, 2, 3],
        one_machine=len(given) + 1 < len(sys.argv),
    )
