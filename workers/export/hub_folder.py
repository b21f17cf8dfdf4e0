"""The target *Hub folder*: a repository of the Hugging Face Hub with the file names that transformers.js 4 expects.

Names: `onnx/<session><suffix>.onnx`, weights next to it in `<name>_data`. `config.json["transformers.js_config"]` says
which of them is loaded, since the web's default is q8 (transformers.js 4.3: `DEFAULT_DTYPE_SUFFIX_MAPPING`).
"""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.bundles import ExportCheck, ExportParams, ExportResult
from workers.contracts.folder import read_model
from workers.contracts.measured.companions import CARRIED, CARRIED_FOLDER
from workers.contracts.pipeline import ImageSteps, PipelineSpec, TextSteps, read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelInfo, Question, Stage
from workers.contracts.techniques import TargetSpec
from workers.contracts.translation import _, joined, mark
from workers.export.golden_json import golden_json
from workers.export.layout import Place, has_external_data, own_file
from workers.export.python_folder import Contents, write_bundle
from workers.export.selftest import FOLDER, TEST_STAGES, failed
from workers.export.stages import WRITE
from workers.infer.chat_session import IDS, MORE, TOKENS
from workers.measure.opening import open_session
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

COMPARED, READ_TOKENS, GENERATED = 4, 96, 24
"""Number of texts to continue, maximum number of tokens that are read of each, and number of generated tokens."""

QUESTION = "What is the capital of France?"


def golden_texts(params: ExportParams, ctx: JobContext) -> str:
    """Return the first test texts and the version's continuations here, as token ids.

    The JSON is ``{question, question_ids, texts: [{input_ids, tokens}]}``.
    """
    pipeline = load_pipeline(Path(params.model_dir))
    assert pipeline.chat is not None
    items = Prepared(Path(params.data_dir) / "test")
    texts = []
    with closing(open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)) as session:
        for number in range(min(COMPARED, len(items))):
            ctx.check_cancelled()
            ids = np.asarray(items[number][IDS], np.int64)[:, :READ_TOKENS]
            generated = session.run({IDS: ids, MORE: np.asarray([GENERATED])})[TOKENS]
            texts.append({"input_ids": ids[0].tolist(), "tokens": generated[0].tolist()})
    requested = pipeline.chat.prompt(QUESTION).tolist()
    return json.dumps({"question": QUESTION, "question_ids": requested, "texts": texts})


READ = Stage(id="read", title="Read it as the hub's libraries do")
COMMANDS = (
    "pip install -r requirements.txt",
    "python run.py {input}",
    "npm i @huggingface/transformers",
    "node try.mjs",
)
DTYPES = {
    "fp32": ("", "fp32"), "fp16": ("_fp16", "fp16"), "int8": ("_quantized", "q8"),
    "int8 weights": ("_quantized", "q8"), "int4 weights": ("_q4", "q4"),
}  # fmt: skip
"""Our precisions → (suffix of the file, dtype of transformers.js); mixed precisions have no suffix."""

FAMILIES = ("mobilenet_v2", "mobilenet_v3", "resnet", "vit", "convnext", "efficientnet", "swin", "deit", "densenet")
"""Beginnings of architecture names that transformers knows by the same name."""

RESAMPLE = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}
HEAD = {"library_name": "transformers.js", "tags": ["onnx", "transformers.js"]}


def write(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Write, zip and test the folder, also as transformers reads it.

    Raises:
        WorkerError: A test fails.
    """
    model = read_model(Path(params.model_dir))
    chats = read_pipeline(model.folder).chat is not None
    suffix, dtype = DTYPES.get(model.artifact.precision, ("", "fp32"))
    place = Place("onnx", f"model{suffix}.onnx")
    more = configs(params, dtype, has_external_data(model.folder / model.artifact.main))
    report = golden_texts(params, ctx) if chats else golden_json(params, ctx)
    more |= {"golden/outputs.json": report, "try.mjs": own_file("try_chat.mjs" if chats else "try_arrays.mjs")}
    contents = Contents(COMMANDS, more, place=place, head=HEAD)
    return write_bundle(params, ctx, contents, (READ, lambda: (read_back(ctx.work_dir / FOLDER),)))


def configs(params: ExportParams, dtype: str, external: bool) -> dict[str, str]:
    """Return config.json and the input preparation: the source's own files if it had them, otherwise derived ones."""
    kept = {name: _read(Path(params.original_dir) / CARRIED_FOLDER / name) for name in CARRIED}
    spec = read_pipeline(Path(params.model_dir))
    config = kept["config.json"] or _config(params, spec)
    web: dict[str, Any] = {"dtype": dtype, **({"use_external_data_format": 1} if external else {})}
    found = {
        "config.json": {**config, "transformers.js_config": web},
        "generation_config.json": kept["generation_config.json"],
        "preprocessor_config.json": kept["preprocessor_config.json"] or _preparation(spec),
        "tokenizer_config.json": kept["tokenizer_config.json"] or _tokenizer(spec),
    }
    if spec.chat is not None and spec.chat.template is not None:  # transformers.js expects it in this file
        template = (Path(params.model_dir) / spec.chat.template).read_text(encoding="utf-8")
        found["tokenizer_config.json"]["chat_template"] = template
    return {name: json.dumps(data, indent=2, ensure_ascii=False) + "\n" for name, data in found.items() if data}


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError:
        return {}


def _config(params: ExportParams, spec: PipelineSpec) -> dict[str, Any]:
    """Return the configuration of a model without one: class names, and its family if transformers knows it."""
    made: dict[str, Any] = {}
    try:
        text = (Path(params.original_dir) / "info.json").read_text(encoding="utf-8")
        name = (ModelInfo.model_validate_json(text).architecture or "").rpartition("/")[2]  # without the owner
    except (OSError, ValueError):
        name = ""
    family = next((family for family in FAMILIES if name.startswith(family)), None)
    if family is not None:
        made["model_type"] = family
    if spec.classes:
        made["id2label"] = {str(number): name for number, name in enumerate(spec.classes)}
        made["label2id"] = {name: number for number, name in enumerate(spec.classes)}
    return made


def _preparation(spec: PipelineSpec) -> dict[str, Any]:
    """Describe the preparation of pictures as transformers' image processors do; {} if they cannot express it."""
    steps = spec.preprocess
    if not isinstance(steps, ImageSteps) or steps.letterbox or steps.pixels or steps.channels != "rgb":
        return {}
    if isinstance(steps.resize, tuple) and steps.resize[1] is None:
        return {}
    exact = not isinstance(steps.resize, int)
    made: dict[str, Any] = {
        "image_processor_type": "ViTImageProcessor" if exact and steps.crop is None else "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": steps.resize is not None,
        "do_center_crop": steps.crop is not None,
        "do_rescale": steps.range == "0..1",
        "do_normalize": True,
        "image_mean": list(steps.mean) * (3 if len(steps.mean) == 1 else 1),
        "image_std": list(steps.std) * (3 if len(steps.std) == 1 else 1),
        "resample": RESAMPLE[steps.interpolation],
    }
    if steps.resize is not None:
        made["size"] = _sides(steps.resize) if exact else {"shortest_edge": steps.resize}
    if steps.crop is not None:
        made["crop_size"] = _sides(steps.crop)
    return made


def _sides(size: int | tuple[int, int | None]) -> dict[str, int | None]:
    height, width = (size, size) if isinstance(size, int) else size
    return {"height": height, "width": width}


def _tokenizer(spec: PipelineSpec) -> dict[str, Any]:
    steps = spec.preprocess
    if not isinstance(steps, TextSteps):
        return {}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": steps.max_length}


def read_back(folder: Path) -> ExportCheck:
    """Check that transformers reads the unpacked folder without a network; raise `WorkerError` if it does not."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    read = []
    try:
        from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer

        if "model_type" in config:
            AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            read.append("config.json")
        if (folder / "tokenizer.json").is_file():
            made = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            if not made("one text")["input_ids"]:
                raise ValueError("the tokenizer gives nothing")
            read.append(_("tokenizer"))
        if (folder / "preprocessor_config.json").is_file():
            AutoImageProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            read.append(_("picture processor"))
    except Exception as error:  # any error of the library means that it does not accept the folder
        hint = mark(
            "Export the Python folder instead, or correct the model's own configuration files and open it again."
        )
        raise failed(_("transformers cannot read the folder ({0}).").format(_one_line(error)), hint) from error
    report = _("it has no files that transformers reads")
    if read:
        report = _("transformers reads {0}").format(joined(read, ", "))
    return ExportCheck(what="Read as the hub does", ok=True, detail=report)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


TARGET = TargetSpec(
    id="hub",
    title="Hub folder",
    summary="For sharing it on a model hub",
    write=write,
    stages=(WRITE, *TEST_STAGES, READ),
    commands=COMMANDS,
    how_to_run="Push it, or run it from the folder",
    icon="cloud-arrow-up",
    questions=(Question(id="push", title="Push it to the hub as", hint="OWNER/NAME, or empty: nothing is sent"),),
    order=50,
    runtimes=("onnxruntime-cpu",),
    settings=("num_threads", "graph_optimization", "constants", "chat", "by_token"),
    pushed_to="push",
)
