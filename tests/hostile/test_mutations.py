"""Mutated files by the thousand: each gets a verdict in words, or ends its worker, which is told; nothing else falls."""

import collections
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from doors import leftovers

from app.jobs.client import Crashed, JobClient, Message
from app.jobs.outcome import explain
from app.jobs.setup import WorkerSetup
from app.services.flow.workspace import Workspace
from workers.contracts.process.messages import TERMINAL, Finished, Limits, Log, RunJob

BATCH = 2000
NO_CLASS = "no class"
ENDS = (*TERMINAL, Crashed)


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Valid files of each format, made in a process of their own."""
    folder = tmp_path_factory.mktemp("sound")
    script = (
        "import sys; from pathlib import Path; from fettle_hostile_handlers._making import sound_files\n"
        "for name, data in sound_files().items(): (Path(sys.argv[1]) / name).write_bytes(data)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, "-c", script, folder], env=environment, check=True)
    return folder


class Campaign:
    """Opens mutants in worker after worker; `outcomes` counts (family, class), `fallen` are those that ended one."""

    def __init__(self, space: Workspace, sound: Path) -> None:
        self._space, self._sound = space, sound
        self._setup = WorkerSetup(space.jobs, handler_package="fettle_hostile_handlers")
        self.outcomes: collections.Counter[tuple[str, str]] = collections.Counter()
        self.without_class: list[str] = []
        self.fallen: list[tuple[int, str]] = []
        self._next = 0

    def go(self, count: int, batch: int = BATCH) -> None:
        """Mutants 0 to `count` - 1."""
        while self._next < count:
            end = self._drive(min(batch, count - self._next))
            if isinstance(end, Finished):
                continue
            assert isinstance(end, Crashed), end
            error, _ = explain(end)
            assert error.title and error.detail and error.hint
            self.fallen.append((self._next, error.code))
            self._next += 1

    def _drive(self, count: int) -> Message:
        first = self._next
        job = RunJob(
            job_id=f"mutants-{first}",
            kind="mutants",
            params={"sound": str(self._sound), "first": first, "count": count},
            work_dir=str(self._space.jobs / f"mutants-{first}"),
            read_paths=(str(self._sound),),
            threads=1,
            niceness=5,
            limits=Limits(memory_bytes=3 << 30, cpu_s=None),
        )
        client = JobClient(self._setup)
        client.start(job)
        try:
            while True:
                for message in client.poll():
                    if isinstance(message, Log):
                        self._note(message.text)
                    elif isinstance(message, ENDS):
                        if isinstance(message, Finished):
                            Path(job.work_dir).rmdir()  # nothing of any mutant is left in it
                        return message
                time.sleep(0.005)
        finally:
            client.close()

    def _note(self, text: str) -> None:
        if text.count("|") < 3:
            return
        number, family, _, outcome = text.split("|", 3)
        self._next = int(number) + 1
        self.outcomes[family, outcome.split(":")[0]] += 1
        if outcome.startswith(NO_CLASS):
            self.without_class.append(text)

    def report(self) -> str:
        """What came of all, for the person who reads the log."""
        families: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        for (family, outcome), count in self.outcomes.items():
            families[family][outcome] += count
        lines = [f"{family}: {dict(counts.most_common())}" for family, counts in sorted(families.items())]
        return "\n".join([*lines, f"ended a worker: {self.fallen}"])


@pytest.fixture
def campaign(space: Workspace, sound: Path) -> Campaign:
    return Campaign(space, sound)


def check(campaign: Campaign, space: Workspace, count: int, canary: Path) -> None:
    campaign.go(count)
    print(campaign.report())  # noqa: T201 - seen with -s or when it fails
    assert campaign.without_class == []
    assert sum(campaign.outcomes.values()) + len(campaign.fallen) == count
    assert len(campaign.fallen) <= count // 100
    assert [line for line in leftovers(space) if "mutants" in line] == []
    assert list(canary.iterdir()) == []


@pytest.mark.whole
@pytest.mark.timeout(600)
def test_a_thousand_mutants(campaign: Campaign, space: Workspace, canary: Path) -> None:
    """Given 1,000 mutants of four families, Then each has a class, and a worker that falls is told."""
    check(campaign, space, 1000, canary)


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_a_hundred_thousand_mutants(campaign: Campaign, space: Workspace, canary: Path) -> None:
    """Given 100,000, Then the same."""
    check(campaign, space, 100_000, canary)
