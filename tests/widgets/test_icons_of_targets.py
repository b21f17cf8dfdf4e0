"""Each kind of bundle has an icon that the font has: the page Export would not open otherwise."""

import json
from importlib.resources import files

from workers import registry


def test_every_target_has_an_icon_of_the_font() -> None:
    (charmap,) = (file for file in (files("qtawesome") / "fonts").iterdir() if file.name.startswith("phosphor-charmap"))
    known = json.loads(charmap.read_text(encoding="utf-8"))
    assert {target.id: target.icon for target in registry.targets().values() if target.icon not in known} == {}
