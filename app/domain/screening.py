"""What the examples for calibration told of a version before any test example was looked at."""

from typing import Literal

from workers.contracts.base import Frozen

Untested = Literal["", "dominated", "behind", "no_time"]


class Screening(Frozen):
    """Of `n` calibration examples `changed` results differ from the original's; n is 0 where there are none.

    `similarity` (0..1) is how alike the results are on average, 0 where the task does not measure it.
    `regressed`: they show for sure that it loses more than the limit. `untested` says why a version that is a gain was
    not tested: a safe one is as good, one before it was not safe, or the time was up.
    """

    n: int = 0
    changed: int = 0
    regressed: bool = False
    similarity: float = 0.0
    untested: Untested = ""

    @property
    def share(self) -> float:
        """Share changed; 0 where nothing is known."""
        return self.changed / self.n if self.n else 0.0
