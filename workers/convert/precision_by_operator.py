"""Compute light operators in 32 bits and heavy ones in 16 bits: almost the speed of 16, the predictions of 32.

Products of large tables take most of the time. Sums, means and exponentials suffer most from few digits. OpenVINO keeps
an operator in 32 bits where its layer in the IR file is marked as precise.
"""

import shutil
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.inference import finite
from workers.convert.output import does_not_fit, new_model
from workers.infer.processor import NO_BF16

ID = "precision_by_operator"
TITLE = mark("Mixed precision, BF16")

PRODUCTS = frozenset({"Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData"})
PRODUCTS |= {"MatMul", "LSTMSequence", "LSTMCell", "GRUSequence", "GRUCell", "RNNSequence", "RNNCell"}
"""OpenVINO's operators that are sums of many products."""

NO_WORK = frozenset({"Const", "Parameter", "Result"})
MAIN, WEIGHTS = "model.xml", "model.bin"

LIGHT_SHARE = 2
"""Smallest ratio of light to heavy operators at which mixed precision is tried."""

HEAVY_ALONE = Reason(
    code="heavy_alone", text=mark("Nearly all of the model's operators are heavy ones, so none would be spared.")
)


class Params(TechniqueParams):
    """Parameters of mixed precision: the operators that compute with 16 bits."""

    heavy: Literal["all", "inner"] = Field(
        title="Products in 16 bits",
        default="all",
        description="all: every product of tables computes with 16 bits. inner: the first and the last of them keep "
        "32 bits, for models that are still too far off.",
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Save the graph as OpenVINO IR with 32-bit weights and mark its light layers; the files get new names."""
    with new_model(model, ID, params, ctx) as output:
        plain = output.folder / "unmarked.xml"
        _save_ir(model, plain, ctx)
        heavy, light = mark_light_layers(plain, output.folder / MAIN, params.heavy)
        plain.with_suffix(".bin").rename(output.folder / WEIGHTS)
        plain.unlink()
        if not heavy:
            detail = _("This model has no products of tables, and only they are faster in 16 bits.")
            raise does_not_fit("nothing_heavy", TITLE, detail)
        ctx.check_cancelled()
        changed = finite.with_settings(model, output.folder, {"inference_precision": "bf16"})
        changed = Model(output.folder, changed.artifact.model_copy(update={"main": MAIN}))
        finite.need_finite(model, changed, "openvino", TITLE, ctx)
        output.files = (MAIN, WEIGHTS)
        output.model_format = "openvino-ir"
        output.precision = "bf16+fp32"
        output.settings = {"inference_precision": "bf16"}
        output.runtimes = ("openvino",)
        output.notes = (
            _(
                "{0} heavy operators compute with 16-bit numbers where the processor has them, the {1} light "
                "ones always with 32-bit numbers."
            ).format(heavy, light),
        )
    return output.artifact


def _save_ir(model: Model, path: Path, ctx: JobContext) -> None:
    """Save the model as IR with 32-bit weights; on return nothing maps the files any more."""
    from workers.infer.openvino_program import import_library, read_model
    from workers.infer.pixels import own_shapes

    library = import_library()
    shapes = own_shapes(model.artifact.settings)
    source = model.main
    if model.artifact.format == "openvino-ir":
        # a live model maps its weights, so the file that is read must not be the one that is written
        source = path.with_name("source.xml")
        shutil.copyfile(model.main, source)
        shutil.copyfile(model.main.with_suffix(".bin"), source.with_suffix(".bin"))
    with onnx_files.library_call(TITLE, ctx):
        graph = read_model(library.Core(), source, _only_where_needed(library, source, shapes))
        library.save_model(graph, str(path), compress_to_fp16=False)
        del graph
    if source != model.main:
        source.unlink()
        source.with_suffix(".bin").unlink()


def _only_where_needed(library: Any, source: Path, shapes: dict[str, Any]) -> dict[str, Any]:
    """Return the shapes only if the model cannot be read without them; free sizes keep other inputs possible."""
    try:
        library.Core().read_model(str(source))
    except RuntimeError:
        return shapes
    return {}


def mark_light_layers(source: Path, target: Path, heavy: str) -> tuple[int, int]:
    """Write the IR file with its light layers marked as precise; return the numbers of heavy and light layers."""
    from xml.etree import ElementTree

    tree = ElementTree.parse(source)
    layers = [layer for layer in tree.getroot().iter("layer") if layer.get("type") not in NO_WORK]
    products = [layer for layer in layers if layer.get("type") in PRODUCTS]
    if heavy == "inner":
        products = products[1:-1]
    chosen = {id(layer) for layer in products}
    light = [layer for layer in layers if id(layer) not in chosen]
    for layer in light:
        info = layer.find("rt_info")
        if info is None:
            info = ElementTree.SubElement(layer, "rt_info")
        ElementTree.SubElement(info, "attribute", {"name": "precise", "version": "0"})
    tree.write(target, encoding="utf-8", xml_declaration=True)
    return len(products), len(light)


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject processors without BF16 arithmetic, and models without enough light operators."""
    model = situation.model
    if "bf16" not in situation.fast:
        return Reason(code="no_bf16", text=NO_BF16)
    return HEAVY_ALONE if model.light < LIGHT_SHARE * (model.products + model.convolutions) else None


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="The heavy operators compute with 16 bits, the sensitive ones keep 32. Almost the same answers.",
    source="Mixed Precision Training, arXiv 1710.03740; OpenVINO, “Precision control” and its IR's precise attribute",
    params=Params,
    accepts=("onnx", "openvino-ir"),
    apply=apply,
    traits=("bf16", "speed", "quick", "batches"),
    order=25,
    explanation="Half the digits change some answers here. The sensitive parts keep all of them.",
    why_not=why_not,
    requires=("openvino",),
    runtimes=("openvino",),
)
