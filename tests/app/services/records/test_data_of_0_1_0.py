"""Test that a data folder of Fettle 0.1.0 (tests/fixtures/data_0_1_0) opens without loss, with a copy of its
database."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from old_tables import query
from spaces import opened_space

from app.cli.main import main
from app.domain.project import Project
from app.domain.run import Run, RunState
from app.paths import DataPaths
from app.persistence import backup, open_store, revisions
from app.services.after.trying.tried import tried_run
from app.services.after.watching import read_pinned, read_watched
from app.services.flow.workspace import Workspace
from app.services.projects.projects import delete_for_good, move_to_trash, saved_data, saved_opening, saved_recipes
from app.services.records.after_run import Proof, read_price, write_proof
from app.services.records.facts import RunFacts, read_facts
from app.services.records.run_records import MACHINE
from app.services.run.forecasting import Forecasts
from app.settings import load_settings

WRITTEN = Path(__file__).parents[3] / "fixtures" / "data_0_1_0" / "home"
RECORD_TABLES = ("project_records", "run_records", "variant_records")


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    """Return a copy of the folder."""
    shutil.copytree(WRITTEN, tmp_path / "home")
    return DataPaths(tmp_path / "home")


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Yield an open copy that is only read."""
    home = shutil.copytree(WRITTEN, tmp_path_factory.mktemp("read") / "home")
    with opened_space(home) as made:
        assert not made.database.notices
        yield made


@pytest.fixture
def project(space: Workspace) -> Project:
    (found,) = space.repositories.projects.list()
    return found


@pytest.fixture
def runs(space: Workspace) -> list[Run]:
    """Return the first run and the later one."""
    return space.repositories.runs.list()[::-1]


@pytest.fixture
def facts(space: Workspace, runs: list[Run]) -> RunFacts:
    return read_facts(space, runs[0].id)


def test_fixture_is_what_version_0_1_0_wrote() -> None:
    """Given the folder, Then its tables are the first ones, the settings have a row of each kind, and no path of the
    computer that made it is in it."""
    database = WRITTEN / "fettle.db"
    assert revisions.revision_of(database) == "0001"
    connection = sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True)
    kinds = {key.partition(":")[0] for (key,) in connection.execute("SELECT key FROM settings")}
    connection.close()
    assert kinds == {
        "describe", "opening", "data", "recipes", "data-record", "origin", "pinned", "watched", "machine", "proof",
        "stress", "load", "load-price", "forecasts",
    }  # fmt: skip
    held = b"".join(path.read_bytes() for path in WRITTEN.rglob("*") if path.is_file())
    assert not [place for place in (b"/work/", b"/root/", b"/tmp/") if place in held]


def test_opening_keeps_a_copy_of_the_old_database(paths: DataPaths) -> None:
    """Given the folder, When it is opened, Then its tables are the newest, and the old database is among the copies,
    intact."""
    before = query(paths.database, "SELECT count(*) FROM settings")
    open_store(paths).close()
    assert revisions.revision_of(paths.database) == revisions.HEAD
    (copy,) = (one for one in backup.list_backups(paths.backups) if one.path.stem.endswith("-0001"))
    assert copy.is_intact() and revisions.revision_of(copy.path) == "0001"
    assert query(copy.path, "SELECT count(*) FROM settings") == before
    assert query(paths.database, "SELECT count(*) FROM settings") == [(2,)], "only values of all projects"


def test_runs_verdicts_and_times_are_there(space: Workspace, project: Project, facts: RunFacts) -> None:
    """Given the project, Then its first run is finished and recommends a version with its verdict and every request."""
    assert (project.name, project.max_loss_pct, project.purpose) == ("Colors", 5.0, "Tell colors apart")
    assert facts.run.state is RunState.FINISHED and facts.run.headline and facts.recommended is not None
    assert {"Original", "Faster engine", "Pruned by 90 %"} <= {variant.title for variant in facts.variants}
    for variant in facts.variants:
        assert variant.judgement.n > 0 and variant.measurement.n > 0
    assert facts.recommended.measurement.speedup is not None and facts.recommended.measurement.speedup > 1
    assert len([*space.repositories.latencies.of_run(facts.run.id)]) > 100
    steps = space.repositories.runs.steps(facts.run.id)
    assert len(steps) >= 5 and {step.state for step in steps} <= {"done", "warning"}
    assert space.repositories.jobs.list(run_id=facts.run.id, state="finished")


def test_records_of_the_run_are_there(space: Workspace, facts: RunFacts, runs: list[Run]) -> None:
    """Given the first run, Then its proof, bundle, findings under stress, load and forecast are there; and the later
    run was compared with the export."""
    (part,) = facts.proof.parts
    assert part.path == "/home/person/more.npz" and len(part.items) > 0 and facts.recommended.id in part.answers
    (export,) = space.repositories.exports.list(facts.run.id)
    assert (export.path, export.variant_id, export.target) == (
        "/home/person/colors.zip", facts.recommended.id, "python",
    )  # fmt: skip
    assert facts.stress[facts.recommended.id].headline
    load = facts.loads.get(facts.recommended.id)
    assert load.variant is not None and load.paired is not None
    tried = tried_run(space, facts)
    assert tried.forecast.before is not None and tried.forecast.seconds == facts.run.seconds
    assert space.repositories.records.get(MACHINE, facts.run.id).cores > 0
    watched = read_watched(space.repositories, runs[1].id)
    assert watched.is_export and watched.other_run_id == facts.run.id
    assert watched.judgement is not None


def test_records_of_the_project_are_there(space: Workspace, project: Project, facts: RunFacts) -> None:
    """Given the project, Then its opening, recipes, data record, origin and pinned test set are there, and so are price
    and settings."""
    repositories = space.repositories
    assert saved_opening(repositories, project).path == "/home/person/colors.onnx" == project.model_path
    assert saved_data(repositories, project).path == "/home/person/first.npz" == project.data_path
    recipes = saved_recipes(repositories, project)
    assert recipes is not None and [recipe.title for recipe in recipes] == ["Faster engine", "Pruned by 90 %"]
    assert (facts.record.made_by, facts.record.people) == ("me", "no")
    assert facts.origin.repo == "person/colors"
    pinned = read_pinned(repositories, project.id)
    assert (pinned.run_id, pinned.data_key) == (facts.run.id, facts.run.data_key)
    price = read_price(repositories)
    assert (price.per_hour, price.currency) == (0.25, "EUR")
    settings, problem = load_settings(space.paths.settings)
    assert not problem and (settings.theme, settings.last_page) == ("dark", "compare")


def test_commands_print_the_old_runs(paths: DataPaths, capsys: pytest.CaptureFixture[str]) -> None:
    """Given the folder, When `fettle jobs` and `fettle compare` are the first to open it, Then they print both runs and
    the comparison with its verdicts."""

    def printed(*arguments: str) -> dict[str, Any]:
        assert main(["--data-dir", str(paths.root), "--json", *arguments]) in (0, 4)
        document = json.loads(capsys.readouterr().out)
        assert isinstance(document, dict)
        return document

    listed = printed("jobs")
    assert [run["state"] for run in listed["runs"]][-1] == "finished" and len(listed["runs"]) == 2
    later, first = (str(run["run_id"]) for run in listed["runs"])
    document = printed("compare", first)
    recommended = next(one for one in document["variants"] if one["id"] == document["recommended"])
    assert recommended["verdict"] in ("safe", "not_enough_data") and recommended["latency_p50_ms"] > 0
    assert {row["n"] for row in document["judged"]} and document["watch"] is None
    assert printed("compare", later)["watch"]["against"]["run_id"] == first


def test_command_reports_a_damaged_record_once(paths: DataPaths, capsys: pytest.CaptureFixture[str]) -> None:
    """Given the folder with a damaged record, When `fettle jobs` is the first to open it, Then it lists both runs and
    reports once on standard error what could not be read and where the copy is."""
    query(paths.database, "UPDATE settings SET value_json = '{' WHERE key LIKE 'proof:%'")
    assert main(["--data-dir", str(paths.root), "--json", "jobs"]) == 0
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)["runs"]) == 2
    assert "(proof:" in shown.err and str(paths.backups) in shown.err
    assert main(["--data-dir", str(paths.root), "--json", "jobs"]) == 0
    assert "proof:" not in capsys.readouterr().err


def test_delete_for_good_leaves_no_rows(paths: DataPaths) -> None:
    """Given the project with a record that was set aside, When it is deleted for good, Then none of its rows is
    left."""
    open_store(paths).close()
    query(paths.database, "UPDATE run_records SET body_json = '{' WHERE kind = 'proof'")
    with open_store(paths) as store:
        repositories = store.repositories
        (project,) = repositories.projects.list()
        write_proof(repositories, repositories.runs.list()[-1].id, Proof())
        assert query(paths.database, "SELECT count(*) FROM records_set_aside") == [(1,)]
        move_to_trash(repositories, project.id)
        delete_for_good(repositories, project.id)
        for table in (*RECORD_TABLES, "records_set_aside", "runs", "variants", "latencies", "steps", "exports"):
            assert query(paths.database, f"SELECT count(*) FROM {table}") == [(0,)]
        assert Forecasts(repositories, "computer").of_run("any").before is None
        assert read_price(repositories) is not None
