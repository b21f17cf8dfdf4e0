"""Write one level of the picture of two compared models as SVG."""

from collections.abc import Sequence
from html import escape

from workers.contracts.after.change_words import box_status, box_words, tip_of
from workers.contracts.after.changes import Box, ChangedNode, DiffResult, Status
from workers.contracts.translation import _

COLORS: dict[Status, tuple[str, str]] = {
    "replaced": ("#6D4AFF", "#A78BFA"), "rounded": ("#0F766E", "#2DD4BF"), "added": ("#B8560B", "#F0954A"),
    "fused": ("#2563B8", "#6FA8F5"), "removed": ("#6B7680", "#97A3AD"), "unmatched": ("#A3307F", "#E88ACB"),
    "unchanged": ("#848E96", "#6F7B84"),
}  # fmt: skip
"""The window's colors of each status, light and dark."""
MARGIN_PX, STACK_PX, CHAR_PX, EDGE_PX = 24, 4, 6.8, 12


def style() -> str:
    """Return the style sheet of the picture, light and dark as the reader's system."""
    light, dark = (
        "".join(f".{status}{{fill:{pair[side]}29;stroke:{pair[side]}}}" for status, pair in COLORS.items())
        for side in (0, 1)
    )
    return (
        "svg{background:#F6F7F7;font:12px system-ui,sans-serif}.line{fill:none;stroke:#848E96}"
        ".removed{stroke-dasharray:4}.name{fill:#171C1F;font-weight:500}.fact{fill:#57616A;font-size:11px}"
        f"{light}.first{{stroke:#B42318;stroke-width:3}}"
        "@media(prefers-color-scheme:dark){svg{background:#101416}.line{stroke:#6F7B84}.name{fill:#E8ECEE}"
        f".fact{{fill:#A2ADB6}}{dark}.first{{stroke:#F98B82}}}}"
    )


def plain(text: str) -> str:
    """Return a stranger's text for markup: escaped, without characters that XML does not allow."""
    return escape("".join(char if char.isprintable() else " " for char in text))


def svg_of(result: DiffResult, titles: tuple[str, str], level: int = -1, *, styled: bool = True) -> str:
    """Return one level of the picture as SVG, by default the finest; it loads and runs nothing.

    Args:
        result: The comparison.
        titles: Names of both models.
        level: Index of the level.
        styled: Whether it brings its own style sheet.

    Raises:
        ValueError: If the comparison has no picture.
    """
    if not result.levels:
        raise ValueError("the comparison has no picture")
    shown = result.levels[level]
    right = max([box.x + box.width for box in shown.boxes] + [x for points in shown.routes for x in points[::2]])
    bottom = max(box.y + box.height for box in shown.boxes)
    left = min([0.0, *(x for points in shown.routes for x in points[::2])]) - MARGIN_PX
    top = min([0.0, *(y for points in shown.routes for y in points[1::2])]) - MARGIN_PX
    size = f"{left:g} {top:g} {right - left + MARGIN_PX:g} {bottom - top + MARGIN_PX:g}"
    name = plain(_("What changed between {0} and {1}").format(*titles))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" role="img" aria-label="{name}">',
        f"<title>{name}</title>",
        f"<style>{style()}</style>" if styled else "",
        *(f'<polyline class="line" points="{" ".join(f"{at:g}" for at in points)}"/>' for points in shown.routes),
        *(_box(box, result.nodes, result.first_different) for box in shown.boxes),
        "</svg>",
    ]
    return "".join(parts)


def _box(box: Box, nodes: Sequence[ChangedNode], first_different: int | None) -> str:
    status, room = box_status(box, nodes), int((box.width - EDGE_PX) / CHAR_PX)
    first = " first" if first_different in box.nodes else ""
    size = f'width="{box.width:g}" height="{box.height:g}"'
    back = f'x="{box.x + STACK_PX:g}" y="{box.y + STACK_PX:g}" {size} fill-opacity="0"'
    stack = f'<rect class="{status}" {back}/>' if box.repeats > 1 else ""
    lines = (("name", 15, box.title), ("fact", 30, box_words(box, nodes)))
    return (
        f'<g data-nodes="{" ".join(map(str, box.nodes))}"><title>{plain(tip_of(box, nodes))}</title>{stack}'
        f'<rect class="{status}{first}" x="{box.x:g}" y="{box.y:g}" {size}/>'
        + "".join(
            f'<text class="{kind}" x="{box.x + EDGE_PX / 2:g}" y="{box.y + down}">{plain(_cut(text, room))}</text>'
            for kind, down, text in lines
        )
        + "</g>"
    )


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"
