"""The target *Service*, from the export to `verify`."""

import json
import re
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from bundle_facts import verified
from foreign_models import dynamic_int8
from recording import RecordingContext
from served_bundles import export_params, running

from workers.contracts.errors import WorkerError
from workers.export.service import target
from workers.export.service.target import TARGET


@pytest.fixture(scope="module")
def written(make_small, tmp_path_factory: pytest.TempPathFactory):
    """Return (the result of the export, the bundle)."""
    work = tmp_path_factory.mktemp("export")
    ctx = RecordingContext(work)
    result = TARGET.write(export_params(make_small("cnn"), knee=4), ctx)
    shutil.unpack_archive(work / "bundle.zip", work / "folder")
    return result, work / "folder", ctx


@pytest.mark.whole
def test_it_is_tested_before_it_is_handed_out(written) -> None:
    """Given an export, then its server was started in a clean place, answered alike, and was stopped; stages in order."""
    result, _, ctx = written
    assert [check.what for check in result.selftest if check.ok] == [
        "Unpacked in a clean place", "Same answers as here", "run.py answers", "Its server is ready",
        "Its server gives the same answers", "Its server answers a real input", "Its server refuses unknown host names",
        "Its server stops",
    ]  # fmt: skip
    assert result.selftest[4].detail == "20 of 20"
    report = list(dict.fromkeys(progress.stage_id for progress in ctx.progress_sent))
    assert report == [stage.id for stage in TARGET.stages]


@pytest.mark.whole
def test_write_service_printed_is_what_serve_prints(written) -> None:
    """Given an export, then the example output is the line of a server that is started from the bundle."""
    result, folder, _ = written
    with running(folder) as served:
        pass
    assert result.printed == (served.ready.strip().replace(f":{served.port} ", ":8000 "),)


def test_its_page_looks_like_the_web_page() -> None:
    """Given the page to try a service and the page of a web bundle, then both have the same colors, light and dark, and
    tell shares by the same rule."""
    page = (files("workers.export.service.bundle_files.fettle_service") / "page.html").read_text(encoding="utf-8")
    web = files("workers.export.web") / "page"
    style, script = ((web / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    colors = re.compile(r"--[a-z-]+: #[0-9a-f]+")
    assert colors.findall(page) == colors.findall(style) and len(colors.findall(page)) > 16
    rule = re.compile(r"if \(value === 0.*?99\.99 %\";", re.DOTALL)
    report = [" ".join(rule.findall(text)[0].split()) for text in (page, script)]
    assert report[0] == report[1]


def test_it_verifies_and_a_change_is_named(written, tmp_path: Path) -> None:
    """Given the bundle, then it verifies through Fettle's own code; given a server that was changed, its file is named."""
    folder = shutil.copytree(written[1], tmp_path / "copy")
    assert verified(folder).ok
    (folder / "fettle_service" / "gate.py").write_text("")
    found = verified(folder)
    assert [one.what for one in found.findings] == ["fettle_service/gate.py was changed."]


def test_the_manifest_holds_the_server_settings(written) -> None:
    """Given a knee that was measured, then requests are joined up to it; the name in addresses is the project's."""
    serving = json.loads((written[1] / "manifest.json").read_text())["serving"]
    assert serving == {"name": "my-shop", "kind": "array", "max_batch": 4, "why_single": ""}


@pytest.mark.parametrize(("knee", "why"), [(None, target.NOT_MEASURED), (1, target.NO_GAIN)])
def test_without_a_measured_gain_requests_are_not_joined(make_small, knee: int | None, why: str) -> None:
    """Given no sweep of batch sizes, or one without a gain, then each request is answered alone, and why is reported."""
    serving = target.serving(export_params(make_small("cnn"), knee))
    assert (serving["max_batch"], serving["why_single"]) == (1, why)


def test_what_rounds_over_a_batch_is_answered_one_by_one(make_small) -> None:
    """Given a version of onnxruntime's dynamic quantizer, which was proven item by item, then requests are not joined
    however much that paid, and why is reported."""
    small = make_small("cnn")
    dynamic_int8(small.folder / "model.onnx")
    serving = target.serving(export_params(small, 4))
    assert (serving["max_batch"], serving["why_single"]) == (1, target.SHARES_A_RANGE)


@pytest.mark.parametrize(
    ("broken", "expected"),
    [('raise SystemExit("no")', "Its server did not start"), ('print("ready: x", flush=True)', "Its server failed")],
)
def test_a_server_that_fails_is_not_handed_out(
    make_small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, expected: str
) -> None:
    """Given a server that does not start, or does not answer, then the export fails in words and leaves no process."""
    files = {**target.server_files(), "serve.py": broken}
    monkeypatch.setattr(target, "server_files", lambda: files)
    with pytest.raises(WorkerError) as failed:
        TARGET.write(export_params(make_small("cnn")), RecordingContext(tmp_path))
    assert expected in failed.value.detail
