"""The target *Service*: the Python folder with a server of the Open Inference Protocol, version 2."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workers.contracts.bundles import ExportCheck, ExportParams, ExportResult
from workers.contracts.pipeline import read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Stage
from workers.contracts.techniques import TargetSpec
from workers.contracts.translation import _
from workers.export.layout import plain_name
from workers.export.python_folder import Contents, write_bundle
from workers.export.selftest import TEST_STAGES
from workers.export.service.client import request_server
from workers.export.stages import WRITE
from workers.export.verify import golden_answers
from workers.infer.batch_mates import depends_on_mates

NEEDS = ("fastapi", "uvicorn", "prometheus-client")
SWITCH = "python serve.py --switch {folder}"
COMMANDS = ("pip install -r requirements.txt", "python serve.py")
SERVE = Stage(id="serve", title="Ask its server")
NOT_MEASURED = "batch sizes were not measured under load"
NO_GAIN = "larger batches were not faster when they were measured"
SHARES_A_RANGE = "its INT8 numbers are rounded over a whole batch, and it was proven item by item"


def write(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Write, zip and test the bundle, and send requests to its server.

    Raises:
        WorkerError: The bundle fails its own test.
    """
    return write_service(params, ctx, COMMANDS)


def write_service(
    params: ExportParams, ctx: JobContext, commands: tuple[str, ...], more: Mapping[str, str] = MappingProxyType({})
) -> ExportResult:
    """Write a service with other commands and `more` files; `printed` of the result is the output of serve.py."""
    lines: list[str] = []

    def test() -> tuple[ExportCheck, ...]:
        checks, line = request_server(ctx)
        lines.append(line)
        return checks

    contents = Contents(commands, {**server_files(), **more}, NEEDS, {"serving": serving(params)})
    result = write_bundle(params, ctx, contents, (SERVE, test))
    return result.model_copy(update={"printed": tuple(lines)})


def server_files() -> dict[str, str]:
    """Return the server's own files by their names in the bundle."""
    root = Path(__file__).with_name("bundle_files")
    own = [path for path in sorted(root.rglob("*")) if path.suffix in (".py", ".html") and path != root / "__init__.py"]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in own}


def serving(params: ExportParams) -> dict[str, Any]:
    """Return the server's settings: the model's name in the protocol, its kind of input, and the batch size."""
    knee = params.facts.load.knee_batch if params.facts.load is not None else None
    shares = (knee or 1) > 1 and depends_on_mates(Path(params.model_dir))
    most = 1 if shares else knee or 1
    return {
        "name": plain_name(params.facts.project),
        "kind": read_pipeline(Path(params.model_dir)).preprocess.kind,
        "max_batch": most,
        "why_single": "" if most > 1 else SHARES_A_RANGE if shares else NOT_MEASURED if knee is None else NO_GAIN,
    }


def check(folder: Path, ctx: JobContext) -> tuple[int, list[str]]:
    """Compare the golden predictions, and check that all of the server's files exist."""
    alike, problems = golden_answers(folder, ctx)
    missing = sorted(name for name in server_files() if not (folder / name).is_file())
    return alike, [*problems, *(_("The server lacks {0}.").format(name) for name in missing)]


TARGET = TargetSpec(
    id="service",
    title="Service",
    summary="For your web shop's developer: answers requests over HTTP",
    write=write,
    stages=(WRITE, *TEST_STAGES, SERVE),
    commands=COMMANDS,
    how_to_run="Start it, then open http://127.0.0.1:8000 in a browser",
    icon="globe",
    check=check,
    order=20,
    falls_back=True,
    requires=("fastapi", "uvicorn", "prometheus_client"),
    install_hint="pip install fastapi uvicorn prometheus-client",
    needs=NEEDS,
    switch=SWITCH,
)
