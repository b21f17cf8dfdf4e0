"""What a card did with a model, split as trtexec splits it: figures with their notes, as codes and parameters."""

from typing import Literal

from workers.contracts.base import Frozen

NoteCode = Literal["launch_bound", "input_bound", "output_bound", "unstable", "throttled", "other_program"]
"""`launch_bound`: handing the work over takes nearly as long as the work. `input_bound`, `output_bound`: copying takes
as long as computing. `unstable`: times differ. `throttled`: the card slowed itself down. `other_program`: something
else computed on it meanwhile."""


class CardNote(Frozen):
    """One warning. `value` is the share that it rests on (0..1 and more; of enqueue or copying over computing, the
    coefficient of variation, the other program's share of the card); `reasons` are those of `slow_downs`."""

    code: NoteCode
    value: float | None = None
    reasons: tuple[str, ...] = ()


class Spread(Frozen):
    """Milliseconds: median, 99th percentile (None under `P99_NEEDS` requests), mean."""

    p50_ms: float
    mean_ms: float
    p99_ms: float | None = None


class CardEnergy(Frozen):
    """`joules` of the whole card over `seconds` in which `requests` were answered. `source` "counter": NVML's own;
    "power": readings of its power, integrated."""

    joules: float
    seconds: float
    requests: int
    source: Literal["counter", "power"]

    @property
    def per_request_mj(self) -> float:
        """Millijoules."""
        return 1000 * self.joules / self.requests


class AtOnce(Frozen):
    """Requests over wall time with so many `streams` at once, each in a session and a stream of its own."""

    streams: int
    throughput_per_s: float


class CardFigures(Frozen):
    """Of `n` single requests, one after the other. `latency` is copying inputs to the card, computing, and copying
    answers back; `compute` is computing alone, by the card's own clock; `enqueue` the processor's time to hand it over.

    `throughput_per_s` is requests over wall time with `streams` at once, transfers included; None where that was not
    measured. So many were taken as were the best of `tried`, which were measured equally long one after the other.
    `energy` is None where the card does not tell.
    Source: NVIDIA TensorRT, samples/trtexec, “Performance Summary”, --infStreams.
    """

    card: str
    n: int
    latency: Spread
    to_card: Spread
    compute: Spread
    to_host: Spread
    enqueue: Spread
    compute_variation: float | None = None
    throughput_per_s: float | None = None
    streams: int | None = None
    tried: tuple[AtOnce, ...] = ()
    energy: CardEnergy | None = None
    notes: tuple[CardNote, ...] = ()
