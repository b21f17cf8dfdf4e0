"""Messages that a job sends and receives, without a process."""

import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording import RecordingContext

from workers.contracts.errors import JobCancelled
from workers.contracts.process.messages import (
    BlockDone,
    Cancel,
    Identified,
    Log,
    Progress,
    Ready,
    RunBlock,
    Sample,
    WorkerMessage,
)
from workers.runtime.context import RuntimeContext
from workers.runtime.inbox import Inbox, ParentGone


class ListReporter:
    """The parent's end of the pipe stays open as long as this."""

    def __init__(self, parent: Any) -> None:
        self.parent, self.sent = parent, list[WorkerMessage]()

    def send(self, message: WorkerMessage) -> None:
        self.sent.append(message)


def context(tmp_path: Path, *blocks: RunBlock) -> tuple[RuntimeContext, ListReporter]:
    parent, child = multiprocessing.Pipe()
    reporter = ListReporter(parent)
    for block in blocks:
        parent.send_bytes(block.model_dump_json().encode())
    return RuntimeContext(reporter, Inbox(child), tmp_path), reporter


def test_nothing_is_sent_while_the_turn_is_held(tmp_path: Path) -> None:
    """Given a measurement, Then messages of a block come after it and before its `BlockDone`."""
    ctx, reporter = context(tmp_path, RunBlock(index=0), RunBlock(index=1, last=True))
    ctx.ready = Ready(pid=5)
    ctx.loaded()
    seen = []
    for turn in ctx.blocks():
        before = len(reporter.sent)
        ctx.log("inside")
        ctx.progress("measure", turn.index)
        ctx.sample("latency_ms", [1.0], [2.0])
        assert len(reporter.sent) == before
        ctx.block_done(turn.index, [2.0])
        seen.append([type(message) for message in reporter.sent[before:]])

    assert reporter.sent[0] == Ready(pid=5, state="loaded")
    assert seen[0] == [Log, Progress, Sample, BlockDone]
    assert seen[1][-1] is BlockDone


def test_long_samples_are_split(tmp_path: Path) -> None:
    ctx, reporter = context(tmp_path)
    ctx.sample("latency_ms", [0.0] * 12_001, [1.0] * 12_001)
    assert [len(message.values) for message in reporter.sent] == [5000, 5000, 2001]


def test_identified_sends_the_content(tmp_path: Path) -> None:
    ctx, reporter = context(tmp_path)
    ctx.identified("abc", same_result=False)
    assert reporter.sent == [Identified(content="abc", same_result=False)]


def test_cancel_and_turns_over_a_pipe() -> None:
    """Given messages on a pipe, Then turns are kept in order while looking for cancel, and cancel wins."""
    parent, child = multiprocessing.Pipe()
    with parent, child:
        inbox = Inbox(child)
        inbox.check()
        for message in (RunBlock(index=0), RunBlock(index=1)):
            parent.send_bytes(message.model_dump_json().encode())
        inbox.check()
        assert [inbox.next_block().index, inbox.next_block().index] == [0, 1]
        parent.send_bytes(Cancel().model_dump_json().encode())
        with pytest.raises(JobCancelled):
            inbox.next_block()
        with pytest.raises(JobCancelled):
            inbox.check()


def test_next_block_without_a_parent_ends() -> None:
    parent, child = multiprocessing.Pipe()
    with child:
        inbox = Inbox(child)
        parent.close()
        with pytest.raises(ParentGone):
            inbox.next_block()


def test_calibration_reads_the_prepared_inputs(tmp_path: Path) -> None:
    """Given a data folder, Then its calibration inputs come in order, at most as many as requested."""
    from workers.pipeline.prepared import write_prepared

    items = [{"x": np.full((1, 2), number, np.float32)} for number in range(5)]
    write_prepared(tmp_path / "data" / "calibration", items)
    ctx, _ = context(tmp_path)
    assert list(ctx.calibration()) == []
    ctx.data_dir = tmp_path / "data"
    assert [feeds["x"][0, 0] for feeds in ctx.calibration(3)] == [0, 1, 2]
    recorded = RecordingContext(tmp_path, data_dir=tmp_path / "data")
    assert len(list(recorded.calibration())) == 5


def test_recording_context_stores_everything(tmp_path: Path) -> None:
    ctx = RecordingContext(tmp_path, planned_blocks=[RunBlock(index=0, last=True)], cancel_after=2)
    ctx.progress("a", 1, 2)
    ctx.log("text", "warning")
    ctx.sample("s", [1.0], [1.0])
    ctx.loaded()
    for turn in ctx.blocks():
        ctx.block_done(turn.index, [1.0])
    ctx.identified("abc")
    assert ctx.contents == ["abc"]
    assert (len(ctx.progress_sent), len(ctx.logs), len(ctx.samples)) == (1, 1, 1)
    assert (ctx.loaded_calls, ctx.blocks_done[0].index) == (1, 0)
    ctx.check_cancelled()
    ctx.check_cancelled()
    with pytest.raises(JobCancelled):
        ctx.check_cancelled()
