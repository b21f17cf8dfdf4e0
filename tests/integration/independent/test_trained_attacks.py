"""`fettle prove` on the worst versions of the trained models that we could think of: none is safe, the same model is."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trained
import worst_versions as worst
from fettle_command import Fettle
from trained import Trained
from workflow import PATIENCE_S, proven

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(3600)]

CHANGED_AT_LEAST = 0.05

ATTACKS = [
    *((kind, harm) for kind in trained.ALL for harm in (worst.int8, worst.one_class_lost)),
    *((kind, worst.small_things_lost) for kind in (trained.THINGS, trained.MASKS)),
    (trained.WORDS, worst.last_second_cut),
]


@pytest.mark.parametrize(("kind", "harm"), ATTACKS, ids=[f"{kind.task}: {harm.__name__}" for kind, harm in ATTACKS])
def test_no_harm_is_called_safe(kind: Trained, harm: Callable[[Trained, Path], Path], tmp_path: Path) -> None:
    """Given a version that is broken for what a person sees, then it is proven to be worse, which the exit code shows.
    How much 8 bits break is a matter of the processor: where right masks do not settle it, it is not safe at least."""
    fettle, other = Fettle(tmp_path / "home"), harm(kind, tmp_path / "worst.onnx")
    done = fettle("prove", kind.model, other, "--data", kind.few, "--json", timeout_s=PATIENCE_S)
    assert done.code == 4, done.err
    found = done.document["optimized"]
    print(f"\n{kind.name}, {harm.__name__}: {found['verdict']}, {found['changed_share']} changed, {found['scores']}")  # noqa: T201
    assert found["changed_share"] > CHANGED_AT_LEAST
    assert found["verdict"] in ("regressed", *(["not_enough_data"] if harm is worst.int8 else []))


@pytest.mark.parametrize("kind", trained.ALL, ids=[kind.task for kind in trained.ALL])
def test_the_same_model_elsewhere_is_safe(kind: Trained, tmp_path: Path) -> None:
    """Given the same weights as OpenVINO's IR, then it is proven safe, and no score moved."""
    document = proven(Fettle(tmp_path / "home"), kind.model, worst.openvino_ir(kind, tmp_path / "same"), kind.data)
    (found,) = document["variants"]
    assert found["verdict"] == "safe" and found["changed_share"] == 0
    assert found["scores"] and all(
        row["optimized"] == pytest.approx(row["original"], abs=1e-3) for row in found["scores"]
    )
