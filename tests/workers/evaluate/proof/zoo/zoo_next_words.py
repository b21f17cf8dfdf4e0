"""Next words of language models: steep logits with some near ties, stored as few numbers."""

from collections.abc import Callable

import numpy as np
from zoo import Array, Change, Rng, Zoo, same

from workers.infer.next_tokens import KEPT, WIDTH, thoughts

VOCABULARY, PLACES = 80, 16
END, NEVER = 79, 7.0
"""The token that ends a text: unlikely before, and there as likely as any."""


def make(n: int, rng: Rng, truth: float = 1.0) -> list[Array]:
    """Thoughts over a vocabulary that is hardly larger than the kept tokens, so that logits can be restored. What
    follows is drawn from the logits times `truth`: below 1, the model is surer than right."""
    logits = [(rng.gumbel(size=(PLACES, VOCABULARY)) * 2).astype(np.float32) for _ in range(n)]
    for rows in logits:
        rows[:, END] -= NEVER
        rows[-1, END] = rows[-1].max() + 0.5
    return [thoughts(rows, _following(rows, rng, truth)) for rows in logits]


def _following(rows: Array, rng: Rng, truth: float) -> Array:
    """Drawn from the logits, at last the end."""
    follows = (rows * truth + rng.gumbel(size=rows.shape)).argmax(axis=-1)
    follows[-1] = END
    return np.asarray(follows)


def _logits(part: Array) -> Array:
    """(places, vocabulary): log probabilities of what was kept, and what was left over on all others."""
    rows = np.arange(len(part))[:, None]
    tokens, logs = part[:, 2 : 2 + KEPT].astype(int), part[:, 2 + KEPT : WIDTH]
    left = np.maximum(1 - np.exp(logs.astype(np.float64)).sum(axis=-1, keepdims=True), 1e-9) / (VOCABULARY - KEPT)
    out = np.broadcast_to(np.log(left), (len(part), VOCABULARY)).astype(np.float32)
    out[rows, tokens] = logs
    return out


def change(of: Callable[[Array, Rng], Array], share: float = 1.0) -> Change:
    """New logits for this share of the texts; what really follows stays."""

    def changed(parts: list[Array], rng: Rng) -> list[Array]:
        chosen = set(rng.permutation(len(parts))[: max(1, int(share * len(parts)))].tolist())
        return [
            thoughts(of(_logits(part), rng).astype(np.float32), part[:, 0].astype(int)) if at in chosen else part
            for at, part in enumerate(parts)
        ]

    return changed


def noise(size: float) -> Callable[[Array, Rng], Array]:
    return lambda logits, rng: logits + size * rng.standard_normal(logits.shape)


def end_moved(by: float) -> Callable[[Array, Rng], Array]:
    """The end is so many nats likelier."""

    def moved(logits: Array, rng: Rng) -> Array:
        logits[:, END] += by
        return logits

    return moved


def one_word(logits: Array, rng: Rng) -> Array:
    logits[:, 5] += 12
    return logits


def wrong(part: Array, rng: Rng) -> Array:
    """One word is the one that was fifth, the first one becomes the fifth."""

    def swapped(logits: Array, rng: Rng) -> Array:
        at = rng.integers(len(logits))
        first, fifth = np.argsort(-logits[at])[[0, 4]]
        logits[at, [first, fifth]] = logits[at, [fifth, first]]
        return logits

    return change(swapped)([part], rng)[0]


HARM: dict[str, Change] = {
    "careless 4 bits": change(noise(2.0)),
    "half of the texts": change(noise(3.0), 0.5),
    "one text in ten mixed up": change(lambda logits, rng: logits[:, ::-1], 0.1),
    "scaled by .3": change(lambda logits, rng: logits * 0.3),
    "scaled by 3": change(lambda logits, rng: logits * 3),
    "one word everywhere": change(one_word),
    "no numbers": lambda parts, rng: [np.full_like(part, np.nan) for part in parts],
    "answers have no end": change(end_moved(-5.0)),
    "every second answer has no end": change(end_moved(-9.0), 0.5),
    "always the second word": change(lambda logits, rng: np.roll(logits, 1, axis=-1)),
}
HARMLESS: dict[str, Change] = {
    "the same": same, "another engine": change(noise(1e-5)), "BF16": change(noise(0.01)),
    "BF16 in half of the texts": change(noise(0.01), 0.5), "careful 8 bits": change(noise(0.03)),
    "scaled by 1.01": change(lambda logits, rng: logits * 1.01), "shifted": change(lambda logits, rng: logits + 5),
    "ends a little less sure": change(end_moved(-0.05)),
}  # fmt: skip
ZOOS = [
    Zoo(
        "next words", "language-model", "next_tokens", make, HARM, HARMLESS, wrong, places=PLACES,
        more={"scores": "logits", "ends": (END,)},
    )
]  # fmt: skip
