"""Parts of a test set: measured facts, groups by them, and groups that are left out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from workers.evaluate.data.dataset import Item, read_dataset
from workers.evaluate.data.facts import laplacian_variance, picture_facts, text_facts
from workers.evaluate.proof.groups import groups_of
from workers.pipeline.spec import ImageSteps

Make = Callable[..., Any]


def named(items: list[Item], classes: list[str] | None = None) -> dict[str, list[int]]:
    return {group.name: group.members.tolist() for group in groups_of(items, classes)}


def test_the_darkest_fifth_is_a_group() -> None:
    """Given 50 pictures of rising brightness, then the darkest and the brightest ten are groups."""
    found = named([Item(f"{i}", facts={"brightness": i / 50}) for i in range(50)])
    assert found == {"dark pictures": list(range(10)), "bright pictures": list(range(40, 50))}


def test_equal_values_are_no_group() -> None:
    """Given pictures that are all of one size, or most of one brightness, then these make no group."""
    items = [Item(f"{i}", facts={"pixels": 784.0, "brightness": float(i > 45)}) for i in range(50)]
    assert named(items) == {"bright pictures": [46, 47, 48, 49]}


def test_few_items_have_no_extremes() -> None:
    """Given 19 texts, Then no fifth of them is a group."""
    assert named([Item(f"{i}", facts={"characters": float(i)}) for i in range(19)]) == {}


def test_own_columns_make_groups_by_value_or_fifth() -> None:
    """Given a column of few values, one of many numbers, one of names, then two of them give groups."""
    items = [
        Item(f"{i}", columns={"camera": "phone" if i % 3 else "", "price": f"{i / 2}", "file": f"name {i}", "one": "x"})
        for i in range(60)
    ]
    found = named(items)
    assert set(found) == {"low “price”", "high “price”"}
    mixed = [Item(f"{i}", columns={"camera": "phone" if i % 3 else "tablet"}) for i in range(60)]
    assert {name: len(members) for name, members in named(mixed).items()} == {"camera: phone": 40, "camera: tablet": 20}


def test_scripts_of_texts_make_groups() -> None:
    """Given texts in two scripts, then each is a group; one script alone is none."""
    words = [f"{word}{'!' * (i % 7)}" for word in ("good weather", "хорошая погода") for i in range(12)]
    items = [Item(f"{i}", text, facts=text_facts(text)) for i, text in enumerate(words)]
    assert {"texts in Latin letters", "texts in Cyrillic letters"} <= set(named(items))
    assert "texts in Latin letters" not in named(items[:12] * 2)
    assert text_facts("日本の天気") == {"characters": 5.0, "script": "Chinese or Japanese"}
    assert text_facts("123") == {"characters": 3.0}


def test_the_same_members_count_once() -> None:
    """Given a column that repeats the classes, then there is one group for each class."""
    items = [Item(f"{i}", columns={"kind": "ab"[i % 2]}) for i in range(40)]
    assert set(named(items, ["a" if i % 2 else "b" for i in range(40)])) == {"a", "b"}


def test_facts_undo_the_preprocessing() -> None:
    """Given a picture with mean and deviation taken off, then its brightness is that of the picture."""
    values = np.full((3, 8, 8), 0.25, np.float32)
    mean, std = np.array([0.4, 0.5, 0.6], np.float32), np.array([0.2, 0.3, 0.4], np.float32)
    given = (values - mean.reshape(-1, 1, 1)) / std.reshape(-1, 1, 1)
    steps = ImageSteps(mean=tuple(mean.tolist()), std=tuple(std.tolist()))
    facts = picture_facts(given, steps)
    assert facts["brightness"] == pytest.approx(0.25, abs=1e-6) and facts["sharpness"] == pytest.approx(0, abs=1e-6)
    last = picture_facts(given.transpose(1, 2, 0), ImageSteps(mean=steps.mean, std=steps.std, layout="nhwc"))
    assert last == pytest.approx(facts)


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    """Given scikit-image's Laplacian as oracle, then the variance is the same; a blurred picture has less."""
    from skimage.filters import laplace

    gray = np.random.default_rng(3).integers(0, 256, (40, 50)).astype(np.float32)
    oracle = float(laplace(gray.astype(np.float64), ksize=3)[1:-1, 1:-1].var())
    assert laplacian_variance(gray) == pytest.approx(oracle, rel=1e-6)
    blurred = np.asarray(Image.fromarray(gray.astype(np.uint8)).filter(ImageFilter.GaussianBlur(2)), np.float32)
    assert laplacian_variance(blurred) < laplacian_variance(gray) / 10
    assert laplacian_variance(gray[:2]) == 0.0


def test_facts_and_columns_of_a_folder(run_data: Make, picture: Make, tmp_path: Path) -> None:
    """Given labels.csv with a further column, Then it is kept together with measured facts."""
    lines = ["file,label,camera"]
    for i in range(20):
        picture(tmp_path / "set" / f"{i}.png", i)
        lines.append(f"{i}.png,{i % 3},{'phone' if i % 2 else 'scanner'}")
    (tmp_path / "set" / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    _, folder = run_data("pictures", tmp_path / "set")
    items = read_dataset(folder).test
    assert {item.columns["camera"] for item in items} == {"phone", "scanner"}
    assert all(item.facts["pixels"] == 144 and 0 < float(item.facts["brightness"]) < 1 for item in items)
