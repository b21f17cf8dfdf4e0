"""Mutated files by the thousand: each gets a verdict in words, or ends its worker, which is reported; nothing else falls."""

import collections
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from doors import leftovers
from made_once import made_once

from app.jobs.client import Crashed, JobClient, Message
from app.jobs.outcome import explain
from app.jobs.setup import WorkerSetup
from app.services.flow.workspace import Workspace
from workers.contracts.process.messages import TERMINAL, Finished, Limits, Log, RunJob

BATCH = 2000
COUNT, LONG_COUNT = 60, 500
TESTS = Path(__file__).parents[1]
NO_CLASS = "no class"
ENDS = (*TERMINAL, Crashed)


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Valid files of each format, made in their own process."""
    folder = tmp_path_factory.mktemp("sound")
    script = (
        "import sys; from pathlib import Path; from fettle_hostile_handlers._making import sound_files\n"
        "for name, data in sound_files().items(): (Path(sys.argv[1]) / name).write_bytes(data)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, "-c", script, folder], env=environment, check=True)
    return folder


def run_job(space: Workspace, kind: str, name: str, params: dict[str, object], note: Callable[[str], None]) -> Message:
    """Run a job of the hostile handlers behind the walls; `note` gets its log lines. Returns its last message."""
    job = RunJob(
        job_id=name, kind=kind, params=params, work_dir=str(space.jobs / name), read_paths=(str(params["sound"]),),
        threads=1, niceness=5, limits=Limits(memory_bytes=3 << 30, cpu_s=None),
    )  # fmt: skip
    client = JobClient(WorkerSetup(space.jobs, job_kinds="fettle_hostile_handlers"))
    client.start(job)
    try:
        while True:
            for message in client.poll():
                if isinstance(message, Log):
                    note(message.text)
                elif isinstance(message, ENDS):
                    return message
            time.sleep(0.005)
    finally:
        client.close()


class Campaign:
    """Opens mutants in worker after worker; `outcomes` counts (family, class), `fallen` are those that ended one."""

    def __init__(self, space: Workspace, sound: Path) -> None:
        self._space, self._sound = space, sound
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
        params = {"sound": str(self._sound), "first": self._next, "count": count}
        end = run_job(self._space, "mutants", f"mutants-{self._next}", params, self._note)
        if isinstance(end, Finished):
            (self._space.jobs / f"mutants-{params['first']}").rmdir()  # nothing of any mutant is left in it
        return end

    def _note(self, text: str) -> None:
        if text.count("|") < 3:
            return
        number, family, _, outcome = text.split("|", 3)
        self._next = int(number) + 1
        self.outcomes[family, outcome.split(":")[0]] += 1
        if outcome.startswith(NO_CLASS):
            self.without_class.append(text)


def report(outcomes: collections.Counter[tuple[str, str]]) -> str:
    """What came of each family, for the person who reads the log."""
    families: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for (family, outcome), count in outcomes.items():
        families[family][outcome] += count
    return "\n".join(f"{family}: {dict(counts.most_common())}" for family, counts in sorted(families.items()))


@pytest.fixture
def campaign(space: Workspace, sound: Path) -> Campaign:
    return Campaign(space, sound)


def check(campaign: Campaign, space: Workspace, count: int, canary: Path) -> None:
    campaign.go(count)
    print(report(campaign.outcomes), f"ended a worker: {campaign.fallen}")  # noqa: T201 - seen with -s or when it fails
    assert campaign.without_class == []
    assert sum(campaign.outcomes.values()) + len(campaign.fallen) == count
    assert len(campaign.fallen) <= count // 100
    assert [line for line in leftovers(space) if "mutants" in line] == []
    assert list(canary.iterdir()) == []


FAMILIES = {
    "data": ("WAV", "recordings", "picture", "array", "arrays", "table", "truth", "log", "description"),
    "models": ("bundle", "GGUF", "folder"),
}


@pytest.fixture(scope="session")
def sound_data() -> Path:
    """Valid files other than models, made in their own process."""
    return made_once("sound data", _write_sound_data)


def _write_sound_data(folder: Path) -> None:
    rooms = ("hostile", "workers", "workers/export/service", "fixtures")
    places = [str(TESTS / room) for room in rooms] + [str(TESTS.parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    command = [sys.executable, "-W", "ignore", "-m", "fettle_hostile_handlers._sound_data", folder]
    subprocess.run(command, env=environment, check=True, capture_output=True)


@dataclass
class Search:
    """What Hypothesis found: `outcomes` counts families and classes, `wrong` are those of none, the smallest last."""

    outcomes: collections.Counter[tuple[str, str]] = field(default_factory=collections.Counter)
    wrong: list[str] = field(default_factory=list)
    begun: str = ""
    end: Message | None = None

    def note(self, text: str) -> None:
        if text.count("|") < 3:
            return
        number, family, name, outcome = text.split("|", 3)
        if name == "begun":
            self.begun = outcome
            return
        self.outcomes[family, outcome.split(":")[0]] += 1
        if outcome.startswith(NO_CLASS):
            self.wrong.append(f"{family} {number}: {outcome} of {self.begun}")


def search(
    space: Workspace, sound_data: Path, families: tuple[str, ...], count: int, seed: int | None = None
) -> Search:
    """Let Hypothesis look for files of `families` that are not opened or refused as they should be, inside the walls."""
    params = {"sound": str(sound_data), "families": list(families), "count": count, "seed": seed}
    found = Search()
    found.end = run_job(space, "readers", f"readers-{families[0]}-{seed}", params, found.note)
    return found


def check_found(found: Search, canary: Path) -> None:
    print(report(found.outcomes))  # noqa: T201 - seen with -s or when it fails
    assert found.wrong == []
    assert isinstance(found.end, Finished), f"{found.end}, with {found.begun}"
    assert list(canary.iterdir()) == []


@pytest.mark.whole
@pytest.mark.timeout(600)
def test_a_thousand_mutants(campaign: Campaign, space: Workspace, canary: Path) -> None:
    """Given 1,000 mutants of four families, Then each has a class, and a worker that falls is reported."""
    check(campaign, space, 1000, canary)


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_a_hundred_thousand_mutants(campaign: Campaign, space: Workspace, canary: Path) -> None:
    """Given 100,000, Then the same."""
    check(campaign, space, 100_000, canary)


@pytest.mark.whole
@pytest.mark.parametrize("kind", FAMILIES)
def test_a_changed_file_is_opened_or_refused_in_time_and_memory(
    space: Workspace, sound_data: Path, canary: Path, kind: str
) -> None:
    """Given files that Hypothesis has mutated, Then each is opened or refused in words, within 5 s and 250 MB."""
    check_found(search(space, sound_data, FAMILIES[kind], COUNT), canary)


@pytest.mark.slow
@pytest.mark.timeout(24 * 3600)
@pytest.mark.parametrize("kind", FAMILIES)
def test_changed_files_for_an_hour(space: Workspace, sound_data: Path, canary: Path, kind: str) -> None:
    """Given FETTLE_FUZZ_S seconds for both kinds (3,600 where it is not set), Then the same, with other files each round."""
    end_s = time.monotonic() + float(os.environ.get("FETTLE_FUZZ_S", "3600")) / len(FAMILIES)
    seed = 0
    while time.monotonic() < end_s:
        check_found(search(space, sound_data, FAMILIES[kind], LONG_COUNT, seed), canary)
        seed += 1
