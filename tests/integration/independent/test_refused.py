"""Models of the catalogue that cannot be optimized yet are refused with a reason that programs can read."""

from pathlib import Path

import pytest
from fettle_command import Fettle
from model_cases import ROOT

pytestmark = [pytest.mark.models, pytest.mark.slow]

REFUSED = {"P/P04_nanoguard_text_classifier/model.pt": "unknown_architecture"}


@pytest.mark.parametrize("model", REFUSED, ids=[Path(model).name for model in REFUSED])
def test_it_is_refused_with_a_reason(model: str, fettle: Fettle) -> None:
    """Given weights without their code, then exit code 3, the code of why, and what to do now."""
    assert (ROOT / model).exists(), f"{model} is not in FETTLE_MODELS_DIR"
    done = fettle("optimize", ROOT / model, "--data", ROOT / "DATA/sentiment_vader.csv", "--json")
    assert done.code == 3, done.err
    assert done.error["code"] == REFUSED[model]
    assert all(done.error[field] for field in ("title", "detail", "hint"))
    assert "Traceback" not in done.err
