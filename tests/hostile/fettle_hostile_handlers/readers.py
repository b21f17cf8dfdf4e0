"""Opens files that Hypothesis has mutated, one after the other in one sandboxed process, and reports what came of each.

Hypothesis draws every choice of the mutations of `_making`, so that what it finds is made as small as it can be.
"""

import base64
import contextlib
import itertools
import random
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from fettle_hostile_handlers._doors import Door
from workers.contracts.base import Frozen
from workers.contracts.process.context import JobContext

STORAGE = "hypothesis"
SHOWN_BYTES = 3000


class Params(Frozen):
    """Mutants of the files in `sound`, `count` of each of `families`; the same ones for the same `seed`."""

    sound: str
    families: tuple[str, ...]
    count: int
    seed: int | None = None


class Result(Frozen):
    done: int


def run(params: Params, ctx: JobContext) -> Result:
    from hypothesis import configuration

    from fettle_hostile_handlers._doors import Doors

    configuration.set_hypothesis_home_dir(ctx.work_dir / STORAGE)
    root = Path(params.sound)
    sound = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    doors = Doors(ctx.work_dir / STORAGE, sound, ctx)
    return Result(done=sum(_search(family, sound, doors.of(family), params, ctx) for family in params.families))


def _search(family: str, sound: Mapping[str, bytes], door: Door, params: Params, ctx: JobContext) -> int:
    """Return how many files of one family were opened."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    from fettle_hostile_handlers._making import changed
    from fettle_hostile_handlers._outcomes import NO_CLASS, OPENED, outcome_of, within_bounds

    begun = itertools.count(1)
    names = sorted(name for name in sound if name.startswith(f"{family}/"))
    others = [sound[name] for name in names]
    for name in names:  # valid files are opened; afterwards all libraries are loaded
        if (outcome := outcome_of(partial(door, Path(name).name, sound[name]))) != OPENED:
            ctx.log(f"0|{family}|{name}|{NO_CLASS} sound: {outcome}", "debug")

    @settings(
        max_examples=params.count, derandomize=params.seed is None, database=None, deadline=None,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    @given(st.sampled_from(names), st.randoms(use_true_random=False))
    def opens(name: str, rng: random.Random) -> None:
        ctx.check_cancelled()
        data, number = changed(sound[name], rng, others), next(begun)
        packed = base64.b64encode(data).decode() if len(data) < SHOWN_BYTES else f"{len(data)} bytes"
        ctx.log(f"{number}|{family}|begun|{name} {packed}", "debug")
        outcome = within_bounds(partial(door, Path(name).name, data), len(data))
        ctx.log(f"{number}|{family}|{name}|{outcome}", "debug")
        assert not outcome.startswith(NO_CLASS), outcome

    with contextlib.suppress(AssertionError):  # the smallest file that is wrong stands in the log last
        (opens if params.seed is None else seed(params.seed)(opens))()
    return next(begun) - 1
