"""Define the design tokens: one table of colors for light and dark, and the sizes that both share."""

from types import MappingProxyType
from typing import Literal

Scheme = Literal["light", "dark"]

#                light      dark        used for
_TABLE = """
bg               #F6F7F7    #101416     page behind cards
panel            #FFFFFF    #171C1F     rail, top bar, cards, dock
raised           #EFF1F2    #20272B     hover, inset, empty bar
line             #E2E5E7    #2B3338     1 px dividers, card edges
edge             #848E96    #6F7B84     field, radio, ghost button
ink              #171C1F    #E8ECEE     text
soft             #57616A    #A2ADB6     second text
brand            #0F766E    #2DD4BF     primary, focus ring
on-brand         #FFFFFF    #06201D     text on brand
brand-hover      #0B655E    #4FDCCB     primary under the pointer
brand-soft       #E2F2F0    #12312E     current step, chosen card
ok               #13703A    #58D68D     safe
ok-soft          #E4F3E9    #14291C
warn             #8A5200    #F5BE4A     look here
warn-soft        #FBF0DC    #2E2512
bad              #B42318    #F98B82     refused
bad-soft         #FBE9E7    #341A18
s0               #6B7680    #97A3AD     the original's color in graphs
s1               #0F766E    #2DD4BF     the variants' colors, in turn
s2               #6D4AFF    #A78BFA
s3               #B8560B    #F0954A
s4               #2563B8    #6FA8F5
s5               #A3307F    #E88ACB
s6               #5B7A00    #B5CF55
"""


def _read(column: int) -> MappingProxyType[str, str]:
    rows = (line.split() for line in _TABLE.strip().splitlines())
    return MappingProxyType({row[0]: row[column] for row in rows})


TOKENS: MappingProxyType[Scheme, MappingProxyType[str, str]] = MappingProxyType({"light": _read(1), "dark": _read(2)})
"""Colors by scheme and name, each as `#RRGGBB`."""

SERIES = ("s0", "s1", "s2", "s3", "s4", "s5", "s6")
"""Tokens of graph colors: the original first, then the versions in their order."""

SPACE_XS, SPACE_S, SPACE_M, SPACE_L, SPACE_XL, PAGE_EDGE = 4, 8, 12, 16, 24, 32
RADIUS_TAG, RADIUS_CONTROL, RADIUS_CARD = 4, 6, 10
TEXT_CAPTION, TEXT_BODY, TEXT_HEADLINE = 12, 13, 22
CONTROL_HEIGHT, SMALL_CONTROL_HEIGHT = 34, 26
RAIL_WIDTH, COMPACT_RAIL_WIDTH = 208, 72
TOP_BAR_HEIGHT, DOCK_SLIM_HEIGHT, DOCK_OPEN_HEIGHT = 52, 34, 128


def series_token(index: int) -> str:
    """Return the token of a line: 0 is the original; the versions' colors repeat after the sixth."""
    return "s0" if index == 0 else SERIES[1 + (index - 1) % (len(SERIES) - 1)]
