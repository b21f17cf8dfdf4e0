"""Small valid files other than models that a person brings: data, logs, bundles, folders, GGUF; by name, as bytes.

A name is ``family/file``. Run as a program it writes them all into the folder that is named.
"""

import io
import json
import struct
import sys
import tempfile
import wave
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from workers.contracts.pipeline import pipeline_document


def sound_data() -> Iterator[tuple[str, bytes]]:
    """All of them. Needs the helpers of tests/workers; not for the window's process."""
    yield from _sounds()
    yield from _pictures()
    yield from _arrays()
    yield from _tables()
    yield from _truths()
    yield from _descriptions()
    with tempfile.TemporaryDirectory() as folder:
        yield from _log(Path(folder))
        yield from _bundle(Path(folder))
        yield from _language_model(Path(folder))


def _sounds() -> Iterator[tuple[str, bytes]]:
    for bits, channels in ((8, 1), (16, 2), (24, 1), (32, 1)):
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(channels)
            out.setsampwidth(bits // 8)
            out.setframerate(11_025)
            out.writeframes(np.random.default_rng(bits).integers(0, 256, bits * 200, np.uint8).tobytes())
        yield f"WAV/{bits}.wav", file.getvalue()


def _pictures() -> Iterator[tuple[str, bytes]]:
    from PIL import Image

    rng = np.random.default_rng(0)
    color = Image.fromarray(rng.integers(0, 256, (24, 31, 4), np.uint8), "RGBA")
    wide = Image.fromarray(rng.integers(0, 65536, (24, 31)).astype(np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    made = {
        "color.png": color, "wide.png": wide, "palette.png": color.convert("P"), "gray.png": color.convert("L"),
        "a.jpg": color.convert("RGB"), "a.gif": color.convert("P"), "a.tif": color, "wide.tif": wide, "a.bmp": color,
        "a.webp": color, "a.ico": color, "a.ppm": color.convert("RGB"), "a.tga": color, "a.pcx": color.convert("P"),
        "a.jp2": color, "a.avif": color.convert("RGB"),
    }  # fmt: skip
    for name, picture in made.items():
        file = io.BytesIO()
        form = {"tif": "TIFF", "jpg": "JPEG", "jp2": "JPEG2000"}.get(name.split(".")[1], name.split(".")[1].upper())
        picture.save(file, form, **({"exif": exif} if form in ("JPEG", "TIFF", "WEBP") else {}))
        yield f"picture/{name}", file.getvalue()


def _arrays() -> Iterator[tuple[str, bytes]]:
    rng = np.random.default_rng(1)
    x, label = rng.standard_normal((20, 4)).astype(np.float32), rng.integers(0, 3, 20)
    for name, save in (("plain.npz", np.savez), ("packed.npz", np.savez_compressed)):
        file = io.BytesIO()
        save(file, x=x, label=label, names=np.array(["a", "b", "c"]))
        yield f"arrays/{name}", file.getvalue()
    recordings = io.BytesIO()
    np.savez(recordings, audio=np.zeros(4000, np.int16), lengths=np.array([1000, 3000]), sr=np.array(16_000))
    yield "recordings/a.npz", recordings.getvalue()
    one = io.BytesIO()
    np.save(one, x[:1])
    yield "array/one.npy", one.getvalue()


def _tables() -> Iterator[tuple[str, bytes]]:
    rows = [("text", "label"), *((f'good "film" number {n}', ("negative", "positive")[n % 2]) for n in range(12))]
    for separator, encoding in ((",", "utf-8"), (";", "utf-16"), ("\t", "cp1252")):
        text = "\r\n".join(separator.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows)
        yield f"table/{encoding}.csv", text.encode(encoding)
    lines = [{"text": text, "label": label, "more": [1, {"a": None}]} for text, label in rows[1:]]
    yield "table/a.jsonl", "\n".join(map(json.dumps, lines)).encode()


def _truths() -> Iterator[tuple[str, bytes]]:
    facts = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 40, "height": 30} for n in range(3)],
        "annotations": [{"image_id": n, "category_id": 1, "bbox": [1, 2, 10, 12]} for n in range(3)],
        "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}],
    }
    yield "truth/instances.json", json.dumps(facts).encode()
    yield "truth/0.txt", b"0 0.5 0.5 0.25 0.25\n1 .1 .1 .2 .1 .2 .3 .1 .3\n"
    yield "truth/data.yaml", b"names:\n  0: dog\n  1: cat\nnc: 2\npath: ../x\n"
    box = "<bndbox><xmin>3</xmin><ymin>4</ymin><xmax>20</xmax><ymax>22</ymax></bndbox>"
    size = "<size><width>40</width><height>30</height></size>"
    yield "truth/0.xml", f"<annotation>{size}<object><name>dog</name>{box}</object></annotation>".encode()
    yield "truth/labels.csv", b"file,label\n0.png,dog\n1.png,cat\n2.png,dog|cat\n"


def _descriptions() -> Iterator[tuple[str, bytes]]:
    from fettle_hostile_handlers._doors import SPECS

    for name, spec in SPECS.items():
        yield f"description/{name}.json", json.dumps(pipeline_document(spec)).encode()


def _log(folder: Path) -> Iterator[tuple[str, bytes]]:
    from made_traffic import reference_from, sample

    from workers.monitor.writing import CURRENT, Log

    known = sample()
    bundle = folder / "logged"
    (bundle / "monitor").mkdir(parents=True)
    (bundle / "manifest.json").write_text(json.dumps({"title": "Clothes", "run_id": "abc"}))
    (bundle / "pipeline.json").write_text(json.dumps({"preprocess": {"kind": "image"}}))
    reference = reference_from(known.pool(known.pictures[:60], known.kinds[:60]))
    (bundle / "monitor" / "reference.json").write_text(json.dumps(reference.to_json()))
    feeds, logits = known.logits(known.pictures[:80])
    log = Log(folder / "log", bundle)
    for number in range(80):
        answer = logits[number : number + 1]
        log.request(known.pipeline, {"picture": feeds[number : number + 1]}, lambda answer=answer: answer, 0.004)
    log.close()
    yield "log/a.jsonl", (folder / "log" / CURRENT).read_bytes()


def _bundle(folder: Path) -> Iterator[tuple[str, bytes]]:
    import onnx
    from recording import RecordingContext
    from served_bundles import export_params
    from small_models import KINDS

    from workers.contracts.folder import read_model, write_model
    from workers.contracts.pipeline import write_pipeline
    from workers.export.python_folder import Contents, fill
    from workers.export.service.target import COMMANDS, NEEDS, server_files, serving
    from workers.measure.opening import find_runtime
    from workers.pipeline.prepared import write_prepared

    model, kind = folder / "model", KINDS["cnn"]
    model.mkdir()
    onnx.save_model(kind.build(), str(model / "model.onnx"))
    write_pipeline(model, kind.spec)
    (model / "info.json").write_text("{}", encoding="utf-8")
    write_model(model, "model.onnx", ["model.onnx"])
    rng = np.random.default_rng(7)
    for split in ("test", "calibration"):
        write_prepared(folder / "data" / split, [kind.item(rng) for _ in range(6)])
    small = SimpleNamespace(folder=model, data=folder / "data", model=read_model(model))
    params, written = export_params(small), folder / "bundle"
    written.mkdir()
    contents = Contents(COMMANDS, server_files(), NEEDS, {"serving": serving(params)})
    fill(written, params, find_runtime(params.runtime), RecordingContext(folder / "work"), contents)
    yield "bundle/a.zip", zipped(written)


def zipped(folder: Path) -> bytes:
    """The folder's files as a zip, sorted and without dates."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())
    return file.getvalue()


def _language_model(folder: Path) -> Iterator[tuple[str, bytes]]:
    from gguf_files import write_gguf
    from tiny_llama import write_tiny_llama

    write_tiny_llama(folder / "llama", layers=1, dtype="float32")
    for kind in ("F32", "Q8_0"):
        write_gguf(folder / "llama", folder / f"{kind}.gguf", kind)
        yield f"GGUF/{kind}.gguf", (folder / f"{kind}.gguf").read_bytes()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        yield f"folder/{name}", (folder / "llama" / name).read_bytes()
    yield "folder/README.md", b"---\nlicense: mit\ntags: [a]\nlanguage:\n- en\n---\n# A model\n| a | b |\n|---|---|\n"
    # its weights are no longer than they must be: 8 bytes of length, a header, one tensor
    header = json.dumps({"model.norm.weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    yield "folder/model.safetensors", struct.pack("<Q", len(header)) + header + bytes(8)


if __name__ == "__main__":
    for place, data in sound_data():
        path = Path(sys.argv[1]) / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
