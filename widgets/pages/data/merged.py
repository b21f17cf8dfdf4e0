"""Describe on the page Data how many examples are left after sampling and merging."""

from widgets.parts.nouns import counted
from workers.contracts.data.reading import DataResult
from workers.contracts.translation import _


def merged_words(data: DataResult, name: str) -> str:
    """Return how many examples were found, sampled at random, merged, and left.

    - From “pictures”: 5,000 pictures, of which 4,820 are the same to the model as others. 180 are left.
    - From “texts.csv”: 23,703 texts, of which 5,200 were chosen by chance. 5 of these are the same … 5,195 are left.
    """
    left = data.n_of_person + data.n_calibration
    is_thinned = 0 < data.n_opened < data.n_items
    found = counted(data.kind, data.n_items)
    if not data.merged_doubles:
        return _("From “{0}”: {1}, of which {2:,} were chosen at random.").format(name, found, data.n_opened)
    one = data.merged_doubles == 1
    if is_thinned:
        text = (
            _("From “{0}”: {1}, of which {2:,} were chosen at random. 1 of these is a copy of another. {4:,} are left.")
            if one
            else _(
                "From “{0}”: {1}, of which {2:,} were chosen at random. {3:,} of these are copies of "
                "others. {4:,} are left."
            )
        )
        return text.format(name, found, data.n_opened, data.merged_doubles, left)
    if one:
        text = _("From “{0}”: {1}, of which 1 is a copy of another. {3:,} are left.")
    else:
        text = _("From “{0}”: {1}, of which {2:,} are copies of others. {3:,} are left.")
    return text.format(name, found, data.merged_doubles, left)
