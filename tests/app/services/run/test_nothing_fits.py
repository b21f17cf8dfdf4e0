"""A goal of which nothing is for this model and this computer."""

from play import Like
from staging import Make

from app.domain.run import RunState
from app.services.records.documents import run_document
from workers.contracts.planning import Dropped, Reason


def test_a_goal_of_which_nothing_fits_says_why(stage: Make) -> None:
    """Given a goal whose only way needs what is not installed, Then the run says so, and none was tried."""
    one = stage(Like(p50_ms=4), {})
    one.play.left_out = (Dropped(title="A", reason=Reason(code="no_library", text="It needs a library.")),)
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL
    assert run.headline == "None of this goal's ways can be tried here: keep the original, or choose another goal"
    assert one.outcome.end.none_fits.text == "It needs a library."
    assert run_document(run, list(one.variants.values()), one.outcome)["outcome"]["ending"] == "none_fits"
