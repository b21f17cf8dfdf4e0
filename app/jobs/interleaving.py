"""Measure several variants fairly: one live process for each, and one process at a time runs a block.

Two variants that run at once disturb each other by 35 to 313 %. The processes of a set therefore start together, which
is not timed, and wait for each other. They load one after the other. Then exactly one at a time runs a block, in a
balanced order. Several sets of fresh processes show the variation between starts.
"""

import math
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from statistics import median

from app.jobs.client import JobClient, Message
from app.jobs.outcome import Crashed, Outcome, error_of
from app.jobs.process import Waitable
from workers.contracts.disturbed import CLEAN_SHARE, HALF_SHARE, BlockLoad, clean_slices
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import MeasureResult
from workers.contracts.process.messages import BlockDone, Cancelled, Failed, Finished, Ready, RunBlock, RunJob

WARMUP_SHARE = 0.2
MOST_LONGER = 10
"""Most times the requests of a block that is lengthened for its duration; graphs and the store handle that easily."""
LOAD_DEADLINE_S = 600.0
BLOCK_DEADLINE_S = 60.0
BLOCK_TIMES, REQUEST_TIMES = 10, 50
"""Factors on `block_max_s` and on the time of a request, beyond which a turn counts as hung."""
MIN_BLOCKS = 2
SLICE_MS, FIRST_SLICE = 1.0, 4
"""Milliseconds of the fastest model in a slice whose waiting is read, and its requests before any time is known."""

CLEAN_SLICES = 16
"""Undisturbed slices that each variant needs in a set, else all variants of the set get more blocks."""

MOST_MORE, MORE_SHARE = 6, 0.6
"""Most times that a disturbed set gets its blocks anew, and the share of its time limit at which it gets no more."""


@dataclass
class Timing:
    """Measured data of one variant; owned by its `BlockGroup`.

    They are `blocks_ms[set][block][request]` in milliseconds, `loads[set][block]` with the system's other load, and one
    result per set. `outcome` is set if one of its processes failed; later sets then leave the variant out.
    """

    blocks_ms: list[list[list[float]]] = field(default_factory=list)
    loads: list[list[BlockLoad]] = field(default_factory=list)
    results: list[MeasureResult] = field(default_factory=list)
    outcome: Outcome | None = None

    @property
    def latencies_ms(self) -> list[list[float]]:
        """Return the latencies in milliseconds as [set][request]."""
        return [[value for block in one_set for value in block] for one_set in self.blocks_ms]

    @property
    def failure(self) -> ErrorInfo | None:
        """Return why the variant failed, None if it did not."""
        return None if self.outcome is None else error_of(self.outcome)


@dataclass(frozen=True)
class Pace:
    """Number of blocks in a set, and of requests in a block for a model of known speed.

    A block has `warmup_requests` untimed requests and then `timed_requests`, and lasts `block_max_s` at most. Blocks of
    the fastest model last `least_block_s` if `MOST_LONGER` permits. Otherwise ten milliseconds of the
    window's own work were half of a block of 40 requests of .4 ms, and looked like a busy computer.
    """

    warmup_requests: int
    timed_requests: int
    block_max_s: float
    blocks: int
    least_block_s: float = 0.0

    def wanted(self, fastest_ms: float | None) -> tuple[int, int]:
        """Return the (warm-up, timed) requests of each block when the fastest model takes `fastest_ms` per request."""
        if not fastest_ms or not self.least_block_s:
            return self.warmup_requests, self.timed_requests
        longer = min(MOST_LONGER * self.timed_requests, math.ceil(1000 * self.least_block_s / fastest_ms))
        timed = max(self.timed_requests, longer)
        return max(self.warmup_requests, int(timed * WARMUP_SHARE)), timed

    def block(self, latency_ms: float | None, fastest_ms: float | None = None) -> tuple[int, int]:
        """Return the (warm-up, timed) requests that fit into a block, with at least one timed request."""
        warmup, timed = self.wanted(fastest_ms)
        if not latency_ms:
            return warmup, timed
        fitting = 1000 * self.block_max_s / latency_ms
        warmup = min(warmup, int(fitting * WARMUP_SHARE))
        return warmup, max(1, min(timed, int(fitting - warmup)))

    def slice_requests(self, fastest_ms: float | None) -> int:
        """Return the requests of a slice, which are the same ones in all variants."""
        return max(1, round(SLICE_MS / fastest_ms)) if fastest_ms else FIRST_SLICE

    def blocks_of(self, latency_ms: float | None) -> int:
        """Return the blocks of a set: two (A B B A) if a single request already fills one."""
        slow = latency_ms is not None and latency_ms > 1000 * self.block_max_s
        return min(self.blocks, MIN_BLOCKS) if slow else self.blocks


def order(variants: Sequence[int], blocks: int, set_number: int = 0) -> list[int]:
    """Return the order of turns: a round of all variants forwards, then backwards, and so on (A B B A).

    A drift thereby affects all alike. Sets take the rows of a Williams square (Williams, Austral. J. Sci. Res. 1949).
    Over as many sets as variants, each variant takes each place equally often, and none always follows the same one.
    """
    count = len(variants)
    places = [(place + 1) // 2 if place % 2 else -(place // 2) for place in range(count)]  # 0, 1, −1, 2, −2, …
    row = [variants[(place + set_number) % count] for place in places]
    return [index for number in range(blocks) for index in (row if number % 2 == 0 else reversed(row))]


class BlockGroup:
    """One measurement in progress, owned by a `Measurer`: call `poll()` until `done`, then read `outcomes`.

    `outcomes` has one `Timing` per job, in order.
    """

    def __init__(
        self,
        jobs: Sequence[RunJob],
        pace: Pace,
        *,
        sets: int,
        budget_s: float | None = None,
        slow_over_ms: float | None = None,
        load_deadline_s: float = LOAD_DEADLINE_S,
        block_deadline_s: float = BLOCK_DEADLINE_S,
        new_client: Callable[[], JobClient] = JobClient,
    ) -> None:
        """Start the processes of the first set.

        Args:
            jobs: One job per variant.
            pace: Blocks of each set and requests of each block.
            sets: Number of sets of fresh processes.
            budget_s: No set begins that would probably exceed it; None means twice the time of full blocks, so that
                only models slower than a block are measured in fewer sets.
            slow_over_ms: A set ends after two blocks of each variant, which suffice to show that one has slower
                requests.
            load_deadline_s: Seconds after which a process that does not load is killed.
            block_deadline_s: Seconds after which a process is killed in its turn, plus many times the usual duration.
            new_client: Creates a client for one job.
        """
        self.outcomes = [Timing() for _ in jobs]
        self.done = not jobs
        self.blocks_done = 0
        self.sets_done = 0
        self._jobs, self._sets, self._new_client = list(jobs), sets, new_client
        self._pace, self._most_more = pace, MOST_MORE * pace.blocks
        self._budget_s = budget_s or 2 * sets * pace.blocks * len(self._jobs) * pace.block_max_s
        self._slow_over_ms = slow_over_ms
        self._load_deadline_s, self._block_deadline_s = load_deadline_s, block_deadline_s
        self._blocks: dict[int, int] = {}  # per set, decided after a variant's first block
        self._fastest_ms: dict[tuple[int, int], float | None] = {}  # at the first turn of each block of each set
        self._live: dict[int, JobClient] = {}
        self._starting: set[int] = set()
        self._loading: list[int] = []
        self._order: list[int] = []
        self._alive: list[int] = []
        self._more = self._added = 0  # blocks added to this set for each variant, and in all
        self._may_add = len(self._jobs) > 1 and slow_over_ms is None  # a first measurement is short
        self._holder: int | None = None
        self._waiting_since_s = time.monotonic()
        self._began_s = self._set_began_s = self._turns_began_s = time.monotonic()
        self._cancelled = False
        self._begin_set()

    @property
    def total_blocks(self) -> int:
        """Return the blocks of the whole measurement, as far as known."""
        alive = [index for index, timing in enumerate(self.outcomes) if timing.outcome is None]
        planned = self._sets * sum(self._blocks.get(index, self._pace.blocks) for index in alive)
        return max(self.blocks_done, planned + self._added)

    @property
    def pids(self) -> list[int]:
        """Return the ids of the live processes."""
        return [client.pid for client in self._live.values() if client.pid is not None]

    @property
    def is_timing(self) -> bool:
        """Return whether a process has its turn, so that others should leave the processor alone."""
        return self._holder is not None

    @property
    def waitables(self) -> tuple[Waitable, ...]:
        """Return handles of which one is ready when a process that starts, loads or has its turn has news.

        Without handles, the next call of `poll` has work to do.
        """
        awaited: Collection[int | None] = self._starting or self._loading[:1] or [self._holder]
        clients = [client for index, client in self._live.items() if index in awaited]
        is_awaited = self._starting or all(client.begun for client in clients)
        return tuple(handle for client in clients for handle in client.waitables) if is_awaited else ()

    def poll(self) -> list[tuple[int, Message]]:
        """Return (number of the job, message) for all new messages; `Finished` comes once per set, a failure once.

        The next turn begins at the next call, so that work on a block's messages does not disturb the next block.
        """
        if self.done:
            return []
        if not self._cancelled:
            self._go_on()
        came: list[tuple[int, Message]] = []
        for index, client in list(self._live.items()):
            for message in client.poll():
                self._take(index, message)
                came.append((index, message))
        if not self._cancelled:
            self._stop_hanging_jobs()
        elif not self._live:
            self.done = True
        return came

    def cancel(self) -> None:
        """Stop all processes; `done` is True within a second."""
        self._cancelled = True
        for client in self._live.values():
            client.cancel()

    def close(self) -> None:
        """End all remaining processes at once."""
        for client in self._live.values():
            client.close()
        self._live.clear()
        self.done = True

    def _take(self, index: int, message: Message) -> None:
        timing = self.outcomes[index]
        if isinstance(message, Ready):
            self._starting.discard(index)
            if message.state == "loaded" and index in self._loading:
                self._loading.remove(index)
        elif isinstance(message, BlockDone):
            self._keep_block(index, message)
        elif isinstance(message, Finished):
            timing.results.append(MeasureResult.model_validate(message.result))
            self._end(index)
        elif isinstance(message, (Failed, Cancelled, Crashed)):
            timing.outcome = message
            self._end(index)

    def _keep_block(self, index: int, message: BlockDone) -> None:
        timing = self.outcomes[index]
        timing.blocks_ms[-1].append(list(message.latencies_ms))
        if message.load is not None:
            timing.loads[-1].append(message.load)
        self._blocks.setdefault(index, self._pace.blocks_of(self._latency_ms(index)))
        self.blocks_done += 1
        if len(timing.blocks_ms[-1]) < self._blocks_of(index):
            self._holder = None  # otherwise the process now ends, and the next turn waits for that

    def _end(self, index: int) -> None:
        self._live.pop(index).close()
        shutil.rmtree(self._work_dir(index), ignore_errors=True)  # a measurement leaves no files
        self._starting.discard(index)
        if index in self._loading:
            self._loading.remove(index)
        if self._holder == index:
            self._holder = None

    def _go_on(self) -> None:
        if self._starting:
            return  # loading is timed, so starting processes must not disturb it
        if self._loading:
            self._load(self._loading[0])
        elif self._holder is None and self._live:
            self._give_turn()
        elif not self._live:
            self.sets_done += 1
            self._begin_set()

    def _stop_hanging_jobs(self) -> None:
        """Kill hanging processes; their clients report that as a crash."""
        limit_s, hanging = self._load_deadline_s, list(self._starting) or self._loading[:1]
        if not hanging and self._holder is not None:
            hanging = [self._holder]
            longest_s = (self._latency_ms(self._holder) or 0.0) / 1000
            limit_s = self._block_deadline_s + BLOCK_TIMES * self._pace.block_max_s + REQUEST_TIMES * longest_s
        if time.monotonic() - self._waiting_since_s > limit_s:
            self._waiting_since_s = time.monotonic()
            for index in self._live.keys() & hanging:
                self._live[index].kill("turn_time")

    def _begin_set(self) -> None:
        now = time.monotonic()
        expected_end_s = now - self._began_s + (now - self._set_began_s)
        alive = [index for index, timing in enumerate(self.outcomes) if timing.outcome is None]
        too_long = self.sets_done > 0 and expected_end_s > self._budget_s
        if not alive or self.sets_done >= self._sets or too_long:
            self.done = True
            return
        self._set_began_s = now
        self._may_add = self._may_add and self._more < self._most_more  # otherwise more blocks do not help
        self._alive, self._more, self._turns_began_s = alive, 0, math.inf
        self._order = order(alive, self._pace.blocks, self.sets_done)
        self._loading, self._waiting_since_s = self._order[: len(alive)], now
        for index in alive:
            self.outcomes[index].blocks_ms.append([])
            self.outcomes[index].loads.append([])
            self._start(index)

    def _start(self, index: int) -> None:
        job = self._jobs[index]
        name = f"{job.job_id}-{self.sets_done}"
        client = self._live[index] = self._new_client()
        self._starting.add(index)
        client.prepare(job.model_copy(update={"job_id": name, "work_dir": self._work_dir(index)}))

    def _load(self, index: int) -> None:
        client = self._live[index]
        if not client.begun:
            self._waiting_since_s = time.monotonic()
            client.begin()

    def _work_dir(self, index: int) -> str:
        return f"{self._jobs[index].work_dir}-{self.sets_done}"

    def _give_turn(self) -> None:
        """Give the turn to the next live process that has blocks left."""
        self._turns_began_s = min(self._turns_began_s, time.monotonic())
        if len(self._order) == len(self._alive) and self._needs_more():
            self._more += self._pace.blocks
            self._added += self._pace.blocks * len(self._alive)
            self._order += order(self._alive, self._pace.blocks, self.sets_done)
        while self._order:
            index = self._order.pop(0)
            if index not in self._live:
                continue
            blocks_done = len(self.outcomes[index].blocks_ms[-1])
            latency_ms = self._latency_ms(index)
            if latency_ms is not None and self._slow_over_ms is not None and latency_ms > self._slow_over_ms:
                self._shorten_set()
            number = (self.sets_done, blocks_done)
            if number not in self._fastest_ms:
                self._fastest_ms[number] = self._least_latency_ms()
            warmup, timed = self._pace.block(latency_ms, self._fastest_ms[number])
            turn = RunBlock(
                index=blocks_done,
                warmup_requests=warmup,
                timed_requests=timed,
                max_s=self._pace.block_max_s,
                last=blocks_done + 1 >= self._blocks_of(index),
                first_request=(self.sets_done * self._pace.blocks + blocks_done) * self._pace.timed_requests,
                slice_requests=self._pace.slice_requests(self._fastest_ms[number]),
            )
            self._holder, self._waiting_since_s = index, time.monotonic()
            self._live[index].send(turn)
            return

    def _shorten_set(self) -> None:
        """Let all variants end after two blocks, or after the next one if they have had two."""
        for index in self._live:
            least = max(MIN_BLOCKS, len(self.outcomes[index].blocks_ms[-1]) + 1)
            self._blocks[index] = min(self._blocks_of(index), least)

    def _blocks_of(self, index: int) -> int:
        return self._blocks.get(index, self._pace.blocks) + self._more

    def _needs_more(self) -> bool:
        """Return whether other programs left a live variant too few slices to compare before the set's last round."""
        if not self._may_add or self._more >= self._most_more:
            return False
        now, rounds = time.monotonic(), self._pace.blocks - 1 + self._more
        more_s = self._pace.blocks * (now - self._turns_began_s) / max(1, rounds)
        if now + more_s - self._began_s > MORE_SHARE * self._budget_s * (self.sets_done + 1) / self._sets:
            return False
        return any(_is_disturbed(self.outcomes[i], CLEAN_SHARE if i else HALF_SHARE) for i in self._live)

    def _least_latency_ms(self) -> float | None:
        """Return the median latency of the fastest variant so far, in milliseconds."""
        known = (self._latency_ms(index) for index in self._live)
        return min((latency_ms for latency_ms in known if latency_ms), default=None)

    def _latency_ms(self, index: int) -> float | None:
        """Return the variant's median latency so far, in milliseconds."""
        times = [value for one_set in self.outcomes[index].latencies_ms for value in one_set]
        return median(times) if times else None


def _is_disturbed(timing: Timing, most_share: float) -> bool:
    """Return whether too few slices of the variant's last set waited that little; False where waiting is unknown.

    The first variant is the original, of which slices with more waiting are compared, too.
    """
    blocks = [(times, load) for times, load in zip(timing.blocks_ms[-1], timing.loads[-1], strict=False)]
    slices = sum(len(load.slice_waits_s or ()) for _, load in blocks)
    return sum(len(clean_slices(times, load, most_share)) for times, load in blocks) < min(CLEAN_SLICES, slices / 2)
