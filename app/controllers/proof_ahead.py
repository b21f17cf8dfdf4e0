"""Check before a run whether the examples can prove the limit, and what else could."""

from app.controllers.session import Session
from app.domain.proof.examples import least_limit_pct, least_to_prove
from widgets.pages.goal.few import FewValue
from widgets.pages.goal.limit import MAX_PCT
from widgets.parts.format import percent_of
from widgets.parts.small import CheckValue
from workers.contracts.translation import ngettext

USUAL_LIMIT_PCT = 1.0


def reach_row(session: Session) -> CheckValue | None:
    """Return a check row with the least limit that the examples can prove, if it is above the usual limit."""
    data = session.data
    if data is None or data.result.origin != "person" or not data.result.n_test:
        return None
    least = least_limit_pct(data.result.n_test)
    if least <= USUAL_LIMIT_PCT:
        return None
    what = ngettext(
        "{0} test example proves a loss below {1} at best; {2} needs at least {3:,}",
        "{0:,} test examples prove a loss below {1} at best; {2} needs at least {3:,}",
        data.result.n_test,
    )
    usual = least_to_prove(USUAL_LIMIT_PCT) or 0
    return CheckValue("warn", what.format(data.result.n_test, percent_of(least), percent_of(USUAL_LIMIT_PCT), usual))


def few_value(session: Session, limit_pct: float) -> FewValue | None:
    """Return the hint about too few examples; None if there are enough or if they are not the user's own."""
    data = session.data
    if data is None or data.result.origin != "person":
        return None
    needed, have = least_to_prove(limit_pct), data.result.n_of_person
    if needed is not None and have >= needed:
        return None
    widest = least_to_prove(MAX_PCT)
    can_offer = limit_pct < MAX_PCT and widest is not None and have >= widest
    return FewValue(
        kind=data.result.kind,
        n_test=have,
        n_needed=needed,
        limit_pct=limit_pct,
        offer_pct=MAX_PCT if can_offer else None,
        labelled=data.result.labelled,
    )
