"""Parts of changes to texts."""

from collections.abc import Callable, Sequence

from workers.evaluate.stress.base import Generator

SOURCE = "EVALUATION: 5, 10 and 20 % of the places"


def chosen(count: int, share: float, rng: Generator) -> list[int]:
    """Which of `count` places are changed: a share of them, one at least where there are any; in order."""
    if count == 0:
        return []
    size = min(count, max(1, round(count * share)))
    return sorted(int(place) for place in rng.choice(count, size, replace=False))


def change_letters(
    text: str, share: float, rng: Generator, may: Callable[[str], bool], change: Callable[[str, Generator], str]
) -> str:
    """`change` is done to a share of the letters that it `may` be done to."""
    places = [i for i, letter in enumerate(text) if may(letter)]
    letters: list[str] = list(text)
    for i in chosen(len(places), share, rng):
        letters[places[i]] = change(text[places[i]], rng)
    return "".join(letters)


def one_of(values: Sequence[str], rng: Generator) -> str:
    return values[int(rng.integers(len(values)))]
