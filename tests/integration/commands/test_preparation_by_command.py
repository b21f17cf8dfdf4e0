"""`fettle optimize` where the inputs are probably prepared wrongly: it stops, unless the preparation was given."""

from pathlib import Path

import pytest
from fettle_command import Fettle
from small_model import swapped_model, write_pictures

from app.services.data import doctor

RGB, BGR = "channels=rgb", "channels=bgr"


@pytest.mark.timeout(170)
def test_optimize_with_wrong_preparation_stops_or_reports_it(
    fettle: Fettle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a model that wants another order of colors, When it is optimized, Then the run stops with exit code 3 and
    names the preparation; given --preprocess it goes on, and JSON, last sentence and `compare` report the finding."""
    monkeypatch.setattr(doctor, "QUICK_S", 10.0)  # enough beside other tests
    monkeypatch.setattr(doctor, "WALL_S", 60.0)
    model, data = swapped_model(tmp_path / "colors.onnx"), write_pictures(tmp_path / "pictures", each=20)
    recipe = tmp_path / "one.yaml"
    recipe.write_text("- title: A\n  steps: [{technique: graph_optimize}]\n")
    asked = ("optimize", str(model), "--data", str(data), "--recipe", str(recipe), "--time-budget", "60", "--json")
    stopped = fettle.here(*asked)
    assert stopped.code == 3
    assert stopped.error["code"] == "prepared_wrongly"
    assert BGR in stopped.error["hint"]

    given = fettle.here(*asked, "--preprocess", RGB)
    assert given.code in (0, 4)
    (found,) = [one for one in given.document["findings"] if one["code"] == "prepared_wrongly"]
    assert found["level"] == "danger"
    assert found["what"] in given.last_line
    compared = fettle.here("compare", given.document["run_id"], "--json")
    assert found in compared.document["findings"]
    assert found["what"] in compared.last_line

    fits = fettle.here(*asked, "--preprocess", BGR)
    assert [one for one in fits.document["findings"] if one["code"] == "prepared_wrongly"] == []
