"""Read preprocessing, tokenizer, class names and license from the files beside a model.

No file is trusted: sizes are limited, JSON and YAML are only parsed, and an unreadable file is skipped.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from workers.contracts.folder import sha256_file
from workers.contracts.measured.companions import CARRIED, CARRIED_FOLDER, COMPANIONS, LICENSE_FILES, ONNX_FOLDER
from workers.contracts.pipeline import checked, parse_pipeline
from workers.model_io.facts import ModelFacts
from workers.model_io.guess.transcripts import LIST_SUFFIXES, are_characters, character_list, character_lists
from workers.pipeline.spec import ImageSteps, Interpolation, PipelineSpec, Task
from workers.pipeline.spec_bounds import MAX_SIDE_PX

MAX_JSON_BYTES = 50_000_000
_MAX_TEXT_BYTES = 200_000
_MOST_LISTS, _MOST_FOLDERS = 50, 20
_FINDERS = ("detect", "segment", "pose", "obb")
"""Values of `task` that Ultralytics' exporter writes for models with boxes."""

USUAL_SIDE = 640
"""Ultralytics' default image size, where a file states none."""

_RESAMPLE: dict[Any, Interpolation] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
_LICENSES = (
    (r"apache license[\s,]+version 2\.0", "Apache-2.0"),
    (r"mit license|permission is hereby granted, free of charge", "MIT"),
    (r"gnu affero general public license", "AGPL-3.0"),
    (r"gnu lesser general public license", "LGPL-3.0"),
    (r"gnu general public license\s+version 3", "GPL-3.0"),
    (r"gnu general public license\s+version 2", "GPL-2.0"),
    (r"neither the name of .{0,200} may be used to endorse", "BSD-3-Clause"),
    (r"redistribution and use in source and binary forms", "BSD-2-Clause"),
    (r"mozilla public license,? version 2\.0", "MPL-2.0"),
    (r"creative commons attribution-noncommercial", "CC-BY-NC-4.0"),
    (r"creative commons attribution 4\.0", "CC-BY-4.0"),
)


def is_plain(path: Path) -> bool:
    """Return whether a path is a file and no link."""
    return path.is_file() and not path.is_symlink()


def read_json(path: Path) -> Any:
    """Return the parsed file, or None where it is missing, too large or no JSON."""
    try:
        if not is_plain(path) or path.stat().st_size > MAX_JSON_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def read_dict(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, or an empty one where there is none."""
    found = read_json(path)
    return found if isinstance(found, dict) else {}


def _read_text(path: Path) -> str:
    try:
        if not is_plain(path):
            return ""
        with path.open("rb") as file:
            return file.read(_MAX_TEXT_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def facts_of_folder(folder: Path) -> ModelFacts:
    """Return what config.json, preprocessor_config.json, tokenizer.json, README and LICENSE of a folder state."""
    config, tokenizer = read_dict(folder / "config.json"), folder / "tokenizer.json"
    pooling, normalize = sentence_parts(folder)
    width = config.get("hidden_size")
    task, is_classifier = _head_of(config)
    return ModelFacts(
        task=task,
        answer_kind="labels" if config.get("problem_type") == "multi_label_classification" else None,
        is_classifier=is_classifier,
        width=width if isinstance(width, int) else None,
        pooling=pooling,
        normalize=normalize,
        preprocess=image_steps(read_json(folder / "preprocessor_config.json")),
        classes=classes_of(config) or characters_of(read_json(folder / "vocab.json")),
        tokenizer=tokenizer if is_plain(tokenizer) else None,
        max_length=_max_length(folder, config),
        license=license_of(folder),
        characters=character_lists(_text_files(folder)),
    )


def _head_of(config: Mapping[str, Any]) -> tuple[Task | None, bool | None]:
    """Return the task that an architecture's name states, and whether its predictions are classes."""
    named = config.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    if name.endswith("ForTokenClassification"):
        return "token-classification", None
    if name.endswith("ForObjectDetection"):
        return "object-detection", None
    if name.endswith("ForSemanticSegmentation"):
        return "image-segmentation", None
    return None, True if name.endswith(("ForSequenceClassification", "ForImageClassification")) else None


def sentence_parts(folder: Path) -> tuple[Literal["mean", "cls"] | None, bool | None]:
    """Return sentence-transformers' pooling and normalization: 1_Pooling/config.json and modules.json."""
    pooling, modules = read_json(folder / "1_Pooling" / "config.json"), modules_of(folder)
    normalize = None if modules is None else any(str(one.get("type", "")).endswith("Normalize") for one in modules)
    if not isinstance(pooling, dict):
        return None, normalize
    return ("cls" if pooling.get("pooling_mode_cls_token") else "mean"), normalize


def modules_of(folder: Path) -> list[dict[str, Any]] | None:
    """Return the parts of a sentence-transformers model; None where its modules.json is missing or no list."""
    modules = read_json(folder / "modules.json")
    return [one for one in modules if isinstance(one, dict)] if isinstance(modules, list) else None


def facts_of_file(path: Path, metadata: Mapping[str, str]) -> ModelFacts:
    """Return the file's own metadata, completed by its folder (and the one above for `onnx/model.onnx`)."""
    facts = ModelFacts(
        task="object-detection" if metadata.get("task") in _FINDERS else None,
        classes=_classes_in(metadata),
        license=_license_in(metadata),
        preprocess=_ultralytics_steps(metadata),
        **_behind(metadata),
    )
    for folder in _folders_of(path):
        facts = facts.or_else(facts_of_folder(folder))
    return facts


def carry(path: Path, target: Path) -> None:
    """Save a model's configuration with the opened one, for the hub's libraries.

    References to code (`auto_map`) are removed, because the code is not saved.
    """
    folders = [path] if path.is_dir() else _folders_of(path)
    for name in CARRIED:
        if config := next((data for folder in folders if (data := read_dict(folder / name))), None):
            kept = {key: value for key, value in config.items() if key not in ("auto_map", "_name_or_path")}
            (target / CARRIED_FOLDER).mkdir(exist_ok=True)
            (target / CARRIED_FOLDER / name).write_text(json.dumps(kept, indent=1, ensure_ascii=False), "utf-8")


def _behind(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return what Ultralytics' exporter places behind the scores: `task`, and for poses `kpt_shape` ("[17, 3]")."""
    if metadata.get("task") == "obb":
        return {"behind": "angle"}
    shape = re.fullmatch(r"\s*[\[(](\d+),\s*([23])[\])]\s*", metadata.get("kpt_shape", ""))
    if metadata.get("task") != "pose" or shape is None:
        return {}
    return {"behind": "points" if shape[2] == "2" else "seen_points", "points": int(shape[1])}


def companions_sha256(path: Path) -> str:
    """Return the digest of everything beside a model that opening it may use.

    These are files with known names and lists of class names or characters; other files (a download, a log) do not
    count. With other such files, the same weights become another opened model. For a file, its folder counts (and the
    one above, as in `facts_of_file`); for a folder, itself and one level below.
    """
    folders = [path, *sorted(_folders_in(path))] if path.is_dir() else _folders_of(path)
    digest = hashlib.sha256()
    for number, folder in enumerate(folders):
        for file in small_files(folder):
            with contextlib.suppress(OSError):
                name = file.relative_to(folder).as_posix()
                lists = [] if name in COMPANIONS else [*_class_lists(file), *character_list(file)]
                text = sha256_file(file) if name in COMPANIONS else json.dumps(lists)
                if text != "[]":
                    digest.update(f"{number}\0{name}\0{text}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def small_files(folder: Path) -> list[Path]:
    """Return the files of a model's folder that may describe it, without links and large files."""
    files = []
    for file in sorted({*_text_files(folder), *(folder / name for name in COMPANIONS)}):
        with contextlib.suppress(OSError):
            if is_plain(file) and file.stat().st_size <= MAX_JSON_BYTES:
                files.append(file)
    return files


def _folders_of(path: Path) -> list[Path]:
    return [path.parent, path.parent.parent] if path.parent.name == ONNX_FOLDER else [path.parent]


def _folders_in(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()][:_MOST_FOLDERS]
    return []


def _text_files(folder: Path) -> list[Path]:
    """Return the files that may hold lists of class names or characters."""
    with contextlib.suppress(OSError):
        return sorted(entry for entry in folder.iterdir() if entry.suffix in (".json", *LIST_SUFFIXES))[:_MOST_LISTS]
    return []


def stored_pipeline(metadata: Mapping[str, str]) -> PipelineSpec | None:
    """Return the pipeline under the key `fettle.pipeline`, which this program writes into its own models."""
    try:
        return parse_pipeline(metadata["fettle.pipeline"])
    except (KeyError, ValidationError):
        return None


def label_lists(folder: Path, count: int) -> tuple[str, ...] | None:
    """Return exactly `count` class names from a JSON or text file in the folder: a list, or one name a line."""
    lists = (names for file in _text_files(folder) for names in _class_lists(file))
    return next((names for names in lists if len(names) == count), None)


def _class_lists(file: Path) -> Iterator[tuple[str, ...]]:
    """Yield possible class names of a file: lists of texts in JSON, or the lines of a suitably named text."""
    if file.suffix == ".txt" and re.search(r"label|class|synset|categor", file.name, re.I):
        yield tuple(line.strip() for line in _read_text(file).splitlines() if line.strip())
    data = read_json(file) if file.suffix == ".json" else None
    for values in (data, *(data.values() if isinstance(data, dict) else ())):
        if isinstance(values, list) and values and all(isinstance(value, str) for value in values):
            yield tuple(values)


def classes_of(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return `id2label` in the order of its numbers, unless its names are only LABEL_0, LABEL_1 and so on."""
    labels = config.get("id2label")
    try:
        names = tuple(str(labels[key]) for key in sorted(labels, key=int)) if isinstance(labels, dict) else ()
    except ValueError:
        return None
    return None if all(re.fullmatch(r"LABEL_\d+", name) for name in names) else names


def characters_of(vocabulary: Any) -> tuple[str, ...] | None:
    """Return the characters of a `vocab.json` in order, as in Wav2Vec2 and other CTC models; None for word pieces."""
    if not isinstance(vocabulary, dict):
        return None
    names = {number: name for name, number in vocabulary.items() if isinstance(number, int)}
    if sorted(names) != list(range(len(vocabulary))):
        return None
    found = tuple(names[number] for number in range(len(names)))
    return found if are_characters(found) else None


def _classes_in(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return class names in ONNX metadata: a JSON or Python-like list or map, or one a line."""
    for key in ("classes", "names", "labels", "class_names", "character"):
        text = metadata.get(key, "")
        if not text:
            continue
        try:
            data = json.loads(text.replace("'", '"'))
        except (ValueError, RecursionError):
            found = re.findall(r"\d+: '([^']*)'", text) or text.splitlines()
            return tuple(found) if len(found) > 1 else None
        if isinstance(data, dict):
            data = list(data.values())
        return tuple(map(str, data)) if isinstance(data, list) else None
    return None


def _ultralytics_steps(metadata: Mapping[str, str]) -> ImageSteps | None:
    """Return the preparation of a model from Ultralytics' exporter (ultralytics/engine/exporter.py).

    It is colors from 0 to 1, and for detectors a letterbox of `imgsz`. YOLO v5's exporter writes only `stride` and
    `names`.
    """
    if not {"stride", "names"} <= metadata.keys():
        return None
    sides = [int(side[:9]) for side in re.findall(r"\d+", metadata.get("imgsz", ""))[:2]]
    size = (sides[0], sides[-1]) if sides and all(0 < side <= MAX_SIDE_PX for side in sides) else None
    if metadata.get("task") == "classify":
        return ImageSteps(resize=min(size), crop=size) if size else None
    return ImageSteps(resize=size or (USUAL_SIDE, USUAL_SIDE), letterbox=True)


def _license_in(metadata: Mapping[str, str]) -> str | None:
    text = next((value for key, value in metadata.items() if key.lower() == "license"), "")
    return (license_in_text(text) or text[:100]) if text else None


def _max_length(folder: Path, config: Mapping[str, Any]) -> int | None:
    stated = (
        read_dict(folder / "sentence_bert_config.json").get("max_seq_length"),
        read_dict(folder / "tokenizer_config.json").get("model_max_length"),
        config.get("max_position_embeddings"),
    )
    # tokenizers without a limit state 1e30
    return min((value for value in stated if isinstance(value, int) and 0 < value <= 1_000_000), default=None)


def image_steps(config: Any) -> ImageSteps | None:
    """Return the steps of transformers' image processors (and timm's, which have the same meaning)."""
    if not isinstance(config, dict) or not any(key in config for key in ("image_mean", "size", "do_resize")):
        return None
    size = _hf_size(config.get("size")) if config.get("do_resize", True) else None
    crop = _hf_size(config.get("crop_size")) if config.get("do_center_crop", False) else None
    normalize, rescale = config.get("do_normalize", True), config.get("do_rescale", True)
    with contextlib.suppress(ValidationError, TypeError):
        return checked(
            ImageSteps(
                resize=size,
                crop=(crop, crop) if isinstance(crop, int) else crop,
                interpolation=_RESAMPLE.get(config.get("resample", 2), "bilinear"),
                mean=tuple(config.get("image_mean", (0.5,) * 3)) if normalize else (0.0,),
                std=tuple(config.get("image_std", (0.5,) * 3)) if normalize else (1.0,),
                range="0..1" if rescale else "0..255",
            )
        )
    return None


def _hf_size(value: Any) -> int | tuple[int, int] | None:
    """Return 224 → both sides (transformers' default), {shortest_edge} → an int, {height, width} → both."""
    sizes = value if isinstance(value, dict) else {"height": value, "width": value}
    match sizes:
        case {"shortest_edge": int(side)}:
            return side
        case {"height": int(height), "width": int(width)}:
            return height, width
    return None


def license_of(folder: Path) -> str | None:
    """Return `license:` in the front matter of README.md, else the name of a LICENSE file's text."""
    front = re.match(r"---\r?\n(.*?)\r?\n---\r?\n", _read_text(folder / "README.md"), re.S)
    # aliases can make a small YAML text explode
    if front and "*" not in front[1] and "&" not in front[1]:
        with contextlib.suppress(yaml.YAMLError, ValueError, RecursionError):
            data = yaml.safe_load(front[1])
            name = data.get("license") if isinstance(data, dict) else None
            if isinstance(name, str) and name:
                return next((spdx for _, spdx in _LICENSES if spdx.lower() == name.lower()), name[:100])
    return next((found for name in LICENSE_FILES if (found := license_in_text(_read_text(folder / name)))), None)


def license_in_text(text: str) -> str | None:
    """Return the SPDX name of a well-known license text."""
    lowered = text.lower()
    return next((spdx for pattern, spdx in _LICENSES if re.search(pattern, lowered, re.S)), None)
