"""Boxes of pictures in common formats: COCO, YOLO, Pascal VOC; classes by name, damage and bombs refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from workers.contracts.specs import Finding
from workers.evaluate.data.base import Entry, Options, file_digest
from workers.evaluate.data.readers.pictures import READER
from workers.evaluate.data.truths.boxes import with_boxes
from workers.evaluate.data.truths.coco import boxes_beside
from workers.evaluate.data.truths.yolo import MAX_BYTES
from workers.pipeline.spec import ImageSteps, PipelineSpec

SPEC = PipelineSpec(
    task="object-detection", inputs=(), outputs=(), preprocess=ImageSteps(resize=(32, 32), letterbox=True),
    answer_kind="detection", classes=("dog", "cat", "traffic light"),
)  # fmt: skip
BOX = (0.1, 0.2, 0.5, 0.4)


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (200, 100)).save(path)
    return path


def entry(path: Path, root: Path) -> Entry:
    return Entry(path.relative_to(root).as_posix(), lambda: path, lambda: file_digest(path))


def read(root: Path, spec: PipelineSpec = SPEC) -> tuple[dict[str, Any], list[Finding]]:
    entries, findings = with_boxes([entry(p, root) for p in sorted(root.rglob("*.png"))], root, spec)
    return {Path(one.source).name: one.boxes for one in entries}, list(findings)


def close(found: Any) -> Any:
    return [(tuple(round(edge, 6) for edge in box[:4]), box[4]) for box in found]


def yolo(kind: int, x: float = BOX[0], y: float = BOX[1]) -> str:
    return f"{kind} {x + BOX[2] / 2} {y + BOX[3] / 2} {BOX[2]} {BOX[3]}\n"


@pytest.mark.parametrize("layout", ["images and labels", "same folder", "chosen images"])
def test_yolo_labels_are_found_in_usual_folders(tmp_path: Path, layout: str) -> None:
    """Given YOLO's text files in each usual place, Then boxes are shares, an empty file is a picture of nothing, and a
    picture without a file has no labels."""
    if layout == "same folder":
        pictures = labels = tmp_path
    else:
        pictures, labels = tmp_path / "images" / "val", tmp_path / "labels" / "val"
        labels.mkdir(parents=True)
    for name in "abc":
        picture(pictures / f"{name}.png")
    (labels / "a.txt").write_text(yolo(0) + "nonsense\n1 2 3\n7.5 .5 .5 .1 .1\n" + yolo(1), encoding="utf-8")
    (labels / "b.txt").write_text("", encoding="utf-8")
    (tmp_path / "data.yaml").write_text("names: [Cat, dog]\nnc: 2\n", encoding="utf-8")
    root = tmp_path / "images" if layout == "chosen images" else tmp_path
    found, (report,) = read(root)
    assert close(found["a.png"]) == [(BOX, 1), (BOX, 0)] and found["b.png"] == () and found["c.png"] is None
    assert report.what == "Boxes come from YOLO labels, for 2 of 3 pictures."


def test_yolo_polygons_become_bounding_boxes(tmp_path: Path) -> None:
    """Given the outline of a thing, Then its frame is the box; classes by a list of one name a line, or by number."""
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("0 .1 .2 .6 .3 .4 .6\n", encoding="utf-8")
    assert close(read(tmp_path)[0]["a.png"]) == [(BOX, 0)]
    (tmp_path / "classes.txt").write_text("traffic_light\n", encoding="utf-8")
    assert close(read(tmp_path)[0]["a.png"]) == [(BOX, 2)]


def voc(*things: str, head: str = "", size: str = "<size><width>200</width><height>100</height></size>") -> str:
    return f"<?xml version='1.0'?>{head}<annotation>{size}{''.join(things)}</annotation>"


def thing(name: str = "cat", edges: tuple[Any, ...] = (21, 21, 120, 60)) -> str:
    tags = "".join(f"<{tag}>{v}</{tag}>" for tag, v in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True))
    return f"<object><name>{name}</name><bndbox>{tags}</bndbox></object>"


@pytest.mark.parametrize("folder", ["Annotations", "."])
def test_pascal_voc_boxes_become_shares(tmp_path: Path, folder: str) -> None:
    """Given XML in its folder or next to the picture, Then pixels counted from 1 become shares; damaged objects are left out."""
    picture(tmp_path / ("JPEGImages" if folder != "." else "") / "a.png")
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    (place / "a.xml").write_text(voc(thing(), thing(edges=(9, 9, 2, 2)), thing(edges=("x", 1, 2, 2))), encoding="utf-8")
    found, (report,) = read(tmp_path)
    assert close(found["a.png"]) == [(BOX, 1)]
    assert report.what == "Boxes come from Pascal VOC labels, for 1 of 1 pictures."


BOMB = "<!DOCTYPE b [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + i)} '{f'&{chr(97 + i)};' * 10}'>" for i in range(8)
) + "]>"  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        voc(thing("&i;"), head=BOMB),
        voc(thing("&x;"), head="<!DOCTYPE b [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"),
        voc(thing(), size=""),
        "<annotation>",
        "<other/>",
        "",
    ],
)
def test_xml_bombs_and_other_xml_are_no_labels(tmp_path: Path, content: str) -> None:
    """Given XML that declares entities, lacks a size, or is something else, Then the picture has no labels."""
    picture(tmp_path / "a.png")
    (tmp_path / "a.xml").write_text(content, encoding="utf-8")
    assert read(tmp_path) == ({"a.png": None}, [])


def test_classes_that_the_model_does_not_know_are_named(tmp_path: Path) -> None:
    """Given one known class and one unknown, Then the known stays and the other is named; none known is no label."""
    picture(tmp_path / "a.png")
    (tmp_path / "a.xml").write_text(voc(thing(), thing("zebra")), encoding="utf-8")
    found, (_, report) = read(tmp_path)
    assert close(found["a.png"]) == [(BOX, 1)]
    assert (report.level, "“zebra”" in report.what) == ("warning", True)
    (tmp_path / "a.xml").write_text(voc(thing("zebra")), encoding="utf-8")
    found, (report,) = read(tmp_path)
    assert found["a.png"] is None and "zebra" in report.what


COCO: dict[str, list[Any]] = {
    "images": [{"id": 1, "file_name": "a.png", "width": 200, "height": 100}, {"id": 3}],
    "annotations": [{"image_id": 1, "category_id": 5, "bbox": [20, 20, 100, 40]}],
    "categories": [{"id": 5, "name": "Cat"}],
}
DAMAGED = [
    {"images": [{"id": [1], "file_name": "a.png", "width": 200, "height": 100}]},
    {"images": [{"id": {}, "file_name": "a.png", "width": [200], "height": "wide"}]},
    {"images": [{"id": 2, "file_name": "b.png", "width": 10**400, "height": -1}]},
    {"annotations": [{"image_id": [1], "category_id": 5, "bbox": [20, 20, 100, 40]}]},
    {"annotations": [{"image_id": 1, "category_id": {}, "bbox": [20, 20, 100, 40]}]},
    {"annotations": [{"image_id": 1, "category_id": 5, "bbox": [10**400, 20, 100, float("inf")]}]},
    {"annotations": [{"image_id": 1, "category_id": 99, "bbox": [0, 0, 1, 1]}, {"image_id": 1, "category_id": 5, "bbox": "all"}]},
    {"annotations": [{"image_id": 9, "category_id": 5, "bbox": [0, 0, 1, 1]}]},
    {"categories": [{"id": [5], "name": "cat"}, {"id": None}, 7]},
]  # fmt: skip


@pytest.mark.parametrize("damaged", [{}, *DAMAGED])
def test_coco_boxes_are_read_without_damaged_entries(tmp_path: Path, damaged: dict[str, list[Any]]) -> None:
    """Given COCO's file, other labels and entries whose ids, sides or boxes are unusable, Then the good ones are read,
    and a picture without a box has none."""
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text(yolo(0), encoding="utf-8")
    (tmp_path / "about.json").write_text("[1, 2]", encoding="utf-8")
    mixed = {name: [*damaged.get(name, []), *rows] for name, rows in COCO.items()}
    mixed["images"].append({"id": 7, "file_name": "c.png", "width": 10, "height": 10})
    picture(tmp_path / "c.png")
    (tmp_path / "instances.json").write_text(json.dumps(mixed), encoding="utf-8")
    found, (report,) = read(tmp_path)
    assert close(found["a.png"]) == [(BOX, 1)] and found["c.png"] == () and "instances.json" in report.what


def test_coco_boxes_of_cropped_pictures_are_not_used(tmp_path: Path) -> None:
    """Given a model that crops pictures, Then COCO's boxes, which have another frame, are not used."""
    (tmp_path / "instances.json").write_text(json.dumps(COCO), encoding="utf-8")
    assert boxes_beside(tmp_path, replace(SPEC, preprocess=ImageSteps(resize=64, crop=32))) == ({}, ())


@pytest.mark.parametrize("content", ["", "{", '{"images": 1}', "[" * 5000])
def test_other_json_files_are_no_boxes(tmp_path: Path, content: str) -> None:
    """Given any other JSON, or none, Then there are no boxes and no error."""
    (tmp_path / "notes.json").write_text(content, encoding="utf-8")
    assert boxes_beside(tmp_path, SPEC) == ({}, ())


def test_folder_names_of_a_labelled_set_are_no_classes(tmp_path: Path) -> None:
    """Given YOLO's folders, Then "images" is no label of the pictures in it, and no finding reports it."""
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text(yolo(0), encoding="utf-8")
    found = READER.read(tmp_path, Options(SPEC))
    assert [(one.labels, one.boxes is not None) for one in found.entries] == [((), True)]
    assert [finding.what for finding in found.findings] == ["Boxes come from YOLO labels, for 1 of 1 pictures."]


def test_unreadable_label_file_leaves_picture_unlabelled(tmp_path: Path) -> None:
    """Given labels that may not be read, or are far too large, Then their pictures have no labels, which differs from labels
    without an object."""
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text(yolo(0) + " " * MAX_BYTES, encoding="utf-8")
    assert read(tmp_path) == ({"a.png": None}, [])


def test_folder_of_pictures_alone_gets_a_hint(tmp_path: Path) -> None:
    """Given that only the folder of pictures was chosen, Then a warning names the folder above."""
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    found, (report,) = read(tmp_path / "images")
    assert found == {"a.png": None} and report.level == "warning"
    assert report.what.startswith("The folder “labels” lies beside the pictures: choose the folder above both")
