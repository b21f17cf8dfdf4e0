"""How the program opens a person's files other than models: one door for each family of files."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from workers.contracts.bundles import VerifyParams
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.pipeline import parse_pipeline, write_pipeline
from workers.contracts.process.context import JobContext
from workers.pipeline.spec import (
    ArraySteps,
    AudioSteps,
    BoxesSteps,
    ImageSteps,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    TextSteps,
)

Door = Callable[[str, bytes], None]
"""Opens a file of this name and content."""


TASKS = {
    "image": "image-classification", "array": "array-classification", "audio": "audio-frames",
    "input_ids": "text-classification",
}  # fmt: skip


def _spec(
    source: str, shape: tuple[int | None, ...], steps: object, dtype: str = "float32", **more: object
) -> PipelineSpec:
    usual = {"task": TASKS[source], "answer_kind": "class"}
    return PipelineSpec(
        inputs=(PipelineInput(name="x", dtype=dtype, shape=shape, source=source),),
        outputs=(PipelineOutput(name="y", dtype="float32", shape=(None, 3), answer=True),),
        preprocess=steps,
        **{**usual, **more},
    )


SPECS = {
    "pictures": _spec("image", (None, 3, 64, 64), ImageSteps(resize=64, crop=64), classes=("dog", "cat", "bird")),
    "boxes": _spec(
        "image", (None, 3, 64, 64), ImageSteps(resize=(64, 64), letterbox=True), classes=("dog", "cat"),
        task="object-detection", answer_kind="detection", postprocess=BoxesSteps(form="end_to_end", boxes="y"),
    ),
    "numbers": _spec("array", (None, 4), ArraySteps()),
    "sounds": _spec("audio", (None, 160), AudioSteps(sample_rate_hz=16_000, frame_samples=160)),
    "texts": _spec("input_ids", (None, None), TextSteps(), "int64", classes=("negative", "positive")),
}  # fmt: skip


DESCRIBED = {
    "pictures.json": "picture/color.png", "boxes.json": "picture/a.jpg", "numbers.json": "arrays/plain.npz",
    "sounds.json": "WAV/16.wav", "texts.json": "table/utf-8.csv",
}  # fmt: skip
"""Descriptions, and the data that they are tried with."""


class Doors:
    """The doors of one job; `sound` holds the valid files by ``family/file``. All they write lies below `folder`."""

    def __init__(self, folder: Path, sound: Mapping[str, bytes], ctx: JobContext) -> None:
        self._folder, self._sound, self._ctx = folder, sound, ctx
        self._models = {name: folder / f"model {name}" for name in SPECS}
        for name, model in self._models.items():
            model.mkdir(parents=True)
            write_pipeline(model, SPECS[name])
        (self._models["texts"] / "tokenizer.json").write_bytes(sound["folder/tokenizer.json"])

    def of(self, family: str) -> Door:
        """The door for files of `family`."""
        data = {"WAV": "sounds", "recordings": "sounds", "picture": "pictures", "arrays": "numbers", "table": "texts"}
        if family in data:
            return lambda name, content: self._data(data[family], self._placed(name, content))
        doors: dict[str, Door] = {
            "array": self._feeds, "truth": self._truth, "log": self._log, "bundle": self._bundle, "GGUF": self._model,
            "folder": self._beside, "description": self._described,
        }  # fmt: skip
        return doors[family]

    def _placed(self, name: str, content: bytes) -> Path:
        """The file, alone in a fresh folder."""
        inside = self._folder / "opened"
        for used in (inside, self._ctx.work_dir / "data", self._ctx.work_dir / "unpacked"):
            shutil.rmtree(used, ignore_errors=True)
        inside.mkdir()
        (inside / name).write_bytes(content)
        return inside / name

    def _data(self, model: str, path: Path) -> None:
        from workers.evaluate.data.build import build_data

        build_data(DataParams(model_dir=str(self._models[model]), path=str(path)), self._ctx)

    def _feeds(self, name: str, content: bytes) -> None:
        from workers.pipeline.pipeline import load_pipeline

        load_pipeline(self._models["numbers"]).feeds_from(self._placed(name, content))

    def _truth(self, name: str, content: bytes) -> None:
        path = self._placed(name, content)
        for number in range(3):
            (path.parent / f"{number}.png").write_bytes(self._sound["picture/gray.png"])
        if name == "data.yaml":
            (path.parent / "0.txt").write_bytes(self._sound["truth/0.txt"])
        self._data("pictures" if name == "labels.csv" else "boxes", path.parent)

    def _described(self, name: str, content: bytes) -> None:
        """A stranger's pipeline.json, as bundles and ONNX files bring it, and data that fitted the sound one."""
        from workers.pipeline.spec import PipelineError

        path = self._placed("pipeline.json", content)
        try:
            spec = parse_pipeline(content)
        except ValueError as error:
            raise PipelineError("It is no description.") from error
        write_pipeline(path.parent, spec)
        (path.parent / "tokenizer.json").write_bytes(self._sound["folder/tokenizer.json"])
        data = path.parent / Path(DESCRIBED[name]).name
        data.write_bytes(self._sound[DESCRIBED[name]])
        self._models["described"] = path.parent
        self._data("described", data)

    def _log(self, name: str, content: bytes) -> None:
        from workers.monitor.report import report_log

        json.dumps(report_log(self._placed(name, content)), allow_nan=False)

    def _bundle(self, name: str, content: bytes) -> None:
        from workers.export.verify import verify
        from workers.registry import targets

        verify(VerifyParams(bundle=str(self._placed(name, content))), self._ctx, targets())

    def _model(self, name: str, content: bytes) -> None:
        from workers.model_io.opening import inspect_model

        inspect_model(OpenParams(path=str(self._placed(name, content))), self._ctx)

    def _beside(self, name: str, content: bytes) -> None:
        """A folder of the transformers library of which one file is another's."""
        from workers.model_io.opening import inspect_model

        path = self._placed(name, content)
        for place, sound in self._sound.items():
            if place.startswith("folder/") and place != f"folder/{name}":
                (path.parent / Path(place).name).write_bytes(sound)
        inspect_model(OpenParams(path=str(path.parent)), self._ctx)
