"""A problem report holds what is needed to mend an error, and nothing of the person."""

import dataclasses
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from records import DATA, NOW, add_run, make_project, run, variant
from spaces import opened_space

from app.cli.main import main
from app.credentials import save_token
from app.domain.job import JobRecord
from app.domain.run import RunState, StepRecord
from app.jobs.outcome import crash, error_of
from app.services.flow.driver import Driver
from app.services.flow.steps import Flow
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.machine.report.making import report, save_report
from app.settings import Settings, save_settings
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import InputRefused
from workers.contracts.process.disk import DiskFull
from workers.contracts.specs import Recipe, RecipeStep

HOME = "/home/wiebke.quandt"
MODEL = f"{HOME}/Mandanten/customer secret model.onnx"
CELL = "Xaver Oblomow, Lindwurmweg 7"
HUB_TOKEN, OTHER_TOKEN = "hf_ZqPlantedPlantedPlanted12", "model-open-graph"
PLANTED = (
    "wiebke", "quandt", "mandanten", "customer secret", "krankenakte", "oblomow", "xaver", "lindwurm", "hepatitis",
    "zebra", "zqplanted", "model-open-graph", "qx-host", "192.168.7.23", "wq@example.org", "0151 5550123", "4711 0815", "dog",
)  # fmt: skip
TRACE = f"""Traceback (most recent call last):
  File "{HOME}/private_plugin.py", line 7, in hepatitis
    raise ValueError("{CELL}")
ValueError: could not convert string to float: '{CELL}' of {MODEL}, mail wq@example.org, phone 0151 5550123
"""
ERRORS: dict[str, tuple[str, ErrorInfo]] = {
    "unsafe": (
        "open",
        InputRefused("unsafe", "This file is not safe to open", f"{Path(MODEL).name} would run posix.system.",
                     "Delete the file.", facts={"path": MODEL, "calls": 1}).info(TRACE),
    ),
    "killed": ("apply", error_of(crash(-9, TRACE)) or ErrorInfo(code="", title="", detail="", hint="")),
    "disk_full": ("measured", DiskFull(Path(MODEL).parent, needed_bytes=9_437_184_000, free_bytes=1).info(TRACE)),
}  # fmt: skip


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A computer with private names everywhere: in the store, files, logs, settings and the environment."""
    monkeypatch.setenv("HF_TOKEN", HUB_TOKEN)
    monkeypatch.setenv("MY_API_KEY", OTHER_TOKEN)
    monkeypatch.setenv("LOGNAME", "wiebke.quandt")
    monkeypatch.setattr("platform.node", lambda: "qx-host.quandt.example")
    with opened_space(tmp_path / "home") as made:
        make_project(made, name="Krankenakte zebra", model_path=MODEL, purpose="hepatitis by dog")
        counts = {"hepatitis": 1, "dog": 2, "zebra": 3}
        data = DATA.model_copy(update={"class_counts": counts, "columns": ("krankenakte",)})
        project = made.repositories.projects.get("p1")
        made.repositories.projects.update(dataclasses.replace(project, data_json=data.model_dump_json()))
        save_token(made.paths.hub, "https://hub.example", "hf_ZqPlantedInTheStore34")
        save_settings(made.paths.settings, Settings(last_project_id="zebra", export_target="krankenakte", threads=2))
        yield made


def fail(space: Workspace, kind: str, error: ErrorInfo, began: datetime | None = None) -> None:
    """Add a run whose job failed like that, with private words in both logs."""
    began = began or datetime.now(UTC)
    recipe = Recipe(title="Quandt", steps=(RecipeStep(technique="int8_static", params={"keep": ["zebra/dog"]}),))
    versions = variant(0), dataclasses.replace(variant(1), recipe=recipe, runtime="openvino", notes=("zebra",))
    add_run(space, run(1, RunState.FAILED, started_at=began, error_json=error.model_dump_json()), *versions)
    step = StepRecord("r1", 3, "INT8 of the zebra", "failed", "krankenakte", started_s=1.0, variant_index=1)
    space.repositories.runs.put_step(step)
    at, log = began + timedelta(seconds=2), f"logs/{kind}-1.log"
    job = JobRecord("j1", kind, "zebra", "failed", "cpu", at, "r1", at, at, log, error.model_dump_json())
    space.repositories.jobs.add(job)
    line = f"“Krankenakte zebra” at 192.168.7.23 with {HUB_TOKEN}, {OTHER_TOKEN} and hf_ZqPlantedInTheStore34: dog"
    (space.paths.root / log).write_text(f"{line}\ncard 4711 0815 4711 0815, {CELL}\n{TRACE}", encoding="utf-8")
    old = f"2001-02-03T04:05:06.789Z ERROR app.jobs.pool: an error\n{TRACE}"
    stamp = f"{old}{at:%Y-%m-%dT%H:%M:%S}.123Z ERROR app.jobs.client: {line}\n{TRACE}"
    (space.paths.logs / "fettle.log").write_text(stamp, encoding="utf-8")


def leaked(text: str) -> list[str]:
    return [word for word in PLANTED if word in text.casefold()]


def made(space: Workspace, flow: Flow[dict[str, str]]) -> dict[str, str]:
    files: dict[str, str] = run_to_end(Driver(space, flow, print))
    return files


@pytest.mark.parametrize("code", ERRORS)
def test_report_tells_the_error_and_nothing_private(space: Workspace, tmp_path: Path, code: str) -> None:
    """Given a failed job and private names, labels, cells, tokens and addresses in every text, When its report is saved,
    Then no byte of it holds one of them, and it names the error, job, technique, engine, versions and computer."""
    kind, error = ERRORS[code]
    fail(space, kind, error)
    out = tmp_path / "report.zip"
    save_report(out, made(space, report(space)))
    with zipfile.ZipFile(out) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert leaked("".join(files.values())) == leaked("".join(files)) == []
    assert [word for word in PLANTED if len(word) > 5 and word.encode() in out.read_bytes()] == []
    written = json.loads(files["error.json"])
    assert (written["code"], written["job"]["kind"], written["job"]["version"]["runtime"]) == (code, kind, "openvino")
    assert written["job"]["version"]["steps"][0]["technique"] == "int8_static"
    assert "ValueError: could not convert string to float" in "\n".join(written["traceback"]) + files["log.txt"]
    assert "ERROR app.jobs.client" in files["log.txt"] and "app.jobs.pool" not in files["log.txt"]
    assert files["log.txt"].count("Traceback") == 2 and f"code {code}" in files["README.txt"]
    assert json.loads(files["run.json"])["steps"][0]["state"] == "failed"
    assert json.loads(files["versions.json"])["onnxruntime"] and json.loads(files["computer.json"])["memory_bytes"]
    assert json.loads(files["settings.json"])["threads"] == 2


def test_error_of_a_refused_file_needs_no_record(space: Workspace) -> None:
    """Given an error that no job recorded, When the window passes it with the file's name, Then neither is in the report, and no
    failure of an earlier day."""
    fail(space, *ERRORS["killed"], began=NOW)
    _, error = ERRORS["unsafe"]
    error = error.model_copy(update={"detail": "The model customer secret crashed."})
    files = made(space, report(space, error=error, names=("customer secret",), screen="1280x800"))
    assert json.loads(files["error.json"])["job"] == {} and json.loads(files["run.json"]) == {}
    assert json.loads(files["error.json"])["detail"] == "The model <name 1> crashed."
    assert json.loads(files["computer.json"])["screen"] == "1280x800"
    assert leaked("".join(files.values())) == []


def test_command_writes_while_the_window_is_open(
    space: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a folder that another program holds, Then the command reports its last failure; an unknown run, a missing
    option and a missing folder are refused by their codes."""
    fail(space, *ERRORS["killed"])
    command = ["--data-dir", str(space.paths.root), "--json", "report", "--out"]
    assert main([*command, str(tmp_path / "report.zip")]) == 0
    written = json.loads(capsys.readouterr().out)
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        assert written == {"path": str(tmp_path / "report.zip"), "files": archive.namelist()}
    codes = [
        main([*command, str(tmp_path / "a.zip"), "r9"]),
        main(command[:-1]),
        main([*command, str(tmp_path / "b/c")]),
    ]
    assert codes == [3, 2, 3]


def test_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """Given a folder that is missing, When a report is saved there, Then the error says so and nothing is left."""
    with pytest.raises(InputRefused) as caught:
        save_report(tmp_path / "none" / "report.zip", {"README.txt": "text"})
    assert caught.value.code == "report_not_saved" and list(tmp_path.iterdir()) == []
