"""Define what the calibration set shows about a version before any test example is looked at."""

from typing import Literal

from workers.contracts.base import Frozen

Untested = Literal["", "dominated", "behind", "no_time"]


class Screening(Frozen):
    """Result of a version on the calibration set: of `n` examples, `changed` differ from the original.

    `n` is 0 without calibration examples. `similarity` (0 to 1) is the mean similarity of results, 0 if the task does
    not measure it. `regressed` is true if the version certainly loses more than the limit. `untested` says why a gain
    was not tested: a safe version is as good, an earlier one was not safe, or the time was up. `answer_speedup` is how
    many times faster than the original it predicted these examples, 0 if unknown. It differs from the speedup of a
    request where examples are read in another way than requests, as texts that are judged token by token.
    """

    n: int = 0
    changed: int = 0
    regressed: bool = False
    similarity: float = 0.0
    untested: Untested = ""
    answer_speedup: float = 0.0

    @property
    def share(self) -> float:
        """Return the share of changed results, 0 if nothing is known."""
        return self.changed / self.n if self.n else 0.0
