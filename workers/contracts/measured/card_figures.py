"""Measurements of a GPU running a model, split like those of trtexec: figures with notes as codes."""

from typing import Literal

from workers.contracts.base import Frozen
from workers.contracts.text import Text

NoteCode = Literal["launch_bound", "input_bound", "output_bound", "unstable", "throttled", "other_program"]
"""Codes of warnings about a measurement on a GPU.

`launch_bound`: launching the work takes nearly as long as the work. `input_bound`, `output_bound`: copying takes as
long as computing. `unstable`: times vary. `throttled`: the GPU slowed down. `other_program`: another program computed
on the GPU meanwhile.
"""


class CardNote(Frozen):
    """One warning.

    Attributes:
        value: Share behind the warning (0..1 and more): enqueue or copying over computing, the coefficient of
            variation, or the other program's share of the GPU.
        reasons: Reasons of `slow_downs`.
    """

    code: NoteCode
    value: float | None = None
    reasons: tuple[Text, ...] = ()


class Spread(Frozen):
    """Milliseconds: median, mean, and 99th percentile (None under `P99_NEEDS` requests)."""

    p50_ms: float
    mean_ms: float
    p99_ms: float | None = None


class CardEnergy(Frozen):
    """Energy of the whole GPU over `seconds` with `requests` requests.

    Attributes:
        source: "counter": NVML's own counter; "power": integrated power readings.
    """

    joules: float
    seconds: float
    requests: int
    source: Literal["counter", "power"]

    @property
    def per_request_mj(self) -> float:
        """Return the energy per request in millijoules."""
        return 1000 * self.joules / self.requests


class AtOnce(Frozen):
    """Throughput with `streams` concurrent streams, each with its own session: requests over wall time."""

    streams: int
    throughput_per_s: float


class CardFigures(Frozen):
    """Measurements of `n` single requests on a GPU, one after the other.

    Source: NVIDIA TensorRT, samples/trtexec, “Performance Summary”, --infStreams.

    Attributes:
        latency: Copying inputs to the GPU, computing, and copying outputs back.
        compute: Computing alone, by the GPU's own clock.
        enqueue: The processor's time to launch the work.
        throughput_per_s: Requests over wall time with `streams` at once, transfers included; None if not measured.
        streams: The best of `tried`, which were measured equally long one after the other.
        energy: None if the GPU does not report it.
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
