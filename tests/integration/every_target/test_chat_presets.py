"""A real chat model through the complete workflow under each of its presets, by command: what is safe says Paris, and so do its bundles.

    FETTLE_MODELS_DIR=folder pytest -m models -s tests/integration/every_target/test_chat_presets.py

Each run takes as long as its preset allows, so all of it about half an hour.
"""

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from exported_models import CHAT, PATIENCE, first_rows
from fettle_command import Fettle, Finished
from run_text import run_text
from served_bundles import start, stop
from short_runs import AS_A_PERSON

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(7200)]
QUESTION = "What is the capital of France?"
WORDS = 24
ROWS = 120
CLIENT = """
import json, sys
import openai
client = openai.OpenAI(base_url=sys.argv[1], api_key="none is needed", max_retries=0, timeout=600)
how = {"model": client.models.list().data[0].id, "max_tokens": int(sys.argv[3]), "temperature": 0,
       "messages": [{"role": "user", "content": sys.argv[2]}]}
whole = client.chat.completions.create(**how).choices[0].message.content
pieces = [piece.choices[0].delta.content or "" for piece in client.chat.completions.create(stream=True, **how)]
print(json.dumps({"whole": whole, "pieces": pieces}))
"""


@pytest.fixture(scope="session")
def client_python(own_folder: Path) -> Path:
    """An environment with the openai client alone."""
    venv.EnvBuilder(with_pip=True).create(own_folder / "openai")
    python = own_folder / "openai" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "openai"], check=True, capture_output=True, timeout=900)
    return python


def answer_by(fettle: Fettle, run_id: str, version: str) -> str:
    """The answer of one version in `fettle chat`."""
    chat = [sys.executable, "-m", "app", "chat", run_id, "--variant", version]
    command = [*chat, "--max-new-tokens", str(WORDS), "--json"]
    done = run_text(command, cwd=fettle.root, env=fettle.env, input=QUESTION + "\n", timeout=600, check=True)
    return str(json.loads(done.stdout)["messages"][-1]["content"])


def exported(fettle: Fettle, run_id: str, version: str, target: str, folder: Path) -> Path:
    """The unpacked bundle, exported and verified; a version that is not proven on so few texts needs a reason."""
    out = folder / f"{target}.zip"
    words = ("export", run_id, "--target", target, "--out", out, "--variant", version, "--json")
    reason = ("--accept-regression", "a test of the complete workflow")
    done: Finished = fettle(*words, *reason, timeout_s=900)
    assert done.code == 0 and all(check["ok"] for check in done.document["selftest"]), done.err
    assert fettle("verify", out, timeout_s=900).code == 0
    shutil.unpack_archive(out, folder / target)
    return folder / target


@pytest.mark.parametrize("preset", ["no-change", "fastest-chat", "fits-memory", "chat-anywhere"])
def test_complete_workflow_of_a_preset(
    preset: str, tmp_path: Path, client_python: Path, javascript: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a chat model and texts, When it is optimized, Then the original and each version that is safe say Paris;
    what was chosen goes into bundles that verify, and chat.py and a server say the same to the usual client."""
    fettle = Fettle(tmp_path / "home", more=AS_A_PERSON)
    data = first_rows(CHAT.paths[1], tmp_path / "texts.csv", ROWS)
    done = fettle("optimize", CHAT.paths[0], "--preset", preset, "--data", data, "--json", timeout_s=5400 * PATIENCE)
    assert done.code in (0, 4), done.err
    run: dict[str, Any] = done.document
    original, chosen = run["baseline"]["id"], run["recommended"]
    safe = [row for row in run["variants"] if row["id"] != original and row.get("verdict") == "safe"]
    report = [f"{preset}: exit {done.code} after {done.seconds:.0f} s: {done.last_line}"]
    for row in run["variants"]:
        report.append(
            f"  {row['title']}: {row.get('verdict')}, {row.get('speedup')} times, {row.get('size_bytes')} bytes"
        )
    for version in (original, *(row["id"] for row in safe)):
        answer = answer_by(fettle, run["run_id"], version)
        report.append(f"  {version} says {answer!r}")
        assert "paris" in answer.lower()
    version = chosen or original
    answer_text = answer_by(fettle, run["run_id"], version)
    folder = exported(fettle, run["run_id"], version, "python", tmp_path)
    command = [sys.executable, "-I", "-B", "chat.py", QUESTION, "--max-new-tokens", str(WORDS), "--json"]
    alone = run_text(command, cwd=folder, check=True, timeout=600)
    assert json.loads(alone.stdout)["answer"] == answer_text
    served = start(exported(fettle, run["run_id"], version, "service", tmp_path))
    requested = [client_python, "-c", CLIENT, f"http://{served.address}/v1", QUESTION, str(WORDS)]
    answer = json.loads(run_text(requested, check=True, timeout=600).stdout)
    code, complaints = stop(served)
    assert code == 0, complaints
    assert answer["whole"] == "".join(answer["pieces"]) == answer_text and len(answer["pieces"]) > 3
    assert "paris" in answer_text.lower()
    if chosen and preset == "chat-anywhere":
        hub = shutil.copytree(exported(fettle, run["run_id"], chosen, "hub", tmp_path), javascript / preset)
        requested = ["node", "try.mjs", QUESTION]
        ran = run_text(requested, cwd=hub, timeout=600)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        spoken, figures = ran.stdout.splitlines()[-2:]
        assert "paris" in spoken.lower()
        report.append(f"  transformers.js says {spoken!r}: {figures}")
    report.append(f"  bundles of {version}: chat.py and the client say {answer_text!r}")
    with capsys.disabled():
        print("\n" + "\n".join(report))  # noqa: T201
