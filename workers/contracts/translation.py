"""Translate texts of the window and the command line through gettext."""

import gettext
from pathlib import Path

_ = gettext.translation("fettle", Path(__file__).with_name("locale"), fallback=True).gettext
"""Return the translation of a text; without a catalog for the user's language, the text itself."""
