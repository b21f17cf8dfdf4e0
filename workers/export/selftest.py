"""Unpack a bundle in a fresh environment, run it there, and compare its predictions."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from workers.contracts.bundles import ExportCheck
from workers.contracts.errors import WorkerError
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined
from workers.export.fresh_environment import LOCK, make_environment
from workers.export.stages import COMPARE, RUN, UNPACK, stage

TIMEOUT_S = 300
CHAT = "chat.py"
"""Additional script in a language model's bundle."""
FOLDER, ENVIRONMENT = "unpacked", "environment"
"""Folders of the unpacked bundle and its environment in the job's folder, for further tests of targets."""
FORBIDDEN = ("torch", "PySide6", "onnxruntime", "openvino", "sqlalchemy", "app", "workers")
"""Modules that must not be importable in the fresh environment unless the requirements name them."""

PROBE = """
import importlib.util, json, sys
print(json.dumps([name for name in sys.argv[1:] if importlib.util.find_spec(name) is not None]))
"""


TEST_STAGES = (UNPACK, COMPARE, RUN)


def selftest(bundle: Path, requirements: list[str], ctx: JobContext) -> tuple[tuple[ExportCheck, ...], str]:
    """Return the checks and the prediction of run.py; a bundle that fails is never handed out.

    Raises:
        WorkerError: A check fails; the error names it.
    """
    folder, environment = ctx.work_dir / FOLDER, ctx.work_dir / ENVIRONMENT
    with stage(ctx, UNPACK):
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(folder)
        python = make_environment(environment, requirements)
        ctx.check_cancelled()
        alone = _alone(python, folder, requirements)
    with stage(ctx, COMPARE):
        golden = _golden(python, folder, "version", "Same answers as here")
    ctx.check_cancelled()
    with stage(ctx, RUN):
        answer = _answers_a_person(python, folder)
    others: tuple[ExportCheck, ...] = ()
    if (folder / "fallback").is_dir():
        others = (_golden(python, folder, "fallback", "The original answers in its place"),)
    return (alone, golden, answer, *others), answer.detail


def run_in(python: Path, folder: Path, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run Python isolated (`-I`): no variable and no folder of this program reaches the bundle."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        return subprocess.run(
            [str(python), "-I", "-B", *arguments], cwd=folder, env=kept, capture_output=True, text=True,
            timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise failed(_("It did not answer within {0} s.").format(TIMEOUT_S)) from error


def _alone(python: Path, folder: Path, requirements: list[str]) -> ExportCheck:
    named = {Requirement(line).name for line in requirements}
    modules = {name.removesuffix("-gpu") for name in named}  # onnxruntime-gpu holds the module onnxruntime
    unwanted = [name for name in FORBIDDEN if name not in modules]
    done = run_in(python, folder, ["-c", PROBE, *unwanted])
    leaked = json.loads(done.stdout) if done.returncode == 0 else [done.stderr.strip()[-300:]]
    if leaked:
        raise failed(_("The clean place contained more: {0}.").format(", ".join(leaked)))
    unlocked = json.loads((folder / "manifest.json").read_text(encoding="utf-8")).get("unlocked", [])
    names = ", ".join(sorted(named))
    detail = _("only {0}; exact wheels in {1}").format(names, LOCK)
    if unlocked:
        text = _("only {0}; no {1}: the hash of {2} is not known here")
        detail = text.format(names, LOCK, ", ".join(unlocked))
    return ExportCheck(what="Unpacked in a clean place", ok=True, detail=detail)


def _golden(python: Path, folder: Path, use: str, what: str) -> ExportCheck:
    done = run_in(python, folder, ["verify.py", "--use", use, "--json"])
    document = last_json(done)
    if done.returncode != 0 or not document.get("ok"):
        reason = " ".join(document.get("problems", [])) or done.stderr.strip()[-500:]
        is_own = use == "version"
        text = _("It does not answer as here: {0}") if is_own else _("Its fallback does not answer as here: {0}")
        raise failed(text.format(reason))
    return ExportCheck(what=what, ok=True, detail=_("{0} of {0}").format(document["alike"]))


def _answers_a_person(python: Path, folder: Path) -> ExportCheck:
    """Run the user's command on an input in the bundle."""
    document = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    example = document["example"]
    arguments = ["--text", example["text"]] if "text" in example else [example["file"]]
    done = run_in(python, folder, ["run.py", *arguments, "--json"])
    answers = last_json(done).get("answers", [])
    if done.returncode != 0 or not answers or "error" in answers[0]:
        raise no_answer("run.py", done)
    if (folder / CHAT).is_file():
        _chats(python, folder, arguments[-1])
    shown = answers[0]["answer"]
    detail = shown if isinstance(shown, str) else _("an answer of shape {0}").format(answers[0].get("shape"))
    return ExportCheck(what="run.py answers", ok=True, detail=detail)


def _chats(python: Path, folder: Path, prompt: str) -> None:
    """Check that chat.py gives an answer."""
    done = run_in(python, folder, [CHAT, prompt, "--max-new-tokens", "8", "--json"])
    if done.returncode != 0 or "answer" not in last_json(done):
        raise no_answer(CHAT, done)


def last_json(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Return the document in the last line that a script printed; {} if there is none."""
    try:
        found = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def no_answer(script: str, done: "subprocess.CompletedProcess[str]") -> WorkerError:
    """Return the error of a script that printed no answer."""
    return failed(joined([_("{0} gave no answer.").format(script), done.stderr.strip()[-500:]]))


def failed(reason: str, hint: str = "") -> WorkerError:
    """Return the error of a self-test; `reason` is a sentence about the unpacked bundle."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return WorkerError(
        "selftest_failed",
        "The bundle did not pass its own test",
        joined([reason, _("The unpacked bundle was discarded, and your earlier files are unchanged.")]),
        hint or _("Try another version, or report it with the log (Python {0}).").format(version),
    )
