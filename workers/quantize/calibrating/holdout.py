"""Split calibration inputs into inputs for learning and inputs for checking, without overlap."""

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.infer.base import Arrays

CHECK_EVERY = 3
"""Every third input is set aside for checking."""

FEWEST = 6


def set_aside(ctx: JobContext, learn: int, check: int) -> tuple[list[Arrays], list[Arrays]]:
    """Return inputs to learn from (at most `learn`) and inputs to check with (at most `check`).

    Raises:
        InputRefused: there are too few inputs.
    """
    items = list(ctx.calibration(learn + check))
    if len(items) < FEWEST:
        raise InputRefused(
            "calibration_missing" if not items else "calibration_too_little",
            "There are too few examples" if items else "There are no examples to calibrate with",
            f"This technique learns from some examples and checks with others. It needs at least {FEWEST}, and there "
            f"are {len(items)}.",
            "Add data: pictures, texts or arrays like those that the model will see.",
        )
    numbers = range(CHECK_EVERY - 1, len(items), CHECK_EVERY)[:check]
    return [item for number, item in enumerate(items) if number not in numbers][:learn], [items[n] for n in numbers]
