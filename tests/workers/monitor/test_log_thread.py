"""The thread that writes a log continues after errors of requests and can be closed."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made_texts import tokenizer
from made_traffic import sample

from workers.monitor.reading import read_log
from workers.monitor.writing import MOST_WAITING, Background, Log
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec import PipelineInput, TextSteps


@pytest.fixture
def closer(log: Log) -> Iterator[Background]:
    """Start the thread, and close it at the end."""
    behind = Background(log)
    yield behind
    behind.close()


def fail(_log: Log) -> None:
    """Raise an error that the log does not expect."""
    raise RuntimeError("a runtime's own error")


def closes(behind: Background) -> bool:
    """Return whether the log can be closed within ten seconds."""
    closing = threading.Thread(target=behind.close, daemon=True)
    closing.start()
    closing.join(10)
    return not closing.is_alive()


def test_log_thread_goes_on_after_an_unexpected_error(
    log: Log, closer: Background, requests, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given 30 entries of which two raise an unexpected error, then 28 are written, two are counted as lost, the error is
    reported once, and the log closes."""
    for number in range(30):
        closer.add(fail if number in (3, 17) else requests)
    assert closes(closer)
    records = read_log(tmp_path / "log").parts[0].records
    assert (sum(one.n for one in records), sum(one.lost for one in records)) == (28, 2)
    assert capsys.readouterr().err.count("a runtime's own error") == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_log_whose_thread_ended_closes_though_much_waits(log: Log, requests) -> None:
    """Given a thread that SystemExit ended while its queue is full, then closing does not wait for it."""
    begun, gate = threading.Event(), threading.Event()

    def end(_log: Log) -> None:
        begun.set()
        gate.wait(10)
        raise SystemExit

    behind = Background(log)
    behind.add(end)
    assert begun.wait(10)  # else its place in the queue is free when the log is closed
    for _ in range(2 * MOST_WAITING):
        behind.add(requests)
    gate.set()
    assert closes(behind)


def test_tokenizer_is_read_once_for_all_logged_texts(log: Log, tmp_path: Path) -> None:
    """Given texts whose tokenizer has an unknown token, when its file is deleted after the first request, then all three
    have the share of unknown tokens, because the file is read once."""
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    names = ("input_ids", "attention_mask")
    inputs = tuple(PipelineInput(name=name, dtype="int64", shape=(None, None), source=name) for name in names)
    pipeline = Pipeline(replace(sample().pipeline.spec, inputs=inputs, preprocess=TextSteps()), tmp_path)
    logits = sample().logits(sample().pictures[:1])[1]
    for text in ("the shirt", "das Hemd", "the bag"):
        log.request(pipeline, pipeline.feeds_from(text), lambda: logits, 0.004)
        (tmp_path / "tokenizer.json").unlink(missing_ok=True)
    log.close()
    (record,) = read_log(tmp_path / "log").parts[0].records
    assert record.n == 3 and sum(record.figures["unknown"][1]) == 3


def test_lost_requests_are_counted_from_many_threads(log: Log, requests, tmp_path: Path) -> None:
    """Given eight threads that log 500 requests each while nothing is written, then each request is logged or counted as
    lost."""
    gate = threading.Event()
    behind = Background(log)
    behind.add(lambda _log: gate.wait(10))
    threads = [threading.Thread(target=lambda: [behind.add(requests) for _ in range(500)]) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    gate.set()
    behind.close()
    records = read_log(tmp_path / "log").parts[0].records
    assert sum(one.n + one.lost for one in records) == 8 * 500
    assert sum(one.n for one in records) >= MOST_WAITING - 1  # the first may still have been waiting itself
