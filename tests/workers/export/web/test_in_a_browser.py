"""The page as a person has it: opened from its folder and from a server, a picture dropped, a text written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import opened_browser
from web_pages import ask, detectors, drop, expected, masks, on_loopback, picture, pictures, texts, wait_until_ready


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with opened_browser() as found:
        yield found


@pytest.fixture(scope="module")
def served(page_of: Any) -> Iterator[tuple[Path, str]]:
    """A classifier's page, unpacked, and its address on loopback."""
    _, page = page_of(pictures)
    with on_loopback(page) as address:
        yield page, address


@pytest.mark.parametrize("way", ["folder", "server"])
def test_dropped_pictures_are_answered_as_here(
    browser: Any, served: tuple[Path, str], tmp_path: Path, way: str
) -> None:
    """Given the page from file:// and from loopback, when pictures are dropped on it, then its classes and shares are
    those of the Python bundle, a name with a tag in it is only text, nothing but the page's own files was requested, and
    the browser complains of nothing. A file that is no picture is reported, and the next one answered."""
    page, address = served
    browser.get((page / "index.html").as_uri() if way == "folder" else address)
    wait_until_ready(browser)
    for number, size in enumerate(((64, 48), (33, 90), (300, 210))):
        path = tmp_path / f"{number}.png"
        picture(number, *size).save(path)
        found, wanted = drop(browser, path), expected(page, path)
        assert {row["label"]: row["share"] for row in found["rows"]} == pytest.approx(wanted["scores"], abs=1e-5)
        assert found["words"] == wanted["answer"] == browser.find_element("class name", "best").text
    letter = tmp_path / "letter.txt"
    letter.write_text("no picture")
    assert "not a picture" in drop(browser, letter)["refused"]
    assert drop(browser, tmp_path / "0.png")["kind"] == "labels"
    requested = browser.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert all(name.startswith((browser.current_url.rpartition("/")[0], "data:")) for name in requested)
    assert browser.get_log("browser") == []


def test_texts_are_answered_as_here(browser: Any, page_of: Any) -> None:
    """Given a model of texts, when one is written, then its shares are those of the Python bundle, also of a long one."""
    _, page = page_of(texts)
    browser.get((page / "index.html").as_uri())
    wait_until_ready(browser)
    for text in ("The cats, the CAFÉ and 3 dogs!", "dog " * 30):
        found = ask(browser, text)
        assert {row["label"]: row["share"] for row in found["rows"]} == pytest.approx(
            expected(page, text)["scores"], abs=1e-5
        )


def test_boxes_and_masks_are_those_of_run_py(browser: Any, page_of: Any, tmp_path: Path) -> None:
    """Given a detector and a segmentation, then boxes lie in the person's picture as run.py tells them, parts of the
    picture have the same shares, and both are drawn."""
    path = tmp_path / "a.png"
    picture(9, 90, 50).save(path)
    _, page = page_of(detectors)
    browser.get((page / "index.html").as_uri())
    wait_until_ready(browser)
    found, wanted = drop(browser, path), expected(page, path)["boxes"]
    assert [thing["name"] for thing in found["things"]] == [one["class"] for one in wanted] == ["mug", "hat"]
    for thing, one in zip(found["things"], wanted, strict=True):
        assert thing["box"] == pytest.approx(one["box"], abs=0.01)
    assert browser.execute_script(NAME_PLATE, *wanted[0]["box"][:2]) == [232, 89, 12]
    _, page = page_of(masks)
    browser.get((page / "index.html").as_uri())
    wait_until_ready(browser)
    shares = {row["label"]: row["share"] for row in drop(browser, path)["rows"]}
    assert shares == pytest.approx(expected(page, path)["shares"], abs=1e-9)


NAME_PLATE = """
const draw = document.querySelector("canvas").getContext("2d"), [x, y] = arguments;
return Array.from(draw.getImageData(Math.ceil(x), Math.floor(y) - 2, 1, 1).data).slice(0, 3);
"""
