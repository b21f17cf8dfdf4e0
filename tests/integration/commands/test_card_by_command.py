"""The documents in a bundle that a person exported: each number is one that the database holds, and others' readers take them."""

import contextlib
import json
import math
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fettle_command import Demo
from shown_numbers import made_up, shown_numbers, stored_numbers

WORDS = frozenset({"95", "1.0", "1.6", "42001"})
"""95 % sure, and the frameworks' own numbers."""

OF_RUN = (
    "select * from runs where id = :run",
    "select p.* from projects p join runs r on r.project_id = p.id where r.id = :run",
    "select * from run_records where owner_id = :run",
    "select * from variants where id in (:original, :this)",
    "select * from variant_records where owner_id in (:original, :this)",
)


def store(demo: Demo, variant: str) -> list[Any]:
    """All that the database holds of the run, its original, and one version; no other version's figures."""
    of = {"run": demo.run_id, "original": demo.document["baseline"]["id"], "this": variant}
    place = f"file:{demo.fettle.home / 'fettle.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(place, uri=True)) as database:
        values = [value for query in OF_RUN for row in database.execute(query, of) for value in row]
    return [_decoded(value) for value in values]


def lower_bounds(demo: Demo) -> list[float]:
    """Return the lower bounds of speedups that were measured under load; a card rounds them down."""
    place = f"file:{demo.fettle.home / 'fettle.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(place, uri=True)) as database:
        bodies = database.execute("select body_json from variants where run_id = ?", (demo.run_id,)).fetchall()
    bounds = (json.loads(body)["measurement"]["agreed_low"] for (body,) in bodies)
    return [bound for bound in bounds if bound]


def _decoded(value: Any) -> Any:
    """Return what a JSON text holds, also where it is a field of one."""
    try:
        found = json.loads(value) if isinstance(value, str | bytes) else value
    except ValueError:
        return value
    return {name: _decoded(field) for name, field in found.items()} if isinstance(found, dict) else found


@pytest.fixture(scope="module")
def files(demo: Demo) -> dict[str, bytes]:
    with zipfile.ZipFile(demo.bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_number_of_the_card_is_the_stores(demo: Demo, files: dict[str, bytes]) -> None:
    """Given the demo's bundle, then its card shows no number that the database does not hold of this version and its
    original, or from the model's own description."""
    manifest = json.loads(files["manifest.json"])
    known = [store(demo, manifest["measurements"]["this"]["id"]), json.loads(files["pipeline.json"])]
    known += [math.floor(100 * bound) / 100 for bound in lower_bounds(demo)]
    computer = manifest["runtime"]["measured_on"]
    body = files["README.md"].decode().split("---\n", 2)[2]
    assert len(shown_numbers(body)) > 15
    assert made_up(body, [*known, computer["processor"], computer["cores"]], WORDS) == []


def test_every_figure_of_the_bill_is_the_stores(demo: Demo, files: dict[str, bytes]) -> None:
    """Given its bill of materials, then each measured value stands in the database unrounded, and the schema's strict
    reader takes the file as it lies there."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = files["bom.json"].decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    model = next(one for one in [json.loads(text)["metadata"]["component"]] if "modelCard" in one)
    rows = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    manifest = json.loads(files["manifest.json"])
    held = set(stored_numbers(store(demo, manifest["measurements"]["this"]["id"])))
    report = [float(row["value"]) for row in rows]
    report += [float(bound) for row in rows for bound in row.get("confidenceInterval", {}).values()]
    assert len(report) >= 5
    assert [one for one in report if min(abs(one - stored) for stored in held) > 1e-9 * max(1.0, abs(one))] == []


def test_the_hub_reads_the_card(files: dict[str, bytes], tmp_path: Path) -> None:
    """Given the card as it lies in the bundle, then huggingface_hub finds the measured agreement in its header."""
    from huggingface_hub import ModelCard

    (tmp_path / "README.md").write_bytes(files["README.md"])
    read = ModelCard.load(tmp_path / "README.md")
    manifest = json.loads(files["manifest.json"])
    report = {one.metric_name or one.metric_type: one.metric_value for one in read.data.eval_results}
    assert report["agreement with the original"] == manifest["measurements"]["this"]["agreement"]
    assert report["accuracy"] == manifest["measurements"]["this"]["accuracy"]
