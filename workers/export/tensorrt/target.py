"""Write and test the bundle for NVIDIA cards: ONNX, the engine builder, prebuilt engines, and fallbacks."""

import json
from pathlib import Path
from typing import Any

from workers.contracts.architectures import CARDS, parse, shown
from workers.contracts.bundles import ExportCheck, ExportParams, ExportResult
from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.process.context import JobContext, derived
from workers.contracts.specs import Question, Stage
from workers.contracts.techniques import Model, TargetSpec
from workers.contracts.translation import _
from workers.convert import tensorrt_engine
from workers.export.fresh_environment import interpreter
from workers.export.layout import own_file, runtime_entry
from workers.export.python_folder import Contents, write_bundle
from workers.export.selftest import ENVIRONMENT, FOLDER, TEST_STAGES, failed, last_json, run_in
from workers.export.stages import WRITE
from workers.export.tensorrt.stand_in import RUNTIME, stand_in_predictions
from workers.export.verify import answers_with, read_manifest
from workers.infer import onnxruntime_cpu, tensorrt, tensorrt_first
from workers.infer.tensorrt_editions import OWN_INSTALL, WHEELS
from workers.infer.tensorrt_engines import FILE
from workers.infer.tensorrt_first import STAND_IN_FILE

COMMANDS = ("pip install -r requirements.txt", "python build_engine.py", "python run.py {input}")
OWN_FILES = "workers.export.tensorrt.bundle_files"
ENGINE = Stage(id="engine", title="Build its engine in the clean place")
USUAL = ("sm89",)
"""Architectures for the self-test if the bundle holds no engine."""

OTHER_CARDS = "numpy\nonnxruntime-gpu[cuda,cudnn]\ntensorrt>=11\n"
NUMBERS = f"""
Only cards compute with this version's numbers (BF16). ONNX Runtime uses `model/{STAND_IN_FILE}` instead: the same
rounded weights, computed with 32 bits. The golden answers come from it, so a card's answers may differ in their last
digits; `verify.py` compares them by the rule of the task.
"""


def write(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Write, zip and test the bundle, and build an engine from the unpacked files.

    Raises:
        WorkerError: The bundle fails a test.
    """
    model = _with_description(params, ctx)
    described = json.loads((model.folder / FILE).read_text(encoding="utf-8"))
    whole, requested = stand_in_predictions(model, params, ctx)
    is_other = whole is not model
    shipped = params.model_copy(update={"model_dir": str(whole.folder), "runtime": RUNTIME})
    more, facts = more_files(described, in_32_bits=is_other), {"runtime": runtime_facts(params)}
    contents = Contents(COMMANDS, more, WHEELS, facts, predictor=requested if is_other else None)
    return write_bundle(shipped, ctx, contents, (ENGINE, lambda: own_test(ctx, described)))


def _with_description(params: ExportParams, ctx: JobContext) -> Model:
    """Return the version with the ranges of its sizes, and with requested engines that it lacks."""
    model = read_model(Path(params.model_dir))
    wanted = _wanted(params.answers.get("build_for", ""))
    if (model.folder / FILE).is_file() and not wanted:
        return model
    work_dir = ctx.work_dir / "engine"
    work_dir.mkdir()
    artifact = tensorrt_engine.apply(
        model, tensorrt_engine.Params(build_for=wanted), derived(ctx, work_dir=work_dir, original=model.folder)
    )
    return Model(work_dir / "model", artifact)


def _wanted(text: str) -> tuple[str, ...]:
    if not text.strip():
        return ()
    try:
        return parse(text)
    except ValueError as error:
        known = ", ".join(f"{name} ({cards})" for name, cards in CARDS.items())
        detail = _("{0!r} names a card that engines are not built for. They are built for {1}.").format(text, known)
        raise InputRefused(
            "unknown_architecture", "There is no such card", detail, "Name cards such as sm89,sm120, or none."
        ) from error


def more_files(described: dict[str, Any], *, in_32_bits: bool = False) -> dict[str, str]:
    """Return the additional files compared with a Python folder."""
    names = ("tensorrt_first", "tensorrt", *tensorrt.RUNTIME.modules)
    own = {f"fettle_bundle/infer/{name}.py": own_file(f"{name}.py", "workers.infer") for name in names}
    rows = [row for row in described.get("engines", []) if row["architectures"]]
    ahead = "No engine was built ahead: each card builds its own."
    if rows:
        cards = ", ".join(f"{name.upper()} ({CARDS[name]})" for row in rows for name in row["architectures"])
        ahead = f"An engine was built ahead for {cards}. It is used where the library says that it is valid."
    guide = own_file("CARDS.md", OWN_FILES)
    return {
        **own,
        "build_engine.py": own_file("build_engine.py", OWN_FILES),
        "requirements-other-cards.txt": OTHER_CARDS,
        "CARDS.md": guide.format(ahead=ahead, numbers=NUMBERS if in_32_bits else ""),
    }


def runtime_facts(params: ExportParams) -> dict[str, Any]:
    """Return the manifest's entry for the runtime: TensorRT first, then its fallbacks."""
    requirements = [*tensorrt.RUNTIME.requirements, *onnxruntime_cpu.RUNTIME.requirements]
    entry = runtime_entry(tensorrt.RUNTIME, params.settings, params.facts, "tensorrt_first")
    return {**entry, "environment": dict(onnxruntime_cpu.ENVIRONMENT), "requirements": requirements}


def own_test(ctx: JobContext, described: dict[str, Any]) -> tuple[ExportCheck, ...]:
    """Build an engine from the unpacked bundle in its clean place; raise `WorkerError` on failure."""
    ahead = tuple(name for row in described.get("engines", []) for name in row["architectures"])
    architectures = ahead or USUAL
    python, folder = interpreter(ctx.work_dir / ENVIRONMENT), ctx.work_dir / FOLDER
    plan = ctx.work_dir / "engine.plan"
    done = run_in(python, folder, ["build_engine.py", "--for", ",".join(architectures), "--out", str(plan), "--json"])
    document = last_json(done) or {"ok": False, "problem": done.stderr.strip()[-300:] or _("it printed nothing")}
    if not document["ok"] or not plan.is_file():
        raise failed(_("No engine could be built for {0} ({1}).").format(shown(architectures), document["problem"]))
    report = _("for {0} in {1:.1f} s, {2:.1f} MB; built, not run: no card was used here").format(
        shown(architectures), document["seconds"], document["size_bytes"] / 1e6
    )
    checks = [ExportCheck(what="Its engine can be built", ok=True, detail=report)]
    if ahead:
        words = _("{0}; the library decides at each start whether one fits").format(shown(ahead))
        checks.append(ExportCheck(what="It holds engines built ahead", ok=True, detail=words))
    return tuple(checks)


def check(folder: Path, ctx: JobContext) -> tuple[int, list[str]]:
    """Compare the golden predictions with the best runtime on this computer: TensorRT, else ONNX Runtime."""
    return answers_with(tensorrt_first.load, read_manifest(folder), folder, ctx)


TARGET = TargetSpec(
    id="tensorrt",
    title="TensorRT folder",
    summary="For NVIDIA cards: builds its engine at the first start",
    write=write,
    stages=(WRITE, *TEST_STAGES, ENGINE),
    commands=COMMANDS,
    how_to_run="Run it where an NVIDIA card is",
    icon="cpu",
    questions=(
        Question(
            id="build_for",
            title="Build engines ahead for",
            hint="sm89,sm120: GeForce RTX 40, 50 (empty: at first start)",
        ),
    ),
    check=check,
    order=65,
    requires=("tensorrt_rtx_bindings",),
    install_hint=OWN_INSTALL,
    installs="rtx",
    runtimes=("onnxruntime-cpu", "onnxruntime-cuda", "tensorrt"),
    settings=("num_threads", "graph_optimization", "constants"),
    needs=WHEELS,
)
