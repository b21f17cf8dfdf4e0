"""Find the engine that runs a model here: built ahead next to the model, cached, or built now and cached.

`tensorrt.json` next to `model.onnx` lists the ranges of free sizes, the build options, and the engines.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .base import NotRunnable
from .cuda_driver import Place
from .tensorrt_build import BuildRequest, Built, Profile, Tick, build, make_logger
from .tensorrt_editions import Edition
from .words import Words

FILE = "tensorrt.json"
CACHE_VARIABLE = "FETTLE_ENGINE_CACHE"
ENGINE, TIMING, COMPILED = "engine.plan", "timing.cache", "compiled.cache"
READ_BYTES = 1 << 20


@dataclass(frozen=True)
class OpenedEngine:
    """A deserialized engine with its library.

    `compiled` is the path of the runtime cache; None means that there is none. `origin` is a sentence about
    where the engine came from.
    """

    trt: Any
    edition: Edition
    engine: Any
    runtime: Any
    logger: Any
    compiled: Path | None
    origin: str


def describe_file(model: Path) -> dict[str, Any]:
    """Return the content of `tensorrt.json` next to the model; {} where there is none.

    Raises:
        NotRunnable: the file is damaged.
    """
    file = model.parent / FILE
    if not file.is_file():
        return {}
    try:
        described = json.loads(file.read_text(encoding="utf-8"))
        profile_of(described)
        list(described.get("engines", []))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotRunnable(Words("{0} next to the model is damaged", FILE)) from error
    return dict(described)


def profile_of(described: Mapping[str, Any]) -> Profile:
    """Return the ranges of free sizes."""
    shapes = {}
    for name, (least, usual, most) in dict(described.get("profile", {})).items():
        shapes[str(name)] = (tuple(map(int, least)), tuple(map(int, usual)), tuple(map(int, most)))
    return shapes


def build_request(described: Mapping[str, Any]) -> BuildRequest:
    """Return the build options for the card of this computer."""
    workspace = described.get("workspace_bytes")
    return BuildRequest(
        profile=profile_of(described),
        workspace_bytes=None if workspace is None else int(workspace),
        weight_streaming=bool(described.get("weight_streaming")),
        sparse=bool(described.get("sparse")),
    )


def build_facts(model: Path, described: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that an engine depends on besides edition, card and driver; they are part of its cache key."""
    facts = {name: value for name, value in described.items() if name != "engines"}
    return {"model": sha256(model), **facts}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a model file and the weight files next to it."""
    digest = hashlib.sha256()
    for one in sorted({path, *path.parent.glob(path.name + "*data")}):
        with one.open("rb") as read:
            while piece := read.read(READ_BYTES):
                digest.update(piece)
    return digest.hexdigest()


def cache_folder(given: str | None) -> Path | None:
    """Return the folder of cached engines: the given one, else that of the variable; None means no cache."""
    named = given or os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else None


def open_engine(model: Path, edition: Edition, trt: Any, place: Place, cache: Path | None, tick: Tick) -> OpenedEngine:
    """Return the engine for the card of this computer.

    Raises:
        NotRunnable: no engine fits and none can be built.
    """
    described = describe_file(model)
    logger = make_logger(trt)
    runtime = trt.Runtime(logger)
    folder = None
    if cache is not None:
        folder = cache / edition.key(build_facts(model, described), str(trt.__version__), place)
    compiled = folder / COMPILED if folder is not None else None
    why: list[str] = []
    for file, report in _engine_files(model, described, edition, folder):
        engine, reason = _try(trt, edition, runtime, logger, file)
        if engine is not None:
            return OpenedEngine(trt, edition, engine, runtime, logger, compiled, report)
        why.append(f"{file.name}: {reason}")
    request = replace(build_request(described), timing=read_cached(folder and folder / TIMING))
    made = build(edition, trt, model, request, place, tick)
    engine = runtime.deserialize_cuda_engine(made.engine)
    if engine is None:
        raise NotRunnable(Words("the engine was built and does not open: {0}", _last(logger)))
    save_engine(folder, made)
    report = f"The engine was built here in {made.seconds:.1f} s" + (f" ({'; '.join(why)})" if why else "")
    return OpenedEngine(trt, edition, engine, runtime, logger, compiled, report)


def _engine_files(
    model: Path, described: Mapping[str, Any], edition: Edition, folder: Path | None
) -> list[tuple[Path, str]]:
    """Return engine files that may fit and a sentence about each; those that were built ahead come first."""
    usable = []
    for row in described.get("engines", []):
        file = model.parent / Path(str(row["file"])).name
        if row.get("edition") == edition.id and file.is_file():
            usable.append((file, "The engine was built ahead"))
    if folder is not None and (folder / ENGINE).is_file():
        usable.append((folder / ENGINE, "The engine was kept from an earlier start"))
    return usable


def _try(trt: Any, edition: Edition, runtime: Any, logger: Any, file: Path) -> tuple[Any, str]:
    """Return (engine, "") or (None, the reason why it cannot be used)."""
    data = file.read_bytes()
    reason = edition.refusal(trt, runtime, data)
    if reason:
        return None, reason
    engine = runtime.deserialize_cuda_engine(data)
    return engine, "" if engine is not None else _last(logger)


def read_cached(file: Path | None) -> bytes:
    """Return the content of a cache file, empty where there is none."""
    return file.read_bytes() if file is not None and file.is_file() else b""


def _last(logger: Any) -> str:
    return " ".join(str(logger.errors[-1]).split())[:200] if logger.errors else "no reason was given"


def save_engine(folder: Path | None, made: Built) -> None:
    """Save the engine and its timings for the next start; a full disk only means that the next start builds again."""
    if folder is None:
        return
    with contextlib.suppress(OSError):
        write(folder / ENGINE, made.engine)
        if made.timing:
            write(folder / TIMING, made.timing)


def write(file: Path, data: bytes) -> None:
    """Write a file atomically and readable for its owner only, because an engine is code."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = file.with_name(f".{uuid.uuid4().hex[:12]}.part")
    try:
        partial.touch(mode=0o600)
        partial.write_bytes(data)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
