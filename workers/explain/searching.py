"""Search the smallest set of usual differences that makes both sides agree: one alone, then two together."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace

from workers.contracts.after.changes import Cause
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined
from workers.evaluate.kinds import kinds_in
from workers.explain import causes
from workers.explain.running import CauseKind, Outcome, Proposal, Runner
from workers.explain.side import Side

STAGE = "Trying the usual differences"
SECONDS = 150.0
ANSWERS = 80
"""Causes from this order on change answers only."""
FIRST, FIRST_PAIR = 8, 4
"""Each alternative, and each pair of preparations, is tried on this many examples, and on all if it agrees there."""
BETTER = 4.0
"""An alternative must divide the error by at least this, so that none is named by chance."""
BETTER_ROUNDED = 1.5
"""The same where whole numbers leave a large error; then results that differed must also become equal."""
ROUNDED = 0.1
"""With this error and equal results, an alternative still counts, because other libraries resize a little otherwise."""
LEAST_VALUES, LEAST_EXACT = 20, 3
"""Fewer numbers than this agree so roughly, or nearly exactly, by chance."""
NOISES = 3.0
"""Random answers agree if their mean is within this many standard errors."""


Chosen = tuple[tuple[CauseKind, Proposal], ...]
"""A set of differences in their order; the last proposal has the side with all of them."""

Trial = tuple[Chosen, Outcome]


class Search:
    """A search over sets of differences. The job owns one instance.

    Attributes:
        tried: Number of alternatives that were run.
        late: Whether the time ended before all pairs were tried.
    """

    def __init__(self, runner: Runner, tolerance: float, ctx: JobContext) -> None:
        """Create a search.

        `tolerance` is the error that the rounding of both sides explains.
        """
        self._runner, self._tolerance, self._ctx = runner, tolerance, ctx
        self._causes: tuple[CauseKind, ...] = kinds_in(causes, "CAUSE")
        self._began_s = time.monotonic()
        every = runner.all
        self._few, self._fewest = (every[:: max(1, len(every) // count)][:count] for count in (FIRST, FIRST_PAIR))
        self.tried, self.late = 0, False

    def run(self, side: Side, before: Outcome) -> Trial | None:
        """Return the smallest set that makes both sides agree; None if there is none."""
        singles = self._tried(side, ())
        if (best := self._best(singles, before)) is not None:
            return best
        pairs: list[Trial] = []
        order = sorted(singles, key=lambda one: one[1].error)
        # changes of answers need no further run of the model, so pairs with them come first
        for done, (of_answers, (first, _outcome)) in enumerate(itertools.product((True, False), order)):
            self._ctx.progress(STAGE, done, 2 * len(order), "alternatives")
            if self._is_late():
                break
            pairs += self._tried(first[-1][1].side, first, of_answers=of_answers)
            exact = [one for one in pairs if one[1].error <= self._tolerance]
            if exact and (best := self._best(exact, before)) is not None:
                return best
        return self._best(singles, before, rough=True) or self._best(pairs, before, rough=True)

    def _tried(self, side: Side, first: Chosen, *, of_answers: bool = True) -> list[Trial]:
        """Return the outcomes of all alternatives of a side, on some examples."""
        found: list[Trial] = []
        seen, places = {(side.run_key, side.answers)}, self._few if of_answers else self._fewest
        for cause, proposal in self._proposals(side, first, of_answers):
            key = (proposal.side.run_key, proposal.side.answers)
            if key in seen:
                continue
            seen.add(key)
            self._ctx.check_cancelled()
            if not first:
                self._ctx.progress(STAGE, len(found), None, "alternatives")
            if self._is_late():
                break
            self.tried += 1
            outcome = self._runner.outcome(proposal.side, places)
            if not outcome.failed or not first:
                found.append(((*first, (cause, proposal)), outcome))
        return found

    def _proposals(self, side: Side, first: Chosen, of_answers: bool) -> Iterator[tuple[CauseKind, Proposal]]:
        for cause in self._causes:
            fits = not first or (cause.order > first[-1][0].order and (cause.order >= ANSWERS) is of_answers)
            if not fits or not isinstance(side.spec.preprocess, cause.steps):
                continue
            try:
                yield from ((cause, proposal) for proposal in cause.propose(side, side.spec.preprocess, self._runner))
            except (ValueError, LookupError) as error:  # the inputs of a side that does not run as it is
                self._ctx.log(f"{cause.id}: {error}")

    def _best(self, trials: list[Trial], before: Outcome, *, rough: bool = False) -> Trial | None:
        """Return the closest of those that agree on all examples; equally close ones in the order of causes."""
        near = sorted((one for one in trials if self._fits(one[1], before, rough=rough)), key=self._rank)
        for chosen, _outcome in near[:FIRST]:
            outcome = self._runner.outcome(chosen[-1][1].side, self._runner.all)
            if self._fits(outcome, before, rough=rough):
                return chosen, outcome
        return None

    def _rank(self, trial: Trial) -> tuple[float, int]:
        """Return the error with one significant digit of its tolerance, and the number of changes."""
        chosen, outcome = trial
        return round(outcome.error / self._tolerance, 1), chosen[-1][0].order

    def _fits(self, outcome: Outcome, before: Outcome, *, rough: bool) -> bool:
        """Return whether an outcome is agreement, and far closer than without the differences."""
        is_coarse = self._tolerance > ROUNDED
        better = BETTER_ROUNDED if is_coarse else BETTER
        if outcome.failed or not outcome.error * better <= before.error:
            return False
        size = sum(row.size for row in self._runner.reference.raw)
        if outcome.noise:
            return outcome.error <= max(self._tolerance, NOISES * outcome.noise)
        if is_coarse:
            return outcome.error <= self._tolerance and outcome.agrees and not before.agrees
        if rough:
            return outcome.error <= ROUNDED and outcome.agrees and size >= LEAST_VALUES
        return outcome.error <= self._tolerance and outcome.agrees and size >= LEAST_EXACT

    def _is_late(self) -> bool:
        self.late = self.late or time.monotonic() - self._began_s > SECONDS
        return self.late

    def causes(self, trial: Trial, who: str, gives: str) -> tuple[Cause, ...]:
        """Return what was found, in words; `who` and `gives` are the sentences about inputs and answers."""
        found, (chosen, outcome) = [], trial
        end = (
            _("Corrected for that, {0:,} of {1:,} answers differ.")
            if len(chosen) == 1
            else _("Corrected for all of this, {0:,} of {1:,} answers differ.")
        ).format(outcome.differing, outcome.n)
        for cause, proposal in chosen:
            after = proposal.after
            if proposal.found is not None:
                side = chosen[-1][1].side
                before = replace(side, answers=side.answers[:-1])
                after = proposal.found(*(one.raw for one in self._runner.both(before, self._runner.all)))
            text = joined([_(gives if proposal.gives else who).format(proposal.words), end])
            found.append(
                Cause(
                    code=cause.id, parameter=proposal.parameter, before=proposal.before, after=after,
                    share_differing_after=outcome.share, text=text,
                )
            )  # fmt: skip
        return tuple(found)
