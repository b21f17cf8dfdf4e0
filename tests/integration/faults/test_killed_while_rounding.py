"""A language model's run that is killed while weights are rounded goes on with what was finished."""

from pathlib import Path

import pytest
from fettle_command import Fettle, wait_for
from model_cases import ROOT
from tiny_llama import write_tiny_llama

from app.cli.output import Globals
from app.cli.session import workspace
from app.services.run.forecasting import FORECAST

LONG_S = 1800
LEAST_SAVED_S = 1.0
"""Converting even a tiny model takes longer."""


def kill_and_go_on(fettle: Fettle, model: Path) -> None:
    # Given a run that is killed while its second version's weights are rounded
    process = fettle.start("optimize", model, "--preset", "fits-memory", "--json")
    wait_for(lambda: applied(fettle, "finished") and list(fettle.jobs.glob("apply-*")), LONG_S, every_s=0.5)
    process.kill()
    process.communicate()
    wait_for(lambda: not fettle.processes(), timeout_s=5)
    [run] = fettle("jobs", "--json").document["runs"]
    assert run["state"] == "interrupted"
    # When it goes on
    done = fettle("optimize", "--resume", run["run_id"], "--time-budget", "60", "--json", timeout_s=LONG_S)
    # Then opening and the first version come from the store, and there is a result
    assert done.code in (0, 4), done.err
    with workspace(Globals(data_dir=fettle.home), writes=False) as space:
        known = space.repositories.records.get(FORECAST, run["run_id"])
    assert known is not None and known.saved_s > LEAST_SAVED_S
    assert done.document["run_id"] == run["run_id"] and done.document["baseline"]["latency_mean_ms"] > 0
    assert done.document["variants"][0]["title"] == "INT8 weights, BF16"
    assert "Traceback" not in done.err and fettle.leftovers == []


def jobs(fettle: Fettle) -> list[dict[str, str]]:
    found: list[dict[str, str]] = fettle("jobs", "--json").document["jobs"]
    return found


def applied(fettle: Fettle, state: str) -> list[dict[str, str]]:
    """Steps of techniques that came to this end."""
    return [row for row in jobs(fettle) if row["kind"] == "apply" and row["state"] == state]


@pytest.mark.slow
@pytest.mark.timeout(LONG_S)
def test_a_tiny_model_goes_on(fettle: Fettle, tmp_path: Path) -> None:
    write_tiny_llama(tmp_path / "tiny")
    kill_and_go_on(fettle, tmp_path / "tiny")


@pytest.mark.models
@pytest.mark.timeout(2 * LONG_S)
def test_a_real_model_goes_on(fettle: Fettle) -> None:
    kill_and_go_on(fettle, next((ROOT / "P").glob("P13*")))
