"""Rules that no import contract can check: sizes, names, and what a start really loads."""

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_text import run_text

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "widgets", "workers", "presets")
SOURCES = sorted(path for room in (*ROOMS, "installer") for path in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TOP_LEVEL = {
    *ROOMS, "tests", "installer", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "docs", ".ci", ".github",
    ".gitignore",
}  # fmt: skip
# Slow to import: only inside the functions of workers that need them.
HEAVY = {
    "torch", "torchvision", "onnxruntime", "openvino", "onnx", "onnxscript", "onnx_ir", "nncf", "timm", "transformers",
    "tokenizers", "scipy", "sklearn", "cleanlab", "imagehash", "datasketch", "tensorrt", "huggingface_hub",
}  # fmt: skip
MODEL_CODE = {"torch", "torchvision", "onnxruntime", "tensorrt", "openvino", "onnx", "timm", "transformers"}
QT = {"PySide6", "shiboken6", "pyqtgraph", "qtawesome"}
STORE = {"sqlalchemy", "alembic"}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def imported_when_loaded(tree: ast.AST) -> Iterator[str]:
    """Top names of the modules that running a module's body imports; not what stands in functions or for types only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]
        else:
            yield from imported_when_loaded(node)


def loaded_by(code: str) -> set[str]:
    """Top names in `sys.modules` of a fresh Python after the code."""
    tail = "\nimport sys\nprint(*{name.partition('.')[0] for name in sys.modules})"
    run = run_text([sys.executable, "-c", code + tail], cwd=ROOT, timeout=120)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def every_module_of(*rooms: str) -> str:
    """Code that imports all modules of the rooms but entries, migrations, and what is only copied into bundles."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] in rooms
        and path.name != "__main__.py"
        and not {"migrations", "bundle_files"} & set(path.parts)
    ]
    return "import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in names)


def test_nothing_else_stands_at_the_top() -> None:
    run = run_text(["git", "ls-files"], cwd=ROOT)
    if run.returncode != 0:
        pytest.skip("not a clone")
    assert {name.strip('"').partition("/")[0] for name in run.stdout.splitlines()} <= TOP_LEVEL


def test_no_file_is_long() -> None:
    assert [str(path.relative_to(ROOT)) for path in (*SOURCES, *TESTS) if lines(path) > 400] == []


def test_files_are_short_in_the_middle() -> None:
    full = [count for path in SOURCES if (count := lines(path)) > 1]
    assert statistics.median(full) <= 140


def test_functions_are_short() -> None:
    """About 40 lines at most, docstring aside."""
    long = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                report = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) else 0
                if (node.end_lineno or 0) - node.lineno + 1 - report > 50:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert long == []


def test_test_files_have_names_of_their_own() -> None:
    """And no packages: they are imported by path."""
    counted = Counter(path.name for path in TESTS if path.name.startswith("test_"))
    assert [name for name, count in counted.items() if count > 1] == []
    assert not (ROOT / "tests" / "__init__.py").exists()


@pytest.mark.parametrize("room", ["workers", "presets", "app"])
def test_nothing_heavy_when_a_module_is_loaded(room: str) -> None:
    """The registry scans all modules to describe them, so slow packages are imported only where they are needed."""
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] == room
        for name in imported_when_loaded(ast.parse(path.read_text(encoding="utf-8")))
        if name in HEAVY
    ]
    assert found == []


def test_no_model_code_by_name_either() -> None:
    """Given `import_module("torch")`, no contract would see it."""
    found = []
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] not in ("app", "widgets", "presets"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
                found += [
                    f"{path.relative_to(ROOT)}:{node.lineno}"
                    for argument in node.args
                    if isinstance(argument, ast.Constant) and str(argument.value).partition(".")[0] in MODEL_CODE
                ]
    assert found == []


def test_entry_loads_nothing() -> None:
    """Given a spawned worker, which imports its parent's main module again, then that costs nothing."""
    assert loaded_by("import app.__main__") & (HEAVY | QT | STORE | {"numpy", "pydantic", "typer", "rich"}) == set()


def test_command_line_loads_no_qt_and_no_model_code() -> None:
    assert loaded_by("import app.cli.main") & (HEAVY | QT) == set()


def test_scan_of_the_workers_loads_nothing_heavy() -> None:
    """Given every module of the worker side, when all are imported, then no runtime, Qt or database has come along."""
    assert loaded_by(every_module_of("workers", "presets")) & (HEAVY | QT | STORE) == set()


def test_window_side_loads_no_model_code() -> None:
    assert loaded_by(every_module_of("app", "widgets", "presets")) & MODEL_CODE == set()
