"""The hub folder: names that transformers.js finds, configuration carried along or reported, and nothing that is not so."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from bundle_facts import export_of, unpacked, verified
from onnx.external_data_helper import convert_model_to_external_data
from recording import RecordingContext
from run_text import run_text

from workers.contracts.bundles import ExportParams
from workers.contracts.errors import WorkerError
from workers.contracts.folder import read_model
from workers.contracts.specs import ModelInfo
from workers.export import hub_folder
from workers.export.hub_folder import configs, read_back
from workers.export.layout import copy_onnx, has_external_data
from workers.pipeline.spec import ImageSteps, TextSteps
from workers.quantize import language_onnx


def params_of(small: Any, **more: Any) -> ExportParams:
    return export_of(small, "hub", **more)


def test_it_is_written_tested_and_verified(exported) -> None:
    """Given a small model, then the hub's names are there, it passed its tests, and verify finds it whole."""
    result, folder = exported("hub")
    assert result.selftest[-1].what == "Read as the hub does"
    assert (folder / "onnx" / "model.onnx").is_file() and not (folder / "model").exists()
    config = json.loads((folder / "config.json").read_text())
    assert config["transformers.js_config"] == {"dtype": "fp32"}
    checked = verified(folder)
    assert checked.ok, checked.findings
    header = (folder / "README.md").read_text().split("---")[1]
    assert "library_name: transformers.js" in header


def test_outputs_json_holds_the_models_own_outputs(exported) -> None:
    """Given the folder, then the first golden input and the model's own outputs can be read without numpy's files."""
    check_outputs(exported("hub")[1])


def check_outputs(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compare the stored outputs with the model's own; return the row and its inputs."""
    import base64

    import onnxruntime

    (one,) = json.loads((folder / "golden" / "outputs.json").read_text())

    def read(row: dict[str, Any]) -> Any:
        return np.frombuffer(base64.b64decode(row["base64"]), row["dtype"]).reshape(row["shape"])

    session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx")
    names = [output.name for output in session.get_outputs()]
    feeds = {name: read(row) for name, row in one["inputs"].items()}
    assert set(feeds) == {entry.name for entry in session.get_inputs()}
    for name, values in zip(names, session.run(names, feeds), strict=True):
        np.testing.assert_allclose(values, read(one["outputs"][name]), atol=1e-5)
    return one, feeds


def test_outputs_json_holds_the_state(make_small, tmp_path: Path) -> None:
    """Given a model that carries a state from step to step, when it becomes a hub folder, then its golden inputs are all
    that one call needs, the state and constants among them, and the answer next to them is that of all steps."""
    from workers.export.golden_json import from_json

    one, feeds = check_outputs(unpacked(params_of(make_small("stateful")), tmp_path)[1])
    assert feeds["frame"].shape[0] == 1 and not feeds["state"].any()
    answer = from_json(one["answer"])
    assert len(answer) == 12
    np.testing.assert_allclose(answer[0], from_json(one["outputs"]["speech"])[0], atol=1e-5)


def test_weights_in_a_second_file_are_renamed_with_it(make_small, tmp_path: Path) -> None:
    """Given weights next to the model, when it gets another name, then they lie in NAME_data, and it runs."""
    import onnxruntime

    proto = onnx.load(make_small("cnn").folder / "model.onnx")
    convert_model_to_external_data(proto, location="old.bin", size_threshold=0)
    onnx.save_model(proto, tmp_path / "old.onnx")
    (tmp_path / "new").mkdir()
    copy_onnx(tmp_path / "old.onnx", tmp_path / "new" / "model_fp16.onnx")
    assert has_external_data(tmp_path / "new" / "model_fp16.onnx")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["model_fp16.onnx", "model_fp16.onnx_data"]
    (tmp_path / "old.bin").unlink()
    onnxruntime.InferenceSession(tmp_path / "new" / "model_fp16.onnx")


def test_the_sources_own_configuration_is_kept(make_small, tmp_path: Path) -> None:
    """Given a model that came with a configuration, then that is carried along with what the web loads added."""
    small = make_small("cnn")
    folder = tmp_path / "model"
    shutil.copytree(small.folder, folder)
    (folder / "source").mkdir()
    (folder / "source" / "config.json").write_text('{"model_type": "bert", "hidden_size": 8}')
    params = params_of(small, original_dir=str(folder))
    found = json.loads(configs(params, "q8", True)["config.json"])
    assert found["model_type"] == "bert" and found["hidden_size"] == 8
    assert found["transformers.js_config"] == {"dtype": "q8", "use_external_data_format": 1}


def test_a_known_family_is_named(make_small, tmp_path: Path) -> None:
    """Given an architecture that was recognized, then transformers' word for it; given another, then none."""
    small = make_small("cnn")
    for name, word in (("torchvision/mobilenet_v2 (IMAGENET1K_V1)", "mobilenet_v2"), ("my_net", None)):
        report = ModelInfo(name="m", format="onnx", task="t", inputs=(), outputs=(), parameters=1, size_bytes=1, sha256="a",
                         architecture=name)  # fmt: skip
        (tmp_path / "info.json").write_text(report.model_dump_json())
        params = params_of(small, original_dir=str(tmp_path))
        assert json.loads(configs(params, "fp32", False)["config.json"]).get("model_type") == word


def test_preparation_in_the_form_of_transformers() -> None:
    """Given the usual preparation, then its fields; given what transformers cannot do, then none that would be wrong."""
    from card_facts import SPEC

    steps = ImageSteps(resize=256, crop=224, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2), interpolation="bicubic")
    report = hub_folder._preparation(replace(SPEC, preprocess=steps))
    assert report["size"] == {"shortest_edge": 256} and report["crop_size"] == {"height": 224, "width": 224}
    assert (report["image_mean"], report["resample"], report["do_rescale"]) == ([0.5, 0.4, 0.3], 3, True)
    unfit = {"channels": "bgr"}, {"resize": (8, 8), "letterbox": True}, {"resize": (8, None)}, {"pixels": True}
    for other in (ImageSteps(**one) for one in unfit):
        assert hub_folder._preparation(replace(SPEC, preprocess=other)) == {}
    assert hub_folder._tokenizer(replace(SPEC, preprocess=TextSteps(max_length=77)))["model_max_length"] == 77


def test_what_transformers_cannot_read_is_refused(tmp_path: Path) -> None:
    """Given a configuration that transformers refuses, then the folder is not handed out, and the reason is reported."""
    (tmp_path / "config.json").write_text('{"model_type": "of nobody"}')
    with pytest.raises(WorkerError) as refused:
        read_back(tmp_path)
    assert refused.value.code == "selftest_failed" and "of nobody" in refused.value.detail


@pytest.fixture
def made_chat(make_small, tmp_path: Path) -> Path:
    """A tiny language model in 8 bits as a hub folder, unpacked."""
    small = make_small("chat")
    work = tmp_path / "work"
    work.mkdir()
    ctx = RecordingContext(work)
    language_onnx.apply(small.model, language_onnx.Params(), ctx)
    version = (work / "model").rename(tmp_path / "version")
    settings = dict(read_model(version).artifact.settings)
    params = params_of(small, settings=settings, model_dir=str(version))
    return unpacked(params, tmp_path)[1]


@pytest.mark.timeout(300)
def test_language_model_has_the_files_of_transformers_js(made_chat: Path) -> None:
    """Given a version in 8 bits, then its file, its configuration and its template lie where they are looked for, and
    its answer is reported in tokens."""
    assert (made_chat / "onnx" / "model_quantized.onnx_data").is_file()
    config = json.loads((made_chat / "config.json").read_text())
    assert (config["model_type"], config["num_key_value_heads"]) == ("llama", 2)
    assert config["transformers.js_config"] == {"dtype": "q8", "use_external_data_format": 1}
    template = json.loads((made_chat / "tokenizer_config.json").read_text())["chat_template"]
    assert template == (made_chat / "chat_template.jinja").read_text()
    golden = json.loads((made_chat / "golden" / "outputs.json").read_text())
    assert len(golden["texts"]) == 4 and all(len(row["tokens"]) == 24 for row in golden["texts"])
    # and the bundle's own session answers the same
    checked = verified(made_chat)
    assert checked.ok, checked.findings


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_transformers_js_goes_on_alike(made_chat: Path, tmp_path: Path) -> None:
    """Given node and transformers.js from npm, when try.mjs runs, then next words and template are those of here."""
    assert shutil.which("npm"), "this slow test wants node and npm (Debian: apt install npm)"
    quiet = {**os.environ, "npm_config_cache": str(tmp_path / "npm")}
    install = ["npm", "i", "--ignore-scripts", "--no-audit", "--no-fund", "@huggingface/transformers@4.3.1"]
    subprocess.run(install, cwd=made_chat.parent, env=quiet, check=True, capture_output=True, timeout=170)
    done = run_text(["node", "try.mjs"], cwd=made_chat, timeout=60)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report == {"compared": 96, "other_words": 0, "template_is_alike": True}
    # and another answer is reported
    golden = json.loads((made_chat / "golden" / "outputs.json").read_text())
    for row in golden["texts"]:
        row["tokens"] = row["tokens"][::-1]
    (made_chat / "golden" / "outputs.json").write_text(json.dumps(golden))
    done = run_text(["node", "try.mjs"], cwd=made_chat, timeout=60)
    assert done.returncode == 3
