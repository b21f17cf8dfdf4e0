"""Prove versions at the end of a run: evaluate gains on all test examples, in a fixed sequence.

`RunClock.proof_s` reserves the time. If it is too short for all versions, steps before the likely winner are left
out, which costs no certainty. If it is too short even for the winner, that version predicts as many examples as
possible, and the statement covers those alone.
"""

import dataclasses
from collections.abc import Sequence

from app.domain.choose import is_gain
from app.domain.proof.examples import least_to_prove
from app.domain.proof.sequence import ProofOrder, has_safe_rival, not_tested, sequence_of
from app.domain.variant import Variant
from app.services.flow.steps import Flow, JobError, T
from app.services.run import version_steps
from app.services.run.clock import SAFETY, within
from app.services.run.figures import answer_speedup_of
from app.services.run.proof_steps import Looked, PredictedVersion, ProofSequence
from app.services.run.search import Search
from app.services.run.version_steps import prediction_pair
from workers.contracts.specs import Judgement
from workers.contracts.translation import _, mark

PROOF_STEP = mark("Prove the answers")

LONGER = 1.25
"""Factor on the expected time of a version that predicts as many examples as the original did."""

WORTH_ASKING = 1.2
"""Ratio of examples in time to those already predicted, from which on the original predicts again."""


class ProofRun(ProofSequence):
    """Proof of one run, owned by it: call `run()` once everything is measured, and again after more measurements.

    Each call is a further look at the test examples, unless all earlier looks found safe versions (`TestSetUsage`).
    """

    def __init__(self, search: Search, step: int) -> None:
        """Create the proof, reported as step number `step` of the run."""
        super().__init__(search.plan.objective)
        self._search, self._step = search, step
        self._items: tuple[int, ...] = ()
        self._is_begun = False

    def run(self) -> Flow[bool]:
        """Test all gains that were not tested yet, record why others were not, and return whether any was settled."""
        recorder, before = self._search.recorder, self._verdicts
        is_first, self._is_begun = not self._is_begun, True
        order = self._order()
        if not order.steps:
            if is_first:
                recorder.step(self._step, state="skipped", detail="nothing is a gain")
            return False
        recorder.step(self._step, state="running")
        in_time = self._in_time(order)
        late = [one for one in order.versions if one.id not in {version.id for version in in_time.versions}]
        try:
            yield from self._bounded(self._prepare(in_time.tested[0]))
        except JobError as error:
            if not self._search.is_late(error):
                raise
            late += in_time.versions
            in_time = ProofOrder(())
        for version in late:
            self.keep(not_tested(version, "no_time"))
        yield from self.prove(in_time)
        judged = [one.judgement for one in self._search.variants() if not one.is_baseline and one.judgement is not None]
        if judged:
            recorder.step(self._step, state="done", detail=proven_words(judged, self._search.data.result.n_test))
        else:
            recorder.step(self._step, state="failed", detail="the time was up before")
        return self._verdicts != before

    @property
    def _verdicts(self) -> list[tuple[bool, Judgement | None]]:
        """Return for each version whether an error ended it, and its verdict."""
        return [(one.state == "dropped", one.judgement) for one in self._search.recorder.variants.values()]

    def _order(self) -> ProofOrder:
        """Return the gains without a verdict, and those that can now predict enough; record those with a safe rival."""
        versions, objective = self._search.variants(), self._search.plan.objective
        fresh = []
        for version in versions:
            if version.judgement is not None and not self._can_prove_with_more(version, version.judgement):
                continue
            if not (is_gain(version, objective) and has_safe_rival(version, versions, objective)):
                fresh.append(version)
            elif version.judgement is None:
                self.keep(not_tested(version, "dominated"))
        return sequence_of(fresh, objective)

    def _can_prove_with_more(self, version: Variant, judgement: Judgement) -> bool:
        """Return whether too few examples for any proof were predicted, and time suffices for enough."""
        return judgement.n < self._least <= self._items_in_time(version) and judgement.n_unasked > 0

    def _items_in_time(self, version: Variant) -> int:
        known = self._search.versions_by_id[version.id].n_evaluated
        return self._search.clock.items_in_time(answer_speedup_of(version), known)

    @property
    def _least(self) -> int:
        """Return the fewest examples that can prove the limit, 0 if none can."""
        return least_to_prove(self._search.goal.max_loss_pct) or 0

    @property
    def _is_whole(self) -> bool:
        """Return whether the original predicted all items of the test."""
        return self._search.original.n_evaluated >= (self._search.most_test or self._search.data.result.n_test)

    def _in_time(self, order: ProofOrder) -> ProofOrder:
        """Return the end of the sequence for which time suffices, at least from the likely winner on.

        The likely winner is the last version with so few changed predictions on the calibration set that it is probably
        safe.
        """
        tested = order.tested
        winner = max((at for at, version in enumerate(tested) if self._is_likely(version)), default=0)
        first = 0
        while first < winner and not self._has_time(tested[first : winner + 1]):
            first += 1
        return ProofOrder(order.steps[first:])

    def _is_likely(self, version: Variant) -> bool:
        """Return whether at most half of the limit changed on the calibration set."""
        return version.screening is not None and version.screening.share <= self._search.goal.max_loss_pct / 100 / 2

    def has_spare_time(self, variant: Variant) -> bool:
        """Return whether a possible substitute is probably safe, and time suffices for all items."""
        return self._is_likely(variant) and self._has_time([variant])

    def _has_time(self, versions: Sequence[Variant]) -> bool:
        left_s, clock = self._search.clock.proof_left_s, self._search.clock
        needed_s = 0.0 if self._is_whole else clock.rest_s
        needed_s += sum(clock.answers_s(answer_speedup_of(version)) for version in versions)
        return left_s is None or SAFETY * needed_s <= left_s

    def _prepare(self, winner: Variant) -> Flow[None]:
        """Let the original predict all examples, or as many as the likely winner has time for."""
        search, original = self._search, self._search.original
        if search.data.result.origin == "person" and not self._items:
            self._items = yield from version_steps.fingerprints(search.data.folder, self._step)
        if self._is_whole:
            return
        max_s = None
        if not self._has_time([winner]):
            n, known = self._items_in_time(winner), original.n_evaluated
            if n < WORTH_ASKING * known and not known < self._least <= n:
                return
            max_s = float(f"{n * search.clock.item_s:.2g}")
        original = yield from search.predict(original, self._step, max_s, search.most_test)
        assert original.predictions is not None
        made, n_wanted = original.predictions.result, search.most_test or search.data.result.n_test
        search.clock.record_predictions(n_wanted, made.n, made.seconds, share=made.read_share)
        search.put((yield from search.judge(original, original, self._step)))

    def predicted(self, variant: Variant) -> Flow[PredictedVersion | None]:
        """Return a version with its predictions, None when time is up."""
        search, original = self._search, self._search.original
        assert original.predictions is not None
        before, max_s = search.versions_by_id[variant.id], None
        if not (self._is_whole and self._has_time([variant])):
            seconds = LONGER * original.predictions.result.seconds / max(answer_speedup_of(variant), 1e-3)
            known_s = 0.0 if before.predictions is None else before.predictions.result.seconds
            max_s = float(f"{known_s + search.clock.at_most(seconds - known_s):.2g}")
        most = search.most_test if self._is_whole else original.n_evaluated
        try:
            version = yield from self._bounded(search.predict(before, self._step, max_s, most))
        except JobError as error:
            if not search.is_late(error):
                raise
            return None
        search.versions_by_id[variant.id] = version
        n, limit_pct = min(original.n_evaluated, version.n_evaluated), search.goal.max_loss_pct
        assert version.predictions is not None
        pair = prediction_pair(search.data.folder, original.predictions.folder, version.predictions.folder)
        return PredictedVersion(
            version.variant,
            search.recorder.test_set_usage(frozenset(self._items[:n])),
            search.data.result.n_test - n,
            lambda earlier: version_steps.judge([pair], limit_pct, variant.title, earlier, self._step),
        )

    def _bounded(self, flow: Flow[T]) -> Flow[T]:
        return within(flow, lambda: self._search.clock.proof_left_s)

    def keep(self, variant: Variant, looked: Looked | None = None) -> None:
        """Record a version of the run, and the look at its predictions."""
        if looked is not None:
            book, number = looked
            book.record(variant, number)
        self._search.put(dataclasses.replace(self._search.versions_by_id[variant.id], variant=variant))

    def failed(self, variant: Variant, error: JobError) -> None:
        """Drop a version whose predictions failed; raise an error that ends the run."""
        if error.ends_run:
            raise error
        self._search.put_dropped(variant, error.error)


def proven_words(judged: Sequence[Judgement], n_test: int) -> str:
    """Return how many versions are safe, and on how many examples.

    The total `n_test` is named only if time limited the examples. Some examples prove nothing, such as pictures without
    a detection or dialogues made by Fettle.
    """
    n, safe = max(one.n for one in judged), sum(one.verdict == "safe" for one in judged)
    cut = n < n_test and any(one.n_unasked for one in judged)
    if cut:
        return _("{0} of {1} safe on {2:,} of {3:,} examples").format(safe, len(judged), n, n_test)
    return _("{0} of {1} safe on {2:,} examples").format(safe, len(judged), n)
