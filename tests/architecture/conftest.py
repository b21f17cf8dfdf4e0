"""What the rules of the house are tested on."""

import copy as copying
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from grimp import ImportGraph
from importlinter.application import use_cases
from importlinter.application.app_config import settings
from importlinter.configuration import configure
from run_text import run_text

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "widgets", "workers", "presets")
PROBE = "wall_probe"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
IDS = {contract["name"]: contract["id"] for contract in CONTRACTS}
_LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


class Copy:
    """The modules of the house in a temporary folder, with an empty module `wall_probe` in each package.

    Walls are broken between probes, which nobody else imports, so that no other chain of imports arises.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(ROOT / "pyproject.toml", folder)
        for room in ROOMS:
            for source in (ROOT / room).rglob("*.py"):
                target = folder / source.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
                if source.name == "__init__.py":
                    (target.parent / f"{PROBE}.py").write_text("")

    def path(self, module: str) -> Path:
        """The file of a module; of a package, its probe."""
        path = self.folder.joinpath(*module.split("."))
        return path / f"{PROBE}.py" if path.is_dir() else path.with_suffix(".py")

    def probe(self, module: str) -> str:
        """The module's own name, or that of the probe of a package; names of foreign packages stay."""
        return f"{module}.{PROBE}" if self.folder.joinpath(*module.split(".")).is_dir() else module

    def fallen(self) -> set[str]:
        """Ids of the contracts that lint-imports finds broken in the copy."""
        run = run_text(
            [sys.executable, "-c", _LINT, "--no-logo", "--cache-dir", str(self.folder / ".cache")],
            cwd=self.folder,
            env={"PYTHONPATH": "", "PATH": "", "COLUMNS": "200"},
        )
        verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", run.stdout, re.MULTILINE))
        assert set(verdicts) == set(IDS), run.stdout + run.stderr
        broken = {IDS[name] for name, verdict in verdicts.items() if verdict == "BROKEN"}
        assert run.returncode == bool(broken)
        return broken


class Walls:
    """The imports of the house in memory, and its contracts: a check takes a twentieth of a run of lint-imports.

    A module `wall_probe` of a package imports another package's, so that no other chain of imports arises.
    """

    def __init__(self) -> None:
        configure()
        use_cases._register_built_in_contract_types()
        self.options = use_cases.read_user_options(str(ROOT / "pyproject.toml"))
        self.graph: ImportGraph = use_cases.create_report(self.options, cache_dir=None).graph

    def build(self, **_options: object) -> ImportGraph:
        """Return the imports, in place of reading them from the files."""
        return self.broken

    def fallen(self, importer: str, imported: str) -> set[str]:
        """Return the ids of the contracts that one import between two packages breaks."""
        self.broken = copying.deepcopy(self.graph)
        ends = []
        for name in (importer, imported):
            own = name.partition(".")[0] in ROOMS
            ends.append(f"{name}.{PROBE}" if own else name.partition(".")[0])
            if ends[-1] not in self.broken.modules:
                self.broken.add_module(ends[-1], is_squashed=not own)
        self.broken.add_import(importer=ends[0], imported=ends[1])
        settings.configure(GRAPH_BUILDER=self)
        report = use_cases.create_report(self.options, cache_dir=None)
        return {IDS[contract.name] for contract, check in report.get_contracts_and_checks() if not check.kept}


@pytest.fixture(scope="session")
def walls() -> Walls:
    return Walls()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("house"))


@pytest.fixture
def copy(house: Copy) -> Iterator[Copy]:
    """The copy, whole again after the test."""
    before = {path: path.read_bytes() for path in house.folder.rglob("*.py")}
    yield house
    for path, content in before.items():
        if path.read_bytes() != content:
            path.write_bytes(content)
