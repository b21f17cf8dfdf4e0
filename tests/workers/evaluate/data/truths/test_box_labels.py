"""Boxes beside pictures in the field's formats: COCO, YOLO, Pascal VOC; classes by name, damage and bombs refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from workers.contracts.specs import Finding
from workers.evaluate.data.base import Entry, Options, file_digest
from workers.evaluate.data.readers.pictures import READER
from workers.evaluate.data.truths.boxes import with_boxes
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


@pytest.mark.parametrize("layout", ["images and labels", "beside", "chosen images"])
def test_yolo_in_its_usual_folders(tmp_path: Path, layout: str) -> None:
    """Given YOLO's text files in each usual place, Then boxes are shares, an empty file is a picture of nothing, and a
    picture without a file has no labels."""
    if layout == "beside":
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


def test_yolo_polygons_become_their_frames(tmp_path: Path) -> None:
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
def test_pascal_voc(tmp_path: Path, folder: str) -> None:
    """Given XML in its folder or beside the picture, Then pixels counted from 1 become shares; damaged things go."""
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
def test_bombs_and_other_xml_are_no_labels(tmp_path: Path, content: str) -> None:
    """Given XML that declares entities, lacks a size, or is something else, Then the picture has no labels."""
    picture(tmp_path / "a.png")
    (tmp_path / "a.xml").write_text(content, encoding="utf-8")
    assert read(tmp_path) == ({"a.png": None}, [])


def test_classes_that_the_model_does_not_know_are_told(tmp_path: Path) -> None:
    """Given one known class and one unknown, Then the known stays and the other is named; none known is no label."""
    picture(tmp_path / "a.png")
    (tmp_path / "a.xml").write_text(voc(thing(), thing("zebra")), encoding="utf-8")
    found, (_, report) = read(tmp_path)
    assert close(found["a.png"]) == [(BOX, 1)]
    assert (
        report.level == "warning"
        and report.what == "The model does not know “zebra”: boxes of these classes are left out."
    )
    (tmp_path / "a.xml").write_text(voc(thing("zebra")), encoding="utf-8")
    found, (report,) = read(tmp_path)
    assert found["a.png"] is None and "zebra" in report.what


def test_coco_goes_first(tmp_path: Path) -> None:
    """Given COCO's file beside others, Then it is taken."""
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text(yolo(0), encoding="utf-8")
    facts = {
        "images": [{"id": 1, "file_name": "a.png", "width": 200, "height": 100}],
        "annotations": [{"image_id": 1, "category_id": 5, "bbox": [20, 20, 100, 40]}],
        "categories": [{"id": 5, "name": "cat"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(facts), encoding="utf-8")
    assert close(read(tmp_path)[0]["a.png"]) == [(BOX, 1)]


WRONG = [
    {"images": [{"id": [1], "file_name": "a.png", "width": 200, "height": 100}]},
    {"images": [{"id": {}, "file_name": "a.png", "width": [200], "height": "wide"}]},
    {"images": [{"id": 2, "file_name": "b.png", "width": 10**400, "height": -1}]},
    {"annotations": [{"image_id": [1], "category_id": 5, "bbox": [20, 20, 100, 40]}]},
    {"annotations": [{"image_id": 1, "category_id": {}, "bbox": [20, 20, 100, 40]}]},
    {"annotations": [{"image_id": 1, "category_id": 5, "bbox": [10**400, 20, 100, float("inf")]}]},
    {"categories": [{"id": [5], "name": "cat"}, {"id": None}, 7]},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_coco_entries_of_other_types_are_left_out(tmp_path: Path, wrong: dict[str, list[Any]]) -> None:
    """Given entries beside good ones whose ids, sides or boxes are lists, texts or too large, Then only they are left out."""
    picture(tmp_path / "a.png")
    facts = {
        "images": [{"id": 1, "file_name": "a.png", "width": 200, "height": 100}],
        "annotations": [{"image_id": 1, "category_id": 5, "bbox": [20, 20, 100, 40]}],
        "categories": [{"id": 5, "name": "cat"}],
    }
    mixed = {name: [*wrong.get(name, []), *rows] for name, rows in facts.items()}
    (tmp_path / "instances.json").write_text(json.dumps(mixed), encoding="utf-8")
    assert close(read(tmp_path)[0]["a.png"]) == [(BOX, 1)]


def test_folders_of_a_labelled_set_are_no_classes(tmp_path: Path) -> None:
    """Given YOLO's folders, Then "images" is no label of the pictures in it, and nothing says so."""
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text(yolo(0), encoding="utf-8")
    found = READER.read(tmp_path, Options(SPEC))
    assert [(one.labels, one.boxes is not None) for one in found.entries] == [((), True)]
    assert [finding.what for finding in found.findings] == ["Boxes come from YOLO labels, for 1 of 1 pictures."]


def test_a_file_that_cannot_be_read_is_no_picture_of_nothing(tmp_path: Path) -> None:
    """Given labels that may not be read, or are far too large, Then their pictures have no labels: nothing would be
    another claim than nothing is known."""
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text(yolo(0) + " " * MAX_BYTES, encoding="utf-8")
    assert read(tmp_path) == ({"a.png": None}, [])


def test_the_folder_of_pictures_alone(tmp_path: Path) -> None:
    """Given that only the folder of pictures was chosen, whose labels nobody may read, Then the folder above is named."""
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    found, (report,) = read(tmp_path / "images")
    assert found == {"a.png": None} and report.level == "warning"
    assert report.what.startswith("The folder “labels” lies beside the pictures: choose the folder above both")
