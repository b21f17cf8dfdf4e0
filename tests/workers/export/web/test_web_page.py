"""The web page: its own scripts prepare and answer as the Python pipeline does, and what cannot go into a page is reported."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recording import RecordingContext
from web_pages import detectors, masks, params_of, pictures, texts

from workers.contracts.bundles import VerifyParams
from workers.contracts.errors import BackendMissing, InputRefused, WorkerError
from workers.contracts.pipeline import write_pipeline
from workers.export.verify import verify
from workers.export.web import TARGET, engine, trying
from workers.export.web.files import what_it_does
from workers.export.web.target import MAX_BYTES, why_not
from workers.pipeline.spec import Sampling
from workers.registry import targets


@pytest.mark.parametrize("kind", [pictures, texts, detectors, masks])
def test_it_is_written_tried_and_verified(page_of: Any, tmp_path: Path, kind: Any) -> None:
    """Given a small model, then its page prepares and answers as here under Node.js, and verify finds it whole."""
    result, folder = page_of(kind)
    tried = result.selftest[-1]
    assert tried.ok and ("answers as here" in tried.detail) == (shutil.which("node") is not None), tried
    checked = verify(VerifyParams(bundle=str(folder)), RecordingContext(tmp_path), targets())
    assert checked.ok, checked.findings
    assert json.loads((folder / "manifest.json").read_text())["page"][0]["name"] == "onnxruntime-web"
    assert "MIT" in (folder / "web" / "licenses" / "onnxruntime-LICENSE.txt").read_text()
    assert "http" not in "".join(
        path.read_text() for path in (folder / "web").glob("[a-df-z]*.js") if "000" not in path.name
    )


@pytest.mark.parametrize(
    ("script", "old", "new", "expected"),
    [
        ("pictures", "/ 255)", "/ 254)", "prepares a picture differently"),
        ("resize", "a = -0.5;", "a = -0.75;", "prepares a picture differently"),
        (
            "answers",
            "Float32Array.from(tensor.data, Number)",
            "Float32Array.from(tensor.data, (one) => -one)",
            "answers golden",
        ),
        ("runs", '"use strict";', '"use strict"; throw new Error("broken");', "does not run"),
    ],
)
def test_a_page_that_is_wrong_is_not_handed_out(
    page_of: Any, tmp_path: Path, script: str, old: str, new: str, expected: str
) -> None:
    """Given scripts with a mistake, then the trial of the page reports the difference."""
    if shutil.which("node") is None:
        pytest.skip("no Node.js here")
    folder = tmp_path / "copy"
    shutil.copytree(page_of(pictures)[1], folder)
    path = folder / "web" / f"{script}.js"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(WorkerError) as caught:
        trying.try_page(folder, RecordingContext(tmp_path))
    assert expected in caught.value.detail


def test_the_bill_names_what_runs_in_the_page(page_of: Any) -> None:
    """Given pages of pictures and of texts, then each one's bill of materials holds just the libraries that lie in it, with
    version, license, place and the hashes of what the set-up checked, and so do the texts of licenses."""
    pins = {row["name"]: row for row in json.loads((engine._folder() / engine.PINS).read_text())["packages"]}
    for kind, names in ((pictures, ["onnxruntime-web"]), (texts, ["onnxruntime-web", "@huggingface/tokenizers"])):
        folder = page_of(kind)[1]
        parts = {part["bom-ref"]: part for part in json.loads((folder / "bom.json").read_text())["components"]}
        assert sorted(ref for ref in parts if ref.startswith("npm:")) == sorted(f"npm:{name}" for name in names)
        for name in names:
            part, pin = parts[f"npm:{name}"], pins[name]
            assert part["version"] == pin["version"] and part["licenses"][0]["license"]["id"] == pin["license"]
            assert part["purl"] == f"pkg:npm/{name.replace('@', '%40')}@{pin['version']}"
            assert part["hashes"] == [{"alg": "SHA-512", "content": pin["sha512"]}]
            report = {file["name"]: file["hashes"][0]["content"] for file in part["components"]}
            assert report == pin["files"]
        texts_of = {path.name.partition("-")[0] for path in (folder / "web" / "licenses").iterdir()}
        assert texts_of == {"onnxruntime", *(["tokenizers"] if len(names) > 1 else [])}


def test_what_the_model_does_is_one_sentence() -> None:
    """Given models of several kinds, then a page describes in a sentence what each does, and names a few of many classes."""
    assert what_it_does(pictures().spec) == (
        "Give it a picture, and it says which of 5 kinds that is: cup, shoe, lamp, <b>chair</b> and 1 more."
    )
    assert what_it_does(texts().spec) == "Give it a text, and it says which of 3 kinds that is: good, bad, odd."
    assert what_it_does(detectors().spec) == "Give it a picture, and it marks what it finds: mug, hat."


def test_missing_node_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a computer without Node.js, then the check reports that the page was not tried, and how to see it run."""
    monkeypatch.setattr(trying, "find_node", lambda: None)
    assert "not tried here" in trying.try_page(tmp_path, RecordingContext(tmp_path)).detail


def test_a_changed_engine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an engine that is not what was downloaded, or none, then nothing is written and the command is named."""
    there = engine._folder()
    copy = tmp_path / "copy"
    shutil.copytree(there, copy)
    with (copy / "ort-wasm-simd-threaded.wasm").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr(engine, "_folder", lambda: copy)
    with pytest.raises(BackendMissing) as caught:
        engine.wasm()
    assert "installer/fettle --web" in caught.value.by_command
    monkeypatch.undo()
    monkeypatch.setattr(engine, "PACKAGE", "fettle_web_nowhere")
    with pytest.raises(BackendMissing):
        engine.engine_script()


def test_model_that_does_not_fit_into_a_page_gets_a_reason(tmp_path: Path) -> None:
    """Given models that a page cannot run, then one sentence gives the reason, and the export refuses."""
    page = pictures()
    spec = page.spec
    sampled = replace(spec, sampling=Sampling(sample="image", level="image", levels=(1.0,)))
    half = replace(spec, inputs=(replace(spec.inputs[0], dtype="float16"),))
    other = replace(spec.inputs[0], name="other", source="array")
    both = replace(spec, inputs=(*spec.inputs, other))
    assert why_not(spec, 1) == ""
    assert "MB at most" in why_not(spec, MAX_BYTES + 1)
    assert "many runs" in why_not(sampled, 1)
    assert "float16" in why_not(half, 1)
    assert "several inputs" in why_not(both, 1)
    params = params_of(type(page)(page.spec, page.proto, page.sources), tmp_path)
    write_pipeline(tmp_path / "model", both)
    with pytest.raises(InputRefused):
        TARGET.write(params, RecordingContext(tmp_path))
