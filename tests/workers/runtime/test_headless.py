"""The worker side without a parent: JSON lines, exit codes, the same functions."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
HANDLERS = ["--kinds", "fettle_test_handlers"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "workers", *arguments]


def environ() -> dict[str, str]:
    paths = [str(ROOT), str(ROOT / "tests" / "app" / "jobs")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def call(*arguments: str, given: str = "") -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        command(*arguments), input=given, capture_output=True, text=True, env=environ(), timeout=60, check=False
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def job(tmp_path: Path, kind: str, **more: Any) -> str:
    return json.dumps({"kind": kind, "params": {}, "work_dir": str(tmp_path / "work"), **more})


def test_run_tells_everything_as_json_lines(tmp_path: Path) -> None:
    """Given a job on the standard input, Then Ready, messages and one terminal message come as lines, exit code 0."""
    code, lines = call("run", "-", *HANDLERS, given=job(tmp_path, "echo"))
    assert code == 0
    assert [line["type"] for line in lines] == ["ready", "progress", "finished"]
    assert lines[0]["missing_protections"] == []
    assert (tmp_path / "work" / "out.txt").read_text() == "made"


def test_a_file_without_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(job(tmp_path, "echo"))
    code, lines = call("run", str(tmp_path / "job.json"), "--no-sandbox", *HANDLERS)
    assert code == 0
    assert len(lines[0]["missing_protections"]) == 5


@pytest.mark.parametrize(
    ("how", "exit_code", "error"), [("raise", 1, "internal"), ("refuse", 3, "no_good"), ("huge_request", 1, None)]
)
def test_exit_codes(tmp_path: Path, how: str, exit_code: int, error: str | None) -> None:
    given = job(tmp_path, "misbehave", params={"values": {"how": how}})
    code, lines = call("run", "-", *HANDLERS, given=given)
    assert code == exit_code
    assert lines[-1]["type"] == "failed"
    assert lines[-1]["error"]["code"] == (error or "out_of_memory")


def test_a_measurement_gets_its_turns(tmp_path: Path) -> None:
    code, lines = call("run", "-", *HANDLERS, given=job(tmp_path, "measure"))
    assert code == 0
    assert [line["index"] for line in lines if line["type"] == "block_done"] == [0, 1, 2]


@pytest.mark.parametrize("given", ["", "no json", "[]", '{"kind": "echo"}', '{"kind": "Echo;", "params": {}}'])
def test_a_bad_description_is_refused(tmp_path: Path, given: str) -> None:
    code, lines = call("run", "-", *HANDLERS, given=given)
    assert code in (2, 3)
    assert lines[-1]["type"] == "failed"
    assert lines[-1]["error"]["hint"]


def test_validate(tmp_path: Path) -> None:
    assert call("validate", "-", *HANDLERS, given=job(tmp_path, "echo")) == (0, [{"valid": True, "kind": "echo"}])
    code, lines = call("validate", "-", *HANDLERS, given=job(tmp_path, "echo", params={"x": 1}))
    assert code == 2
    assert "x" in lines[0]["error"]["detail"]
    assert not (tmp_path / "work").exists()
    assert call("validate", str(tmp_path / "nothing.json"))[0] == 2


def test_list_names_the_kinds() -> None:
    code, lines = call("list")
    assert code == 0
    assert {"describe", "measure"} <= {line["kind"] for line in lines}
    assert all("properties" in line["params"] for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_the_interrupt_key_cancels(tmp_path: Path) -> None:
    """Given a running job, When interrupted, Then it ends as cancelled with exit code 5."""
    with subprocess.Popen(
        command("run", "-", *HANDLERS), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ()
    ) as process:
        assert process.stdin is not None
        process.stdin.write(job(tmp_path, "sleep"))
        process.stdin.close()
        while not (tmp_path / "work" / "half.bin").exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 5
        assert process.stdout is not None
        assert json.loads(process.stdout.read().splitlines()[-1])["type"] == "cancelled"
