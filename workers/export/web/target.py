"""Write the page and test its scripts outside a browser against the version's predictions here."""

import html
from pathlib import Path

from workers.contracts.bundles import CardFacts, ExportParams, ExportResult
from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.optional_sets import install_command
from workers.contracts.pipeline import BoxesSteps, PipelineSpec, read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Stage
from workers.contracts.techniques import TargetSpec
from workers.contracts.translation import _, joined
from workers.export.card.text import verdict_words
from workers.export.layout import Place, copy_onnx
from workers.export.python_folder import Contents, write_bundle
from workers.export.selftest import FOLDER, TEST_STAGES
from workers.export.stages import WRITE
from workers.export.web import engine
from workers.export.web.files import page_files
from workers.export.web.trying import try_page

PAGE = Stage(id="page", title="Try the page")
COMMANDS = ("python -m webbrowser index.html", "pip install -r requirements.txt", "python run.py {input}")
MODEL = "model.onnx"
MAX_BYTES = 700 << 20
"""Maximum size of a model in a page: the engine has at most 4 GB and holds the model twice while reading it."""

KNOWN = (
    "float32", "float64", "int64", "uint64", "int32", "uint32", "int16", "uint16", "int8", "uint8", "bool",
)  # fmt: skip
MAIN = ("image", "input_ids", "audio", "array")


def write(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Write, zip and test the bundle, and try the page.

    Raises:
        WorkerError: The model does not fit into a page or fails a test.
    """
    model = read_model(Path(params.model_dir))
    spec = read_pipeline(model.folder)
    size = sum(entry.size_bytes for entry in model.artifact.files)
    if reason := why_not(spec, size):
        raise InputRefused(
            "not_for_a_page",
            "This model does not go into a web page",
            joined([reason, _("Nothing was written.")]),
            "Choose another kind of bundle, for example the Python folder, which takes every model.",
        )
    staged = ctx.work_dir / "staged"
    staged.mkdir()
    copy_onnx(model.folder / model.artifact.main, staged / MODEL)
    tokenizer = model.folder / "tokenizer.json"
    more = page_files(params.facts, spec, about(params.facts, spec), staged / MODEL, tokenizer)
    held = engine.libraries(tokenizer=spec.preprocess.kind == "text")
    facts = {"page": [{"name": one.name, "version": one.version, "license": one.license} for one in held]}
    contents = Contents(COMMANDS, more, facts=facts, place=Place("model", MODEL), shipped=held)
    return write_bundle(params, ctx, contents, (PAGE, lambda: (try_page(ctx.work_dir / FOLDER, ctx),)))


def why_not(spec: PipelineSpec, size_bytes: int) -> str:
    """Return one sentence why a model does not fit into a page; "" if it does."""
    answer = next(entry for entry in spec.outputs if entry.answer)
    given = [entry for entry in spec.inputs if entry.source in MAIN and not entry.optional]
    steps = spec.postprocess
    if size_bytes > MAX_BYTES:
        return _("It has {0:,.0f} MB, and a page holds {1:,.0f} MB at most.").format(size_bytes / 1e6, MAX_BYTES / 1e6)
    if spec.sampling is not None or spec.generation is not None:
        return _("One answer takes many runs, which a page does not do.")
    if len({entry.source for entry in given}) < len(given) or any(
        entry.source == "array" and len(given) > 1 for entry in given
    ):
        return _("It takes several inputs at once, and a page takes one.")
    if unknown := sorted({entry.dtype for entry in spec.inputs if entry.dtype not in KNOWN}):
        return _("It takes numbers of the kind {0}, which pages do not know.").format(", ".join(unknown))
    if answer.batch_axis or any(entry.batch_axis for entry in spec.inputs if entry.source != "initial_state"):
        return _("It counts items along an axis that is not the first.")
    if isinstance(steps, BoxesSteps) and steps.behind == "angle":
        return _("It finds turned boxes, which the page does not draw.")
    return ""


def about(facts: CardFacts, spec: PipelineSpec) -> tuple[tuple[str, str], ...]:
    """Return lines about the model: (title, HTML)."""
    words = [
        ("Not for", facts.not_for or "Not stated."),
        ("How sure we are", verdict_words(facts, spec)),
        ("Made on", facts.made_at[:10]),
        ("License", facts.license or "Unknown, ask the model’s author."),
        ("Contact", facts.contact or "Not stated."),
    ]
    rows = [(title, html.escape(" ".join(text.split()))) for title, text in words]
    return (*rows, ("Everything measured", '<a href="card.html">The model card</a>'))


TARGET = TargetSpec(
    id="web",
    title="Web page",
    summary="Opens by double click in any browser",
    write=write,
    stages=(WRITE, *TEST_STAGES, PAGE),
    commands=COMMANDS,
    how_to_run="Double-click index.html, or run it with Python",
    icon="browser",
    order=55,
    requires=(engine.PACKAGE,),
    install_hint=install_command("web"),
    installs="web",
    runtimes=("onnxruntime-cpu",),
    settings=("num_threads", "graph_optimization", "constants"),
)
