"""Write the files of a page: one HTML file, scripts next to it, model and engine as base64 in scripts.

Browsers let a page that was opened from a folder load only classic scripts: no fetch, no modules of other files
(microsoft/onnxruntime#16729). Modules are therefore inside the page, and binary files are stored as text.
"""

import base64
import html
import json
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

from workers.contracts.bundles import CardFacts
from workers.contracts.pipeline import PipelineSpec, pipeline_document
from workers.export.layout import own_file
from workers.export.web import engine

FOLDER, OWN_FILES = "web", "workers.export.web"
SCRIPTS = (
    "runs", "resize", "pictures", "sounds", "texts", "numbers", "answers", "boxes", "masks", "store", "draw", "asking",
)  # fmt: skip
"""Scripts in the order in which a page runs them; `page` comes last, after the engine."""

PIECE_BYTES = 6 << 20
"""Size of a file's part in one script, so that no browser has to hold a text of hundreds of megabytes."""


def page_files(
    facts: CardFacts, spec: PipelineSpec, about: tuple[tuple[str, str], ...], model: Path, tokenizer: Path
) -> dict[str, str]:
    """Return all files of the page by name.

    Args:
        facts: Facts of the card.
        spec: Description of the model.
        about: Lines about the model.
        model: ONNX file in a folder with only it and its weights.
        tokenizer: File of a text model's tokenizer.

    Raises:
        BackendMissing: The engine is not installed.
    """
    is_text = spec.preprocess.kind == "text"
    found: dict[str, str] = {}
    sources = {path.name: path.read_bytes() for path in sorted(model.parent.iterdir())}
    for name, content in {"engine.wasm": engine.wasm(), **sources}.items():
        for number, piece in enumerate(_pieces(content)):
            found[f"{FOLDER}/{name}.{number:03}.js"] = f"fettle.piece({json.dumps(name)}, {json.dumps(piece)});\n"
    report = {
        "title": facts.title,
        "model": model.name,
        "beside": sorted(name for name in sources if name != model.name),
        "pieces": sorted(found),
        "optimization": "all",
    }
    found[f"{FOLDER}/model.js"] = _data(report, spec, tokenizer if is_text else None)
    for name in (*SCRIPTS, "page"):
        found[f"{FOLDER}/{name}.js"] = own_file(f"page/{name}.js", OWN_FILES)
    found |= {f"{FOLDER}/licenses/{name}.txt": text for name, text in engine.licenses(tokenizer=is_text).items()}
    found["index.html"] = _page(facts, spec, about, is_text)
    return found


def _pieces(content: bytes) -> Iterator[str]:
    for start in range(0, len(content), PIECE_BYTES):
        yield base64.b64encode(content[start : start + PIECE_BYTES]).decode("ascii")


def _data(facts: dict[str, Any], spec: PipelineSpec, tokenizer: Path | None) -> str:
    """Return a script with the model's data for our scripts."""
    parts = {"facts": facts, "pipeline": pipeline_document(spec)}
    if tokenizer is not None:
        parts["tokenizer"] = json.loads(tokenizer.read_text(encoding="utf-8"))
    lines = [f"fettle.{name} = {json.dumps(value, ensure_ascii=True)};" for name, value in parts.items()]
    return "globalThis.fettle ??= {};\n" + "\n".join(lines) + "\n"


def _page(facts: CardFacts, spec: PipelineSpec, about: tuple[tuple[str, str], ...], is_text: bool) -> str:
    scripts = [f'<script src="{FOLDER}/{name}.js"></script>' for name in ("model", *SCRIPTS)]
    scripts.append(f'<script type="module">{engine.engine_script()}</script>')
    if is_text:
        scripts.append(f'<script type="module">{engine.tokenizer_script()}</script>')
    scripts.append(f'<script defer src="{FOLDER}/page.js"></script>')
    purpose = " ".join(facts.purpose.split())
    lines = "\n".join(f"      <dt>{html.escape(name)}</dt><dd>{words}</dd>" for name, words in about)
    return Template(own_file("page/page.html", OWN_FILES)).substitute(
        title=html.escape(facts.title),
        does=html.escape(what_it_does(spec)),
        purpose=f'<p class="lead">{html.escape(purpose)}</p>' if purpose else "",
        style=own_file("page/page.css", OWN_FILES),
        about=lines,
        libraries=", texts are read by Tokenizers (Apache 2.0)" if is_text else "",
        scripts="\n".join(scripts),
    )


GIVEN = {"image": "a picture", "text": "a text", "audio": "a sound", "array": "a row of numbers"}
MOST_NAMED = 4


SUMMARIES = {
    "class": "it says which of {count} kinds that is{such}",
    "labels": "it says which of {count} labels hold{such}",
    "score": "it answers with one share between 0 and 100 %",
    "detection": "it marks what it finds{such}",
    "mask": "it marks which part of it is what{such}",
    "transcript": "it answers with the text in it",
    "embedding": "it answers with numbers; similar meanings give similar numbers",
}


def what_it_does(spec: PipelineSpec) -> str:
    """Return one sentence that describes the model to users."""
    names = spec.classes or ()
    some = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    template = SUMMARIES.get(spec.answer_kind, "it answers with numbers")
    report = template.format(count=len(names) or "its", such=f": {some}" if some else "")
    return f"Give it {GIVEN[spec.preprocess.kind]}, and {report}."
