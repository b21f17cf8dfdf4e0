"""Masks of pictures in common layouts: their pictures, the meaning of their numbers and their place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import read_set, small_spec
from PIL import Image

from workers.contracts.pipeline import write_pipeline
from workers.evaluate.data.dataset import DataSet, read_dataset
from workers.evaluate.data.truths.mask_numbers import IGNORE, read_mask, resized
from workers.pipeline.spec import ImageSteps, MaskSteps

Build = Callable[..., tuple[DataSet, str]]
SIDE = 16


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """The data set of a folder for a model of some classes, and all findings."""

    def run(root: Path, classes: int = 3, names: tuple[str, ...] | None = None, **steps: Any) -> tuple[DataSet, str]:
        work = tmp_path / f"work{len(list(tmp_path.glob('work*')))}"
        work.mkdir()
        spec = small_spec(
            "image-segmentation", "image", (None, 3, None, None), (None, classes, None, None),
            ImageSteps(**{"resize": (SIDE, SIDE), **steps}), "mask", classes=names,
            postprocess=MaskSteps(output="output", threshold=0.5 if classes == 1 else None),
        )  # fmt: skip
        write_pipeline(work, spec)
        result, data = read_set(work, root, work)
        return read_dataset(data), "\n".join(finding.what for finding in result.findings)

    return run


def picture(path: Path, number: int, size: tuple[int, int] = (SIDE, SIDE)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path


def mask_of(number: int, size: tuple[int, int] = (SIDE, SIDE), values: tuple[int, ...] = (0, 1, 2, 255)) -> Any:
    rng = np.random.default_rng(1000 + number)
    return np.asarray(values, np.uint8)[rng.integers(0, len(values), (size[1], size[0]))]


def save(path: Path, values: Any, palette: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    if palette:
        image = image.convert("P")
        image.putdata(values.ravel().tolist())
        image.putpalette([7 * k % 256 for k in range(768)])
    image.save(path)


def as_judged(values: Any, ignored: int = 255) -> Any:
    return np.where(values == ignored, IGNORE, values.astype(np.int32))


LAYOUTS = {
    "images and masks": ("images/{}.jpg", "masks/{}.png"),
    "parts": ("images/val/{}.jpg", "annotations/val/{}.png"),
    "parts above": ("val/images/{}.png", "val/masks/{}_mask.png"),
    "same folder": ("{}.png", "{}_mask.png"),
    "Pascal VOC": ("JPEGImages/{}.jpg", "SegmentationClass/{}.png"),
    "Cityscapes": ("leftImg8bit/val/ulm/{}_leftImg8bit.png", "gtFine/val/ulm/{}_gtFine_labelTrainIds.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_masks_in_common_layouts_are_found(tmp_path: Path, build: Build, layout: str) -> None:
    """Given pictures and masks in a known layout, Then each picture has its own mask, 255 is left out, masks and what
    else lies there are no pictures, and one without a mask stays unlabelled."""
    root = tmp_path / "set"
    there, mask = LAYOUTS[layout]
    wanted = {}
    for number in range(12):
        name = there.format(f"p{number}")
        picture(root / name, number)
        if number:
            wanted[name] = mask_of(number)
            save(root / mask.format(f"p{number}"), wanted[name], palette=layout == "Pascal VOC")
    if layout == "Pascal VOC":
        save(root / "SegmentationObject" / "p1.png", mask_of(5), palette=True)
    data, report = build(root)
    assert len(data.test) + len(data.calibration) == 12
    assert "Masks were found for 11 of 12 pictures." in report
    assert "sub-folder" not in report
    for item in data.test:
        assert bool(item.mask) == (item.source in wanted)
        if item.mask:
            assert (read_mask(item.mask) == as_judged(wanted[item.source])).all()


def several(
    root: Path, make: Callable[[int], Any], size: tuple[int, int] = (SIDE, SIDE), palette: bool = False
) -> None:
    for number in range(12):
        picture(root / "images" / f"p{number}.png", number, size)
        save(root / "masks" / f"p{number}.png", make(number), palette)


def masks_in(data: DataSet) -> dict[int, Any]:
    return {int(Path(i.source).stem[1:]): read_mask(i.mask) for i in data.test if i.mask}


def test_black_and_white_masks_have_two_classes(tmp_path: Path, build: Build) -> None:
    """Given masks of 0 and 255 for a model that splits in two, Then 255 is the thing, which a finding reports; one with three classes
    takes 255 for "ignore"."""
    several(tmp_path / "s", lambda k: mask_of(k, values=(0, 255)))
    data, report = build(tmp_path / "s", classes=1)
    assert all((m == mask_of(k, values=(0, 1))).all() for k, m in masks_in(data).items()) and masks_in(data)
    assert "white (255) is the thing" in report
    data, _ = build(tmp_path / "s", classes=3)
    assert all(set(np.unique(mask)) == {0, IGNORE} for mask in masks_in(data).values())


def test_unknown_numbers_of_masks_are_left_out(tmp_path: Path, build: Build) -> None:
    """Given numbers above the model's classes, Then they are named and left out; with none known masks are not used."""
    several(tmp_path / "s", lambda k: mask_of(k, values=(0, 1, 7, 9)))
    data, report = build(tmp_path / "s")
    assert "“7”, “9”" in report and "it has 3, counted from 0" in report
    assert all(set(np.unique(mask)) == {0, 1, IGNORE} for mask in masks_in(data).values())
    several(tmp_path / "t", lambda k: mask_of(k, values=(7, 9)))
    data, report = build(tmp_path / "t")
    assert not masks_in(data) and "they are not used" in report


def test_masks_counted_from_one_are_shifted(tmp_path: Path, build: Build) -> None:
    """Given numbers 0 to 3 for three classes, Then they count from 1 as in ADE20K, 0 is left out, and a finding reports it."""
    several(tmp_path / "s", lambda k: mask_of(k, values=(0, 1, 2, 3)))
    data, report = build(tmp_path / "s")
    assert "count classes from 1 to 3" in report and "no classes of the model" not in report
    assert all((m == as_judged(mask_of(k, values=(255, 0, 1, 2)))).all() for k, m in masks_in(data).items())


def test_cityscapes_label_ids_become_train_ids(tmp_path: Path, build: Build) -> None:
    """Given Cityscapes' ids for a model of its 19 classes, Then roads (7) are class 0 and the rest is left out."""
    for number in range(12):
        picture(tmp_path / "leftImg8bit" / f"p{number}_leftImg8bit.png", number)
        save(tmp_path / "gtFine" / f"p{number}_gtFine_labelIds.png", mask_of(number, values=(0, 7, 33, 9)))
    data, report = build(tmp_path, classes=19)
    assert "Cityscapes" in report and "no classes" not in report
    for item in data.test:
        number = int(Path(item.source).stem.split("_")[0][1:])
        assert (read_mask(item.mask) == as_judged(mask_of(number, values=(255, 0, 18, 255)))).all()


def test_numbers_of_masks_follow_a_list_of_names(tmp_path: Path, build: Build) -> None:
    """Given a list of names in another order than the model's, Then numbers follow the names."""
    several(tmp_path, lambda k: mask_of(k, values=(0, 1, 2)))
    (tmp_path / "classes.txt").write_text("background\ndog\ncat\n", encoding="utf-8")
    data, report = build(tmp_path, names=("background", "cat", "dog"))
    assert "by their names" in report
    assert all((m == mask_of(k, values=(0, 2, 1))).all() for k, m in masks_in(data).items()) and masks_in(data)


def test_masks_of_another_size_are_resized_or_refused(tmp_path: Path, build: Build) -> None:
    """Given masks of half the size, Then no number is new and a finding reports it; of another shape, they are refused by name,
    and the pictures stay."""
    several(tmp_path / "s", lambda k: mask_of(k, (8, 8)))
    data, report = build(tmp_path / "s")
    assert f"{len(data.test)} masks had another size" in report and len(masks_in(data)) == len(data.test)
    assert all((m == as_judged(mask_of(k, (8, 8)).repeat(2, 0).repeat(2, 1))).all() for k, m in masks_in(data).items())
    one = min(masks_in(data))
    save(tmp_path / "s" / "masks" / f"p{one}.png", mask_of(one, (16, 8)))
    data, report = build(tmp_path / "s")
    assert f"“images/p{one}.png (16×8 ≠ 16×16)”" in report and one not in masks_in(data)
    assert len(data.test) + len(data.calibration) == 12


def test_colored_and_damaged_masks_are_refused(tmp_path: Path, build: Build) -> None:
    """Given a mask in colors and a damaged one, Then both are named, and gray saved as RGB is a mask."""
    several(tmp_path, mask_of)
    picture(tmp_path / "masks" / "p1.png", 1)
    (tmp_path / "masks" / "p2.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    save(tmp_path / "masks" / "p3.png", np.repeat(mask_of(3)[..., None], 3, axis=2))
    data, report = build(tmp_path)
    unlabelled = {item.source for item in data.test if not item.mask}
    assert unlabelled <= {"images/p1.png", "images/p2.png"}
    assert "cannot be used" in report or not unlabelled
    assert all((m == as_judged(mask_of(k))).all() for k, m in masks_in(data).items())


def test_masks_without_their_pictures_are_reported(tmp_path: Path, build: Build) -> None:
    """Given masks of other names, Then a warning reports that none belongs to a picture."""
    for number in range(12):
        picture(tmp_path / "images" / f"p{number}.png", number)
        save(tmp_path / "masks" / f"q{number}.png", mask_of(number))
    assert "No mask belongs to a picture" in build(tmp_path)[1]


def test_folder_of_pictures_alone_gets_a_hint(tmp_path: Path, build: Build) -> None:
    """Given that only the folder of pictures was chosen, Then a warning names the folder of masks next to it."""
    several(tmp_path, mask_of)
    assert "The folder “masks” lies beside the pictures" in build(tmp_path / "images")[1]


@pytest.mark.parametrize(
    "steps", [{"letterbox": True}, {"resize": 20, "crop": (16, 12)}, {"resize": None}, {"resize": (24, 10)}]
)
def test_masks_are_placed_like_their_pictures(tmp_path: Path, build: Build, steps: dict[str, Any]) -> None:
    """Given pictures that show their own mask in blocks, Then in the model's frame each pixel has the number of what it
    shows, whatever the preparation; borders of a letterbox are not judged."""
    size = (40, 20)
    for number in range(12):
        mask = mask_of(number, (4, 2), values=(0, 1, 2)).repeat(10, 0).repeat(10, 1)
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.fromarray((mask * 100).astype(np.uint8)).convert("RGB").save(tmp_path / "images" / f"p{number}.png")
        save(tmp_path / "masks" / f"p{number}.png", mask)
    data, _ = build(tmp_path, interpolation="nearest", **steps)
    from workers.pipeline.images import open_picture, to_pixels
    from workers.pipeline.spec import ImageSteps as Plain

    plain = Plain(**{"resize": (SIDE, SIDE), "interpolation": "nearest", **steps})
    assert data.test
    for item in data.test:
        shown = to_pixels(open_picture(tmp_path / item.source), plain)[0, :, :, 0].astype(np.int32)
        mask = read_mask(item.mask)
        assert mask.shape == shown.shape and size == (40, 20)
        judged = mask != IGNORE
        assert (mask[judged] * 100 == shown[judged]).all()
        assert (shown[~judged] == 114).all() and judged.any()


def test_resized_mask_has_no_new_numbers() -> None:
    """Given a mask at another size, Then it is the pixel at each center."""
    mask = np.arange(6).reshape(2, 3)
    assert (resized(mask, (4, 6)) == mask.repeat(2, 0).repeat(2, 1)).all()
    assert (resized(mask.repeat(3, 0).repeat(3, 1), (2, 3)) == mask).all()
