"""A bundle's log is dropped on the window by a real mouse: what changed is reported, with what to do."""

from pathlib import Path

import numpy as np
import pytest
from finished_run import finished_folder
from made_traffic import Traffic, drawn, reference_from, sample, write_log
from rig import Start


@pytest.mark.timeout(300)
def test_a_dropped_log_is_reported_and_leads_back_to_the_examples(start: Start, tmp_path: Path) -> None:
    """Given a finished run and a log of its bundle in which pictures got darker, When its folder is dropped on the
    page Projects, Then Monitor shows it with what to do, and its button leads to that project's examples."""
    finished_folder(tmp_path / "home")
    known = sample()
    pool, darker = known.pool(known.pictures, known.kinds), known.pool(known.pictures * 0.7, known.kinds)
    half = np.random.default_rng(0).permutation(len(pool))
    traffic = Traffic(requests=2000, days=10.0)
    part = drawn(pool.of(half[700:]), reference_from(pool.of(half[:700])), traffic, 1, 1200, darker)
    log = write_log(part, tmp_path / "my log", "r1")
    program = start()
    program.until_ready()
    program.press("Projects")
    program.until_page("projects")
    program.drop(log)
    program.until_page("monitor", "full", 60)
    program.until_text("Pictures got darker since", "add 200 recent pictures", "alarm on")
    program.press("Add recent pictures")
    program.until_page("data")
    assert log.is_dir() and (log / "requests.jsonl").is_file()
