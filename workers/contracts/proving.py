"""Examples that are added to a run later: which of them are new, and their answers beside those that were there."""

from workers.contracts.base import Frozen


class FreshParams(Frozen):
    """kind ``fresh``: the test items of `data_dir` that are, to the model, in none of the data folders `known`."""

    data_dir: str
    known: tuple[str, ...]


class FreshResult(Frozen):
    """`items` are numbers of test items; the others were tested with already, or a version was tuned with them."""

    items: tuple[int, ...]
    in_test: int = 0
    in_calibration: int = 0


class JudgePart(Frozen):
    """More examples with both answers; only `items` of them count."""

    data_dir: str
    original_answers: str
    variant_answers: str
    items: tuple[int, ...]
