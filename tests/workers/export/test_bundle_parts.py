"""Parts of a bundle: requirements, its own code, the fresh environment and its lock, checksums."""

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from loopback_index import build_wheel
from packaging.requirements import Requirement
from run_text import run_text

from workers import registry
from workers.contracts.errors import BackendMissing
from workers.contracts.folder import read_model, write_model
from workers.contracts.pipeline import write_pipeline
from workers.export import fresh_environment
from workers.export.fresh_environment import HASHES, closure, locked, make_environment
from workers.export.layout import copy_code, copy_model, model_files, requirement_lines
from workers.export.selftest import _alone
from workers.pipeline.golden import check_sums, write_sums
from workers.pipeline.spec import ArraySteps, PipelineInput, PipelineOutput, PipelineSpec, TextSteps

SPEC = PipelineSpec(
    task="array-classification",
    inputs=(PipelineInput(name="x", dtype="float32", shape=(None, 4), source="array"),),
    outputs=(PipelineOutput(name="y", dtype="float32", shape=(None, 3), answer=True),),
    preprocess=ArraySteps(),
    answer_kind="class",
)


@pytest.mark.parametrize("runtime_id", ["onnxruntime-cpu", "openvino", "torch-cpu"])
def test_requirements_are_lower_bounds_that_pip_understands(runtime_id: str) -> None:
    """Given a runtime, then each line is a requirement that the installed version meets, without a build's own mark."""
    lines = requirement_lines(registry.runtimes()[runtime_id], SPEC)
    assert "numpy" in {Requirement(line).name for line in lines}
    for line in lines:
        requirement = Requirement(line)
        assert requirement.specifier.contains(version(requirement.name), prereleases=True)
        assert "+" not in line


def test_build_for_cards_holds_its_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a runtime whose requirement has extras and another name than its module, then its line has the version of
    the distribution, and the clean place may hold the module."""
    wheel = build_wheel(tmp_path, "onnxruntime_gpu", module="onnxruntime")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "set")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "set")])
    lines = requirement_lines(registry.runtimes()["onnxruntime-cuda"], SPEC)
    assert lines == [f"numpy>={version('numpy')}", "onnxruntime-gpu[cuda,cudnn]>=1.0"]
    (tmp_path / "manifest.json").write_text("{}")
    assert _alone(make_environment(tmp_path / "environment", lines), tmp_path, lines).ok


def test_texts_need_a_tokenizer() -> None:
    """Given a model that reads texts, then tokenizers is required; one that takes arrays needs numpy alone."""
    names = {Requirement(line).name for line in requirement_lines(registry.runtimes()["openvino"], SPEC)}
    assert names == {"numpy", "openvino"}
    texts = replace(SPEC, preprocess=TextSteps())
    assert "tokenizers" in "".join(requirement_lines(registry.runtimes()["openvino"], texts))


@pytest.mark.parametrize("module", ["onnxruntime_cpu", "openvino", "torch_cpu"])
def test_the_copied_code_stands_alone(tmp_path: Path, module: str) -> None:
    """Given the copied code of one runtime, when it is imported where only numpy is, then it requests nothing of ours."""
    runtime = registry.runtimes()[module.replace("_", "-")]
    copy_code(tmp_path, module, runtime.modules)
    python = make_environment(tmp_path / "environment", ["numpy"])
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import fettle_bundle.pipeline, fettle_bundle.infer.{module}"
    done = run_text([python, "-I", "-B", "-c", code])
    assert done.returncode == 0, done.stderr


def test_the_fresh_environment_holds_the_closure_alone(tmp_path: Path) -> None:
    """Given one requirement, then it and what it needs are importable there, and nothing else that is installed here."""
    python = make_environment(tmp_path, ["pillow"])
    code = "import importlib.util, sys; print([n for n in sys.argv[1:] if importlib.util.find_spec(n)])"
    names = ["PIL", "numpy", "pytest", "torch", "app", "pydantic"]
    done = run_text([python, "-I", "-c", code, *names], check=True)
    assert done.stdout.strip() == "['PIL']"


def test_missing_requirement_is_named(tmp_path: Path) -> None:
    """Given a requirement that is absent or too old here, then words with the install line."""
    for line in ("not-a-package-of-anyone>=1", "numpy>=999"):
        with pytest.raises(BackendMissing) as missing:
            make_environment(tmp_path / line[:3], [line])
        assert "pip install" in missing.value.by_command


def test_closure_follows_requirements() -> None:
    """Given a package with its own requirements, then those are included, and extras that nobody requested are not."""
    found = closure(["pydantic>=2"])
    assert {"pydantic", "pydantic-core", "typing-extensions"} <= set(found)
    assert "email-validator" not in found


@pytest.mark.skipif(sys.platform == "win32", reason="no links there")
def test_files_are_copied_where_links_are_not_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a disk without links, then the environment works all the same."""

    def no_links(*_: Any, **__: Any) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(fresh_environment.Path, "symlink_to", no_links)
    python = make_environment(tmp_path, ["packaging"])
    assert subprocess.run([python, "-I", "-c", "import packaging"], check=False).returncode == 0


def test_checksums(tmp_path: Path) -> None:
    """Given checksums, then they hold until something is changed; a list that is gone is reported."""
    write_pipeline(tmp_path, SPEC)
    assert write_sums(tmp_path) == 1
    assert check_sums(tmp_path) == []
    (tmp_path / "pipeline.json").write_text("{}")
    assert check_sums(tmp_path) == ["pipeline.json was changed."]
    (tmp_path / "SHA256SUMS").unlink()
    assert check_sums(tmp_path) == ["SHA256SUMS is missing."]


def test_pytorch_takes_its_own_program_along(tmp_path: Path) -> None:
    """Given a model with a torch program next to it, then a bundle for PyTorch holds that, any other the model itself."""
    for name in ("model.onnx", "model.pt2", "info.json", "pipeline.json"):
        (tmp_path / name).write_text("{}")
    write_model(tmp_path, "model.onnx", ["model.onnx"], torch_program="model.pt2")
    runtimes, model = registry.runtimes(), read_model(tmp_path)
    for runtime_id, files in (("torch-cpu", {"model.pt2", "info.json"}), ("openvino", {"model.onnx"})):
        folder = tmp_path / runtime_id
        copy_model(folder, model, runtimes[runtime_id])
        assert {path.name for path in (folder / "model").iterdir()} == files
        assert model_files(model, runtimes[runtime_id])[0] in files
        assert (folder / "pipeline.json").is_file()


def test_the_lock_names_the_installed_versions_with_hashes() -> None:
    """Given requirements, then all that they close over is pinned as it is installed here, each with a sha256."""
    text, unknown = locked(["fastapi>=0.1", "numpy>=2"])
    assert unknown == ()
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\$", text, re.MULTILINE))
    assert pins["numpy"] == version("numpy") and {"fastapi", "starlette", "pydantic-core", "idna"} <= set(pins)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}(?: \\)?$", text, re.MULTILINE)) >= len(pins)


def test_pip_takes_the_lock(tmp_path: Path) -> None:
    """Given the lock, then pip reads it with --require-hashes, and finds all of it installed (without a network)."""
    text, _ = locked(["fastapi>=0.1", "numpy>=2"])
    (tmp_path / "requirements.lock").write_text(text)
    options = ("--dry-run", "--no-index", "--require-hashes", "-r", "requirements.lock")
    done = run_text([sys.executable, "-m", "pip", "install", *options], cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_package_without_a_known_hash_is_named_and_nothing_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given another version than was pinned (or its own build), then no lock at all, and the package is named."""
    known = json.loads(HASHES.read_text())
    del known[f"numpy=={version('numpy')}"]
    (tmp_path / "hashes.json").write_text(json.dumps(known))
    monkeypatch.setattr(fresh_environment, "HASHES", tmp_path / "hashes.json")
    assert locked(["fastapi>=0.1", "numpy>=2"]) == ("", (f"numpy {version('numpy')}",))
    assert locked(["torch>=2"])[0] == "" or "+" not in version("torch")
