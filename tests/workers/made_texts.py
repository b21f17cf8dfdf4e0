"""Reviews in English and German out of many words, with a tokenizer and a classifier that know English alone."""

from __future__ import annotations

from functools import cache

import numpy as np
from made_traffic import Pool
from numpy.typing import NDArray

from workers.monitor.figures import of_texts

ENGLISH = (
    "the shirt|these shoes|my new coat|this dress|the bag|those boots|the jacket|her sweater",
    "arrived on time|came late|was packed well|fits perfectly|is too small|looks better than in the picture|lost its color"
    "|feels soft and warm|broke after a week|was worth the money|smells strange|is exactly what we wanted",
    "and my children love it|so we sent it back|but nobody answered our letter|and I would buy it again"
    "|because the zipper does not close|although it was not cheap|and the color is beautiful|which made us very happy"
    "|so I asked for a refund|and everyone at work asked about it",
)
GERMAN = (
    "das Hemd|diese Schuhe|mein neuer Mantel|dieses Kleid|die Tasche|jene Stiefel|die Jacke|ihr Pullover",
    "kam pünktlich an|kam zu spät|war gut verpackt|passt genau|ist zu klein|sieht besser aus als auf dem Bild"
    "|hat die Farbe verloren|fühlt sich weich und warm an|ging nach einer Woche kaputt|war das Geld wert|riecht seltsam"
    "|ist genau das, was wir wollten",
    "und meine Kinder lieben es|also haben wir es zurückgeschickt|aber niemand hat auf unseren Brief geantwortet"
    "|und ich würde es wieder kaufen|weil der Reißverschluss nicht schließt|obwohl es nicht billig war"
    "|und die Farbe ist wunderschön|was uns sehr gefreut hat|also wollte ich mein Geld zurück",
)


def texts(language: tuple[str, ...], count: int, seed: int) -> list[str]:
    """Of one to three sentences each."""
    rng = np.random.default_rng(seed)
    parts = [part.split("|") for part in language]
    lengths = rng.integers(1, 4, count)
    picks = rng.random((count, 3, len(parts)))
    return [
        ". ".join(
            " ".join(part[int(p * len(part))] for part, p in zip(parts, row, strict=True)) for row in rows[:length]
        )
        for rows, length in zip(picks, lengths, strict=True)
    ]


@cache
def tokenizer():
    """Words that occur in English reviews; all others are unknown."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.train_from_iterator(texts(ENGLISH, 500, 0), trainers.WordLevelTrainer(special_tokens=["[PAD]", "[UNK]"]))
    return made


def pool(language: tuple[str, ...], count: int, seed: int) -> Pool:
    """Figures of texts, and the class (praise or blame) of a classifier by words, with its confidence and energy."""
    made = [tokenizer().encode(text).ids for text in texts(language, count, seed)]
    longest = max(map(len, made))
    ids = np.asarray([row + [0] * (longest - len(row)) for row in made])
    mask = np.asarray([[1] * len(row) + [0] * (longest - len(row)) for row in made])
    figures = of_texts(ids, mask, tokenizer().token_to_id("[UNK]"))
    weights = np.random.default_rng(7).normal(size=(tokenizer().get_vocab_size(), 2))
    logits = np.stack([weights[row[row > 0]].sum(axis=0) for row in ids])
    figures |= _sure(logits)
    classes = logits.argmax(axis=1)
    return Pool(figures, classes, classes)


def _sure(logits: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    energy = -np.logaddexp(logits[:, 0], logits[:, 1])
    return {"energy": energy, "confidence": np.exp(logits.max(axis=1) + energy)}
