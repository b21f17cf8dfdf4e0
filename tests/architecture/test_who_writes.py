"""Only services write records: a controller or a command calls one of them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASKING = ("app/controllers", "app/cli")
REPOSITORY = re.compile(r"repositories\.\w+$")
READING = ("get", "list", "read", "by_owner", "ids", "steps", "runtimes", "page", "of_run", "last_s", "count")


def writes(folder: Path) -> list[str]:
    """Return the calls of a repository's methods that write: "file:line call"."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            report = ast.unparse(node.func)
            if node.func.attr == "together" or (
                REPOSITORY.search(ast.unparse(node.func.value)) and node.func.attr not in READING
            ):
                found.append(f"{path.relative_to(folder)}:{node.lineno} {report}")
    return found


@pytest.mark.parametrize("room", ASKING)
def test_reading_rooms_do_not_write(room: str) -> None:
    """Given all controllers and commands, Then none of them writes into the database."""
    assert writes(ROOT / room) == []


@pytest.mark.parametrize(
    "line",
    [
        "self._session.workspace.repositories.settings.put('data:p1', {})",
        "repositories.projects.update(project)",
        "space.repositories.records.put(KIND, run_id, value)",
        "space.repositories.runs.delete(run_id)",
    ],
)
def test_a_write_is_found(tmp_path: Path, line: str) -> None:
    """Given a controller that writes, Then its line is named; one that reads is not."""
    (tmp_path / "controller.py").write_text(
        f"def f():\n    repositories.runs.get('r1')\n    {line}\n", encoding="utf-8"
    )
    assert writes(tmp_path) == [f"controller.py:3 {line.partition('(')[0]}"]
