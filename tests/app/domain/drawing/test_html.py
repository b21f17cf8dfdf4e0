"""The exported page and picture: complete, harmless, and in the window's colors."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from compared_graphs import blocks, compared

from app.domain.drawing.html import html_of
from app.domain.drawing.svg import COLORS, svg_of
from widgets.plots.graph_picture import STATUS_TOKENS
from widgets.tokens import TOKENS
from workers.contracts.after.changes import DiffResult


class Attributes(HTMLParser):
    """The names of all attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {name for name, _value in attrs}


HOSTILE = "</script><img src=x onerror=alert(1)>\x00\"'&"


@pytest.fixture(scope="module")
def hostile() -> DiffResult:
    """Return a comparison whose every name, kind, title and sentence is markup."""
    made = compared(blocks(2), cast_every=4)
    nodes = tuple(
        one.model_copy(update={"op": HOSTILE, "a": one.a and one.a + HOSTILE, "kernel_b": HOSTILE})
        for one in made.nodes
    )
    levels = tuple(
        level.model_copy(update={"boxes": tuple(box.model_copy(update={"title": HOSTILE}) for box in level.boxes)})
        for level in made.levels
    )
    reasons = tuple(one.model_copy(update={"text": HOSTILE}) for one in made.reasons)
    return made.model_copy(update={"nodes": nodes, "levels": levels, "reasons": reasons, "notes": (HOSTILE,)})


def test_page_escapes_all_texts_and_loads_nothing(hostile: DiffResult) -> None:
    """Given markup in every text, then the page holds one script, no image, no address and a policy without network."""
    page = html_of(hostile, (HOSTILE, HOSTILE))
    assert page.count("<script") == 1 and "<img" not in page and "\x00" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None and policy[1].startswith("default-src 'none'") and "unsafe" not in policy[1]
    assert "url(" not in page and "@import" not in page
    seen = Attributes()
    seen.feed(page)
    assert not {name for name in seen.names if name in ("src", "href", "action", "style") or name.startswith("on")}


def test_page_lists_every_operator_and_links_reasons() -> None:
    """Given a comparison, then each operator has a row, and the reason about products leads to all of them."""
    result = compared(blocks(3), cast_every=7)
    page = html_of(result, ("before", "after"))
    assert page.count("<tr data-node=") == len(result.nodes)
    found = re.search(r'<button data-nodes="([\d ]+)">All products', page)
    assert found is not None and len(found[1].split()) == result.counts["rounded"]
    assert page.count('<div class="level"') == len(result.levels)


def test_picture_is_valid_and_has_each_box(hostile: DiffResult) -> None:
    """Given markup in every text, then the picture is XML with one group for each box and no script."""
    tree = ET.fromstring(svg_of(hostile, (HOSTILE, "b")))
    tags = [one.tag.rpartition("}")[2] for one in tree.iter()]
    assert tags.count("g") == len(hostile.levels[-1].boxes) and "script" not in tags
    with pytest.raises(ValueError, match="no picture"):
        svg_of(hostile.model_copy(update={"levels": ()}), ("a", "b"))


def test_colors_are_the_window_s() -> None:
    """Given the colors of exported pictures, then they are the window's tokens, light and dark."""
    shown = {
        status: tuple(TOKENS[scheme][token] for scheme in ("light", "dark")) for status, token in STATUS_TOKENS.items()
    }
    assert dict(COLORS) == shown
