"""Test versions one after the other in a predefined order, each at the full level, until one is not safe.

Runs and the actions after a run share these steps.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from app.domain.choose import Objective, is_safe
from app.domain.proof.sequence import ProofOrder, Step, capped, has_safe_rival, not_tested, sequence_of
from app.domain.variant import Untested, Variant
from app.services.flow.steps import Flow, JobError
from app.services.records.measured import TestSetUsage
from workers.contracts.specs import Judgement


@dataclasses.dataclass(frozen=True)
class PredictedVersion:
    """A version with its predictions, and the function that judges it; made by `ProofSequence.predicted`.

    `book` counts looks at the items that both this version and the original predicted. `n_left` items have no
    prediction.
    """

    version: Variant
    book: TestSetUsage
    n_left: int
    judge: Callable[[int], Flow[Judgement]]


Looked = tuple[TestSetUsage, int]
"""Where a verdict is recorded, and the number of looks before it."""


class ProofSequence(ABC):
    """Tests versions in a fixed order; a subclass defines how they predict and where verdicts are recorded.

    A look is a fixed sequence at one level, which ends at the first version that is not safe. The versions left are the
    sequence of the next look, at the level of that look. If a look has too few items to prove anything, all of them
    are judged, because none of these verdicts can be wrong.
    """

    def __init__(self, objective: Objective) -> None:
        """Create a proof; `objective` decides which of two versions is as good as the other."""
        self._objective = objective

    @abstractmethod
    def predicted(self, variant: Variant) -> Flow[PredictedVersion | None]:
        """Return a version with its predictions, None when time is up: then nothing that follows is tested."""

    @abstractmethod
    def keep(self, variant: Variant, looked: Looked | None = None) -> None:
        """Record a version once it is settled, with its look."""

    def failed(self, variant: Variant, error: JobError) -> None:
        """Record a version whose predictions failed, or raise the error."""
        raise error

    def has_spare_time(self, variant: Variant) -> bool:
        """Return whether time suffices for the best version of another runtime, or one planned for another computer.

        It is tested last if all versions before it were safe, since a target may accept that runtime alone.
        """
        return False

    def prove(self, order: ProofOrder) -> Flow[None]:
        """Test the versions of `order`, which was set before any test item was looked at, and record why not others."""
        self._settled: list[Variant] = []
        self._untested: dict[str, tuple[Variant, Untested]] = {}
        self._unproven: list[Variant] = []
        self._least_look, self._is_time_up = 0, False
        self._extra = frozenset(version.id for version in order.for_others(self._objective))
        steps = order.steps
        while steps:
            steps = yield from self._sequence(deque(steps))
        for version in self._unproven:
            yield from self._look_at(version)
        for version, why in self._untested.values():
            is_needless = has_safe_rival(version, self._settled, self._objective)
            self.keep(not_tested(version, "dominated" if is_needless else why))

    def _sequence(self, steps: deque[Step]) -> Flow[tuple[Step, ...]]:
        """Test one fixed sequence and return that of the next look, empty if none follows."""
        while steps:
            step = steps.popleft()
            tested = None if self._is_time_up else (yield from self._test(step.version))
            if self._is_time_up:
                self._leave((step.version, *step.waiting), "no_time")
            elif tested is None:  # without predictions, the versions that wait for it take its place
                steps.extendleft(reversed(sequence_of(step.waiting, self._objective).steps))
            elif is_safe(tested.version):
                wanted = [one for one in step.waiting if self._is_wanted(one)]
                steps.extend(Step(one) for one in wanted)
                self._leave([one for one in step.waiting if one not in wanted], "dominated")
            elif not tested.could_prove:
                self._unproven += step.waiting
            else:
                return self._next_look(tested, [*step.waiting, *ProofOrder(tuple(steps)).versions])
        return ()

    def _next_look(self, tested: "_Tested", left: Sequence[Variant]) -> tuple[Step, ...]:
        """Return the sequence of the look after that of `tested`, which is not safe: all that is `left` and needed."""
        self._least_look = tested.number + 1
        self._leave(left, "behind")
        needed = [one for one in left if not has_safe_rival(one, self._settled, self._objective)]
        if not tested.can_go_on:
            self._unproven += needed
            return ()
        order = sequence_of(needed, self._objective)
        for one in order.versions:
            del self._untested[one.id]
        return order.steps

    def _look_at(self, version: Variant) -> Flow[None]:
        """Judge a version although nothing can be proven."""
        self._untested.pop(version.id, None)
        is_needless = has_safe_rival(version, self._settled, self._objective)
        if not (is_needless or self._is_time_up):
            yield from self._test(version, can_be_safe=False)
        if is_needless or self._is_time_up:
            self._leave([version], "no_time")

    def _is_wanted(self, version: Variant) -> bool:
        """Return whether to test a version although an equally good one is safe: for its verdict or for others."""
        return version.judgement is not None or (version.id in self._extra and self.has_spare_time(version))

    def _leave(self, versions: Iterable[Variant], why: Untested) -> None:
        self._untested.update({version.id: (version, why) for version in versions})

    def _test(self, version: Variant, *, can_be_safe: bool = True) -> Flow["_Tested | None"]:
        """Judge one version; return None if time was up or its predictions failed."""
        try:
            requested = yield from self.predicted(version)
            if requested is None:
                self._is_time_up = True
                return None
            number = max(self._least_look, requested.book.number(version))
            judged = _judged(requested, (yield from requested.judge(number)))
        except JobError as error:
            self.failed(version, error)
            return None
        could_prove = requested.book.could_prove(number, judged)
        if not (can_be_safe and could_prove):
            judged = capped(judged)
        self.keep(judged, (requested.book, number))
        self._settled.append(judged)
        return _Tested(judged, number, could_prove, requested.book.could_prove(number + 1, judged))


@dataclasses.dataclass(frozen=True)
class _Tested:
    """A version with its verdict at look `number`; whether that look and the next one could prove anything."""

    version: Variant
    number: int
    could_prove: bool
    can_go_on: bool


def _judged(predicted: PredictedVersion, judgement: Judgement) -> Variant:
    """Return the version with its verdict; examples without a prediction do not count as missing examples."""
    missing, left = judgement.missing_examples, predicted.n_left
    if left:
        more = missing - left if missing is not None and missing > left else None
        judgement = judgement.model_copy(update={"n_unasked": left, "missing_examples": more})
    screening = predicted.version.screening
    if screening is not None:
        screening = screening.model_copy(update={"untested": ""})
    return dataclasses.replace(predicted.version, judgement=judgement, screening=screening)
