"""What the contenders of `language_peers.py` run, made as their makers say, each in a folder that is kept.

Fettle's versions are those of its preset, made by its own techniques. The peers' are written by their own tools in
their own environments, by default settings: onnxruntime-genai's builder, optimum-intel, and the package `gguf`.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from presets.loader import load_presets
from workers.contracts.folder import read_model
from workers.registry import techniques
from workers.runtime.recording import RecordingContext

PRESET = "fastest-chat"

GGUF = """
import sys, gguf
source, kind, out = sys.argv[1:]
kinds, array = gguf.GGMLQuantizationType, gguf.GGUFValueType.ARRAY
reader, writer = gguf.GGUFReader(source), gguf.GGUFWriter(out, "llama")
for name, field in reader.fields.items():
    if not name.startswith("GGUF.") and name not in ("general.architecture", "general.file_type"):
        of = field.types[-1] if field.types[0] == array else None
        writer.add_key_value(name, field.contents(), field.types[0], of)
writer.add_file_type(gguf.LlamaFileType["MOSTLY_" + kind])
for tensor in reader.tensors:
    numbers = gguf.dequantize(tensor.data, tensor.tensor_type)
    if tensor.tensor_type == kinds.F32:
        writer.add_tensor(tensor.name, numbers)
    else:
        wanted = kinds.Q8_0 if tensor.name == "token_embd.weight" else kinds[kind]
        writer.add_tensor(tensor.name, gguf.quantize(numbers, wanted), raw_dtype=wanted)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
"""
"""The stored weights in other blocks; the table of words keeps the 8 bits that it has in the stored file."""


EXTRA = {"int4": ("--group-size", "64")}
"""Its default of 128 divides no layer of SmolLM2-135M, and it ends."""


@dataclass(frozen=True)
class Recipe:
    """A contender: `kind` as in `language_peer_engine.py`, `where` a path. `ours` is the preset's id of it."""

    name: str
    kind: str
    where: Path
    python: str
    settings: Mapping[str, Any]
    ours: bool = False
    on_grid: bool = False
    """Groups of 32, in which the stored weights lie on a 4-bit grid already: told, but no bar."""


def ours(opened: Path, work: Path) -> list[Recipe]:
    """The versions that the preset tries, with the settings that their bundles would have."""
    made = []
    specs = techniques()
    preset = next(one for one in load_presets().presets if one.id == PRESET)
    for recipe in preset.recipes:
        folder = opened
        for number, step in enumerate(recipe.steps):
            steps = "".join(one.model_dump_json() for one in recipe.steps[: number + 1])
            place = work / "ours" / sha256(steps.encode()).hexdigest()[:16]
            if not (place / "model" / "artifact.json").exists():
                place.mkdir(parents=True, exist_ok=True)
                spec = specs[step.technique]
                ctx = RecordingContext(work_dir=place, threads=2, data_dir=work / "data", original=opened)
                spec.apply(read_model(folder), spec.params(**step.params), ctx)
            folder = place / "model"
        settings = {**read_model(folder).artifact.settings, **recipe.settings}
        made.append(Recipe(f"Fettle, {recipe.title}", "fettle", folder, sys.executable, settings, ours=True))
    return made


def peers(source: Path, work: Path, python: str, optimum: str | None) -> tuple[list[Recipe], dict[str, str]]:
    """(all that could be made, why the others could not)."""
    made = [
        Recipe("torch, BF16", "torch", source, sys.executable, {}),
        Recipe("transformers generate, BF16", "generate", source, sys.executable, {}),
    ]
    why_not: dict[str, str] = {}

    def attempt(recipe: Recipe, command: list[str]) -> None:
        if not recipe.where.exists():
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode or not recipe.where.exists():
                why_not[recipe.name] = (done.stderr.strip().splitlines() or ["it failed"])[-1][:160]
                return
        made.append(recipe)

    folder = work / "ort-genai-int4"
    attempt(
        Recipe("onnxruntime-genai, INT4", "ort-genai", folder, python, {}, on_grid=True),
        [
            python, "-m", "onnxruntime_genai.models.builder", "-m", "model", "-i", str(source), "-o", str(folder),
            "-p", "int4", "-e", "cpu", "-c", str(work / "cache"),
        ],
    )  # fmt: skip
    for bits in ("int8", "int4"):
        folder = work / f"ov-genai-{bits}"
        for name, settings in ov_settings(bits):
            recipe = Recipe(name, "ov-genai", folder, python, settings)
            if optimum is None:
                why_not[name] = "no environment with optimum-intel was named"
                continue
            attempt(
                recipe,
                [
                    str(Path(optimum).with_name("optimum-cli")), "export", "openvino", "-m", str(source),
                    "--task", "text-generation-with-past", "--weight-format", bits, *EXTRA.get(bits, ()), str(folder),
                ],
            )  # fmt: skip
    stored = next(source.glob("*.gguf"), None)
    for kind in ("Q8_0", "Q4_0", "stored"):
        name = f"llama.cpp, {kind}"
        if stored is None:
            why_not[name] = "there is no GGUF beside the model"
            continue
        path = stored if kind == "stored" else work / f"{kind}.gguf"
        recipe = Recipe(name, "llama", path, python, {}, on_grid=kind != "Q8_0")
        attempt(recipe, [python, "-c", GGUF, str(stored), kind, str(path)])
    return made, why_not


def ov_settings(bits: str) -> list[tuple[str, dict[str, str]]]:
    """Its default (continuous batching, paged attention) and its plain way, which is the faster one where few ask."""
    title = f"openvino-genai, {bits.upper()}"
    return [(title, {}), (f"{title}, SDPA", {"ATTENTION_BACKEND": "SDPA"})]


def settings_text(recipe: Recipe) -> str:
    return json.dumps(dict(recipe.settings))
