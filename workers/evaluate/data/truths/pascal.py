"""Read boxes in Pascal VOC's format: an XML file for each picture, with names and places in pixels."""

from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from workers.evaluate.data.dataset import Box
from workers.evaluate.data.tables import finite_number

MAX_BYTES = 4 << 20
FOLDERS = ("Annotations", "annotations", "labels", "xml")


def pascal_boxes(picture: Path, root: Path) -> list[tuple[str, Box]] | None:
    """Return (name, box in shares) of one picture; None if it has no such file.

    The file is in `Annotations` next to the folder of pictures, or next to the picture. Objects without the required
    fields are left out.
    """
    name = picture.with_suffix(".xml").name
    places = [picture.with_suffix(".xml")]
    places += [folder / part / name for folder in (picture.parent, picture.parent.parent, root) for part in FOLDERS]
    trees = (_parsed(place) for place in places if place.is_file())
    tree = next((parsed for parsed in trees if parsed is not None), None)
    if tree is None:
        return None
    width, height = _number(tree, "size/width"), _number(tree, "size/height")
    if not width or not height:
        return None
    found = []
    for thing in tree.iterfind("object"):
        edges = [_number(thing, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
        kind = (thing.findtext("name") or "").strip()
        left, top, right, bottom = edges
        if not kind or left is None or top is None or right is None or bottom is None or right <= left or bottom <= top:
            continue
        # Pixels are counted from 1, and both ends belong to the box (VOC2012 devkit, section 3.4).
        box = ((left - 1) / width, (top - 1) / height, (right - left + 1) / width, (bottom - top + 1) / height, -1)
        found.append((kind, box))
    return found


def _number(element: ElementTree.Element, path: str) -> float | None:
    value = finite_number(element.findtext(path) or "")
    return value if value is not None and abs(value) < 1e9 else None


def _parsed(path: Path) -> ElementTree.Element | None:
    """Return the parsed file; None for other files, and for files that declare entities, which can fill all memory."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = _no_entities
    try:
        parser.Parse(content, True)
        root = builder.close()
    except (expat.ExpatError, ValueError, AssertionError, RecursionError):
        return None
    return root if root.tag == "annotation" else None


def _no_entities(*_: object) -> None:
    raise ValueError("entities are refused")
