"""Prove versions at the end of a run: evaluate gains on all test examples, in a fixed sequence.

`TimeBudget.proof_s` reserves the time. If it is too short for all versions, steps before the likely winner are left
out, which costs no certainty. If it is too short even for the winner, that version predicts as many examples as
possible, and the statement covers those alone.
"""

import dataclasses
from collections.abc import Sequence

from app.domain.choose import is_gain
from app.domain.proof.sequence import ProofOrder, has_safe_rival, not_tested, sequence_of
from app.domain.variant import Variant
from app.services.flow.measuring import TIME_LIMIT
from app.services.flow.steps import Flow, JobError, T
from app.services.opening.opening import ReadData
from app.services.run import version_steps
from app.services.run.bounded_steps import within
from app.services.run.clock import SAFETY
from app.services.run.figures import answer_speedup_of
from app.services.run.proof_steps import Looked, ProofAnswer, prove_in_order
from app.services.run.search import Search
from app.services.run.version_steps import MeasuredPair, Version
from workers.contracts.process.disk import DISK_FULL
from workers.contracts.specs import Judgement

PROOF_STEP = "Prove the answers"

LONGER = 1.25
"""Factor on the expected time of a version that predicts as many examples as the original did."""

WORTH_ASKING = 1.2
"""Ratio of examples in time to those already predicted, from which on the original predicts again."""


class ProofRun:
    """Proof of one run, owned by it: call `run()` once everything is measured, and again after more measurements.

    Each call is a further look at the test examples, unless all earlier looks found safe versions (`TestSetUsage`).
    """

    def __init__(self, search: Search, step: int, original: Version, data: ReadData) -> None:
        """Create the proof, reported as step number `step` of the run."""
        self._search, self._step, self._data = search, step, data
        self._original_id = original.variant.id
        self._items: tuple[int, ...] = ()
        self._is_begun = False

    def run(self) -> Flow[bool]:
        """Test all gains that were not tested yet and record why others were not; return False if no gain exists."""
        search, recorder = self._search, self._search.recorder
        is_first, self._is_begun = not self._is_begun, True
        order = self._order()
        if not order.steps:
            if is_first:
                recorder.step(self._step, state="skipped", detail="nothing is a gain")
            return False
        recorder.step(self._step, state="running")
        in_time = self._in_time(order)
        for version in order.versions:
            if version.id not in {one.id for one in in_time.versions}:
                self._keep(not_tested(version, "no_time"))
        try:
            yield from self._bounded(self._prepare(in_time.tested[0]))
        except JobError as error:
            self._over_time(error)
            for version in in_time.versions:
                self._keep(not_tested(version, "no_time"))
        else:
            yield from prove_in_order(
                in_time, search.ask.objective, self._ask, self._keep, self._failed, self._has_spare_time
            )
        self._tell()
        return True

    def _order(self) -> ProofOrder:
        """Return the gains that were not tested yet; record those that are no better than a safe version."""
        versions, objective = self._search.versions(), self._search.ask.objective
        fresh = []
        for version in versions:
            if version.judgement is not None or version.untested:
                continue
            if is_gain(version, objective) and has_safe_rival(version, versions, objective):
                self._keep(not_tested(version, "dominated"))
            else:
                fresh.append(version)
        return sequence_of(fresh, objective)

    @property
    def _original(self) -> Version:
        return self._search.candidates[self._original_id]

    @property
    def _is_whole(self) -> bool:
        """Return whether the original predicted all items of the test."""
        return self._original.n_evaluated >= (self._search.most_test or self._data.result.n_test)

    def _in_time(self, order: ProofOrder) -> ProofOrder:
        """Return the end of the sequence for which time suffices, at least from the likely winner on.

        The likely winner is the last version with so few changed predictions on the calibration set that it is probably
        safe.
        """
        half = self._search.goal.max_loss_pct / 100 / 2
        tested = order.tested
        winner = max((at for at, one in enumerate(tested) if one.screening and one.screening.share <= half), default=0)
        first = 0
        while first < winner and not self._has_time(tested[first : winner + 1]):
            first += 1
        return ProofOrder(order.steps[first:])

    def _has_spare_time(self, version: Variant) -> bool:
        """Return whether a possible substitute is probably safe, and time suffices for all items."""
        screening = version.screening
        is_likely = screening is not None and screening.share <= self._search.goal.max_loss_pct / 100 / 2
        return is_likely and self._has_time([version])

    def _has_time(self, versions: Sequence[Variant]) -> bool:
        left_s, clock = self._search.clock.proof_left_s, self._search.clock
        needed_s = 0.0 if self._is_whole else clock.answers_s(1.0)
        needed_s += sum(clock.answers_s(answer_speedup_of(version)) for version in versions)
        return left_s is None or SAFETY * needed_s <= left_s

    def _prepare(self, winner: Variant) -> Flow[None]:
        """Let the original predict all examples, or as many as the likely winner has time for."""
        search, data, original = self._search, self._data, self._original
        if data.result.origin == "person":
            self._items = yield from version_steps.fingerprints(data.folder, self._step)
        if self._is_whole:
            return
        max_s = None
        if not self._has_time([winner]):
            n = search.clock.items_in_time(answer_speedup_of(winner))
            if n < WORTH_ASKING * original.n_evaluated:
                return
            max_s = float(f"{n * search.clock.item_s:.2g}")
        asked = yield from version_steps.predict(
            original, data.folder, search.ask.threads, self._step, max_s, search.most_test
        )
        limit = search.goal.max_loss_pct
        judged = yield from version_steps.judge_beside(asked, asked, data.folder, limit, self._step)
        search.candidates[self._original_id] = judged
        search.recorder.variant(judged.variant)

    def _ask(self, variant: Variant) -> Flow[ProofAnswer | None]:
        search, data, original = self._search, self._data, self._original
        max_s = None
        if not (self._is_whole and self._has_time([variant])):
            max_s = float(f"{LONGER * original.asked_s / max(answer_speedup_of(variant), 1e-3):.2g}")
        known = search.candidates[variant.id]
        try:
            version = yield from self._bounded(
                version_steps.predict(known, data.folder, search.ask.threads, self._step, max_s, search.most_test)
            )
        except JobError as error:
            self._over_time(error)
            return None
        search.candidates[variant.id] = version
        n = min(original.n_evaluated, version.n_evaluated)
        assert original.predictions is not None and version.predictions is not None
        pair = MeasuredPair(data.folder, original.predictions, version.predictions)
        limit = search.goal.max_loss_pct
        return ProofAnswer(
            version.variant,
            search.recorder.look_book(frozenset(self._items[:n])),
            data.result.n_test - n,
            lambda earlier: version_steps.judge([pair], limit, variant.title, earlier, self._step),
        )

    def _bounded(self, flow: Flow[T]) -> Flow[T]:
        return within(flow, lambda: self._search.clock.proof_left_s)

    def _over_time(self, error: JobError) -> None:
        """Raise the error unless it is a time limit."""
        if error.error.code != TIME_LIMIT or self._search.clock.left_s is None:
            raise error

    def _keep(self, variant: Variant, looked: Looked | None = None) -> None:
        if looked is not None:
            book, number = looked
            book.record(variant, number)
        known = self._search.candidates[variant.id]
        self._search.candidates[variant.id] = dataclasses.replace(known, variant=variant)
        self._search.recorder.variant(variant)

    def _failed(self, variant: Variant, error: JobError) -> None:
        if error.error.code == DISK_FULL:
            raise error
        self._search.put_dropped(variant, error.error)

    def _tell(self) -> None:
        now = [version for version in self._search.versions() if not version.is_baseline]
        judged = [version.judgement for version in now if version.judgement is not None]
        if not judged:
            self._search.recorder.step(self._step, state="failed", detail="the time was up before")
            return
        detail = proven_words(judged, self._data.result.n_test)
        self._search.recorder.step(self._step, state="done", detail=detail)


def proven_words(judged: Sequence[Judgement], n_test: int) -> str:
    """Return how many versions are safe, and on how many examples.

    The total `n_test` is named only if time limited the examples. Some examples prove nothing, such as pictures without
    a detection or dialogues made by Fettle.
    """
    n, safe = max(one.n for one in judged), sum(one.verdict == "safe" for one in judged)
    cut = n < n_test and any(one.n_unasked for one in judged)
    return f"{safe} of {len(judged)} safe on {f'{n:,} of {n_test:,}' if cut else f'{n:,}'} examples"
