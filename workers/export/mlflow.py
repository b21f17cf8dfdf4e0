"""The target *MLflow model*: a Python bundle with an `MLmodel` file at its root and our own loader.

Keys of the `python_function` flavor: https://mlflow.org/docs/latest/ml/model, "Storage format". Writing it does not
need MLflow. The loader uses the runtime with which the version was judged, so that every version can be exported.
"""

import json
import sys
import uuid
from pathlib import Path
from typing import Any

import yaml

from workers.contracts.bundles import ExportCheck, ExportParams, ExportResult
from workers.contracts.pipeline import read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Stage
from workers.contracts.techniques import TargetSpec
from workers.contracts.translation import _
from workers.export.fresh_environment import interpreter
from workers.export.layout import own_file
from workers.export.python_folder import Contents, write_bundle
from workers.export.selftest import ENVIRONMENT, FOLDER, TEST_STAGES, failed, run_in
from workers.export.stages import WRITE
from workers.pipeline.spec import PipelineInput, PipelineOutput, PipelineSpec

LOAD = Stage(id="load", title="Load it as MLflow does")
LOADER = "fettle_mlflow"
SPACE = uuid.UUID("0a9a53a5-5fd2-4f6e-93d3-6f6f2f5b2f0c")
COMMANDS = (
    "pip install -r requirements.txt mlflow-skinny pandas",
    "MLFLOW_DISABLE_TELEMETRY=true python -c \"import mlflow; print(mlflow.pyfunc.load_model('.'))\"",
    "python run.py {input}",
)
ASK = """
import importlib, json, sys
sys.path.insert(0, ".")
import numpy as np
from fettle_bundle.pipeline.prepared import Prepared
model = importlib.import_module(sys.argv[1])._load_pyfunc(".")
feeds = {name: np.array(value) for name, value in Prepared(__import__("pathlib").Path("golden/inputs"))[0].items()}
given = model.predict(feeds)
from bundle import load
expected = load().run(feeds)
print(json.dumps(sorted(given) == sorted(expected) and all(np.array_equal(given[n], expected[n]) for n in expected)))
"""


def write(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Write, zip and test the bundle.

    Raises:
        WorkerError: The bundle fails its own test.
    """
    spec = read_pipeline(Path(params.model_dir))
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    more = {
        "MLmodel": described(params, spec, python),
        "python_env.yaml": yaml.safe_dump({"python": python, "dependencies": ["-r requirements.txt"]}),
        f"{LOADER}.py": own_file(f"{LOADER}.py"),
    }
    return write_bundle(params, ctx, Contents(COMMANDS, more), (LOAD, lambda: (load_as_mlflow(ctx.work_dir),)))


def described(params: ExportParams, spec: PipelineSpec, python: str) -> str:
    """Return the content of the file `MLmodel`."""
    facts = params.facts
    env = {"virtualenv": "python_env.yaml"}
    flavor = {"loader_module": LOADER, "code": ".", "data": ".", "python_version": python, "env": env}
    document = {
        "flavors": {"python_function": flavor},
        "model_uuid": uuid.uuid5(SPACE, f"{facts.run_id} {facts.variant['id']} {facts.made_at}").hex,
        "utc_time_created": facts.made_at[:19].replace("T", " "),
        "metadata": {"made_with": f"fettle {facts.fettle_version}", "title": facts.title},
        "signature": {"inputs": _inputs(spec), "outputs": json.dumps(list(map(_tensor, spec.outputs))), "params": None},
    }
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=True)


def _inputs(spec: PipelineSpec) -> str | None:
    """Return the input schema; None for texts, since MLflow rejects other forms and such models also accept tokens."""
    if spec.preprocess.kind == "text":
        return None
    return json.dumps([_tensor(entry) for entry in spec.inputs if entry.source != "constant"])


def _tensor(entry: PipelineInput | PipelineOutput) -> dict[str, Any]:
    shape = [-1 if size is None else size for size in entry.shape]
    spec: dict[str, Any] = {"type": "tensor", "tensor-spec": {"dtype": entry.dtype, "shape": shape}, "name": entry.name}
    return {**spec, "required": False} if isinstance(entry, PipelineInput) and entry.optional else spec


def load_as_mlflow(work_dir: Path) -> ExportCheck:
    """Call the loader as MLflow does, in the clean place; raise `WorkerError` if the predictions differ."""
    done = run_in(interpreter(work_dir / ENVIRONMENT), work_dir / FOLDER, ["-c", ASK, LOADER])
    if done.returncode != 0 or done.stdout.strip() != "true":
        raise failed(_("The loader for MLflow gives other answers ({0}).").format(done.stderr.strip()[-300:]))
    return ExportCheck(what="Loaded as MLflow does", ok=True, detail="by the loader alone; MLflow was not started here")


TARGET = TargetSpec(
    id="mlflow",
    title="MLflow model",
    summary="For an MLflow registry or server",
    write=write,
    stages=(WRITE, *TEST_STAGES, LOAD),
    commands=COMMANDS,
    how_to_run="Load it with MLflow, or run it without",
    icon="flask",
    order=70,
    falls_back=True,
)
