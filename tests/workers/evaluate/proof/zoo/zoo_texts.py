"""Texts: translations, and transcripts of speech."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from zoo import Array, Change, Rng, Zoo, text_answers

from workers.evaluate.proof.predictions import Predictions

NAMES = ["Anna Weber", "Tom Okafor", "Señora Álvarez", "Jean Dupré"]
SUBJECTS = [
    "the old captain", "our neighbor", "a young doctor", "the committee", "her brother", "the village school",
    "my driver",
]  # fmt: skip
VERBS = [
    "has not opened", "will repair", "did not find", "described", "must close", "has painted", "never sold",
    "could move",
]  # fmt: skip
THINGS = [
    "the harbor gate", "three wooden boats", "a letter from abroad", "the second bridge", "12 new chairs",
    "the kitchen roof",
]  # fmt: skip
WHERE = [
    "near the market square", "before the winter began", "on the morning of the 14th", "without any help", "in 1987",
]  # fmt: skip
MORE = ["because the road was closed", "although nobody had asked for it", "and everyone was glad about that"]
PLAIN = [
    "window", "garden", "station", "yellow", "quickly", "paper", "minister", "holiday", "strange", "together", "carry",
    "basket", "thunder", "island",
]  # fmt: skip
SWAPS = {"old": "ancient", "repair": "mend", "glad": "happy", "near": "close to", "began": "started", "help": "aid"}


def sentence(rng: Rng) -> str:
    parts = [SUBJECTS, VERBS, THINGS, WHERE, MORE]
    begin = " ".join(str(rng.choice(part)) for part in parts)
    return f"{begin} for {rng.choice(NAMES)} {rng.choice(PLAIN)} {rng.choice(PLAIN)}."


def texts(n: int, rng: Rng) -> list[Array]:
    """One or two sentences each, 20 to 50 words."""
    return [np.asarray(" ".join(sentence(rng) for _ in range(rng.integers(1, 3)))) for _ in range(n)]


def measured(n: int, rng: Rng) -> list[Array]:
    """Recipes and prices, of 30 words and more: numbers with units and signs."""
    rows = []
    for _ in range(n):
        many, cold, cost, less = (int(rng.integers(2, 90)) for _ in range(4))
        what = " ".join(rng.choice(PLAIN, 8))
        rows.append(
            f"Take {many} mg of the {rng.choice(PLAIN)} powder and keep it at -{cold} °C for {many + 3} min before"
            f" {rng.choice(SUBJECTS)} mixes it with the rest; it costs ${cost} a piece and {less} % less"
            f" {rng.choice(WHERE[:2])} {what}."
        )
    return [np.asarray(row) for row in rows]


def speech(n: int, rng: Rng) -> list[Array]:
    """Spoken texts: small letters without marks, one recording in fifty silent."""
    rows = []
    for row in texts(n, rng):
        plain = "".join(c for c in str(row).lower() if c.isalnum() or c == " ")
        rows.append(np.asarray("" if rng.random() < 0.02 else plain))
    return rows


Edit = Callable[[str, Rng], str]


def all_of(edit: Edit) -> Change:
    return lambda parts, rng: [np.asarray(edit(str(part), rng)) for part in parts]


def some_of(share: float, edit: Edit) -> Change:
    def changed(parts: list[Array], rng: Rng) -> Sequence[Array]:
        spoken = [i for i, part in enumerate(parts) if str(part)]
        for at in rng.permutation(spoken)[: max(1, int(share * len(spoken)))]:
            parts[at] = np.asarray(edit(str(parts[at]), rng))
        return parts

    return changed


def every_tenth_word(text: str, rng: Rng) -> str:
    words = text.split()
    for at in range(int(rng.integers(0, min(10, len(words) or 1))), len(words), 10):
        words[at] = str(rng.choice([word for word in PLAIN if word != words[at]]))
    return " ".join(words)


def swapped(text: str, rng: Rng) -> str:
    return " ".join(SWAPS.get(word, word) for word in text.split())


def without(word: str) -> Edit:
    return lambda text, rng: " ".join(one for one in text.split() if one != word)


def other_numbers(text: str, rng: Rng) -> str:
    return text.replace("12", "21").replace("1987", "1978").replace("14th", "15th")


def replaced(old: str, new: str) -> Edit:
    return lambda text, rng: text.replace(old, new)


def other_names(text: str, rng: Rng) -> str:
    """One family name is another."""
    return (
        text.replace("Weber", "Huber")
        .replace("Okafor", "Okonjo")
        .replace("Dupré", "Durand")
        .replace("Álvarez", "Gómez")
    )


def other_number_words(text: str, rng: Rng) -> str:
    return text.replace("three", "two").replace("second", "third").replace("12", "21")


def broken_encoding(text: str, rng: Rng) -> str:
    """UTF-8 read as Latin-1."""
    return text.encode().decode("latin-1")


def other_script(text: str, rng: Rng) -> str:
    return text.translate(str.maketrans("aeopcxy", "аеорсху"))


def cut(share: float) -> Edit:
    def shortened(text: str, rng: Rng) -> str:
        words = text.split()
        return " ".join(words[: max(1, len(words) - max(1, int(share * len(words))))]) if words else ""

    return shortened


def beheaded(text: str, rng: Rng) -> str:
    return " ".join(text.split()[1:]) or text


def repeats(text: str, rng: Rng) -> str:
    return text + (" " + " ".join(text.split()[-3:])) * 2


def noise(text: str, rng: Rng) -> str:
    return " ".join(rng.choice(PLAIN, max(3, len(text.split()))))


def letters_wrong(share: float) -> Edit:
    def wrong(text: str, rng: Rng) -> str:
        letters = list(text)
        for at in np.flatnonzero(rng.random(len(letters)) < share):
            letters[at] = "x" if letters[at] != " " else " "
        return "".join(letters)

    return wrong


def one_letter(text: str, rng: Rng) -> str:
    """One letter of a long word is another one."""
    words = text.split()
    long = [i for i, word in enumerate(words) if word in PLAIN]
    if not long:
        return text
    at = int(rng.choice(long))
    words[at] = words[at][:2] + "e" + words[at][3:]
    return " ".join(words)


HARM: dict[str, Change] = {
    "empty": all_of(lambda text, rng: ""),
    "every tenth word wrong": all_of(every_tenth_word),
    "texts of other items": lambda parts, rng: [parts[i] for i in rng.permutation(len(parts))],
    "the end is cut": all_of(cut(0.1)),
    "noise on 5 %": some_of(0.05, noise),
    "“not” is lost": all_of(without("not")),
    "other numbers": all_of(other_numbers),
    "goes on repeating": all_of(repeats),
    "a twelfth of the letters wrong": all_of(letters_wrong(0.12)),
    "other number words": all_of(other_number_words),
    "letters of another script": all_of(other_script),
    "names of tokens": all_of(lambda text, rng: text + " </s>" if text else text),
    "bytes that are no letter": all_of(lambda text, rng: text.replace("e", "\ufffd", 1)),
    "an endless word": all_of(lambda text, rng: text + " " + "na" * 400),
}
HARMLESS: dict[str, Change] = {
    "the same": all_of(lambda text, rng: text),
    "more white space": all_of(lambda text, rng: "  " + text.replace(" ", "  ") + "\n"),
    "no-break spaces": all_of(lambda text, rng: text.replace(" ", "\u00a0")),
    "letters in another form": all_of(lambda text, rng: text.replace("fi", "\ufb01")),
    "tabs": all_of(lambda text, rng: text.replace(" ", "\t")),
}
TEXT_HARM = HARM | {
    "synonyms": all_of(swapped),
    "other names": all_of(other_names),
    "broken encoding": all_of(broken_encoding),
    "capitals": all_of(lambda text, rng: text.upper()),
    "no capitals": all_of(lambda text, rng: text.lower()),
    "no marks": all_of(lambda text, rng: text.replace(",", "").replace(".", "")),
    "statements are questions": all_of(lambda text, rng: text.rstrip(".!") + "?"),
    "written from the right": all_of(lambda text, rng: "\u202e" + text),
    "last word twice": all_of(lambda text, rng: f"{text} {text.split()[-1]}"),
}
MEASURE_HARM = {how: HARM[how] for how in ("empty", "the end is cut", "noise on 5 %")} | {
    "other units": all_of(replaced(" mg ", " g ")),
    "minutes are hours": all_of(replaced(" min ", " h ")),
    "the minus is lost": all_of(replaced(" -", " ")),
    "another currency": all_of(replaced("$", "€")),
    "percent is lost": all_of(replaced(" % ", " ")),
}
TEXT_HARMLESS = HARMLESS | {"last mark lost": all_of(lambda text, rng: text.removesuffix("."))}
ENDS_LOST: dict[str, Change] = {"last word lost": all_of(cut(0.01)), "first word lost": all_of(beheaded)}
SPEECH_HARM = HARM | ENDS_LOST
SPEECH_HARMLESS = HARMLESS | {"one letter of a long word": all_of(one_letter)}


def answers(zoo: Zoo, parts: Sequence[Array]) -> Predictions:
    return text_answers([str(part) for part in parts], zoo.kind)


def other_text(part: Array, rng: Rng) -> Array:
    return np.asarray(noise(str(part), rng))


def translated(old: list[Array], rng: Rng) -> Sequence[Mapping[str, Any]]:
    """References: the original is another text in one of ten, and has other words for some things."""
    return [{"group": noise(str(part), rng) if rng.random() < 0.1 else swapped(str(part), rng)} for part in old]


def heard(old: list[Array], rng: Rng) -> Sequence[Mapping[str, Any]]:
    """Spoken texts: the original errs in one letter of many words."""
    return [{"transcript": one_letter(str(part), rng)} for part in old]


WITHOUT_LABELS_ONLY = ("synonyms", "capitals", "broken encoding")
"""By the right texts synonyms may be no loss, nor are letters that are few."""

KNOWN_TEXT_HARM = {how: change for how, change in (TEXT_HARM | ENDS_LOST).items() if how not in WITHOUT_LABELS_ONLY}
ZOOS = [
    Zoo("translations", "text", "tokens", texts, TEXT_HARM, TEXT_HARMLESS, other_text, answers=answers),
    Zoo("texts with measures", "text", "tokens", measured, MEASURE_HARM, TEXT_HARMLESS, other_text, answers=answers),
    Zoo(
        "translations that are known",
        "text",
        "tokens",
        texts,
        KNOWN_TEXT_HARM,
        TEXT_HARMLESS,
        other_text,
        translated,
        answers=answers,
    ),
    Zoo("transcripts", "transcript", "transcript", speech, SPEECH_HARM, SPEECH_HARMLESS, other_text, answers=answers),
    Zoo(
        "transcripts that are known",
        "transcript",
        "transcript",
        speech,
        SPEECH_HARM,
        {how: change for how, change in SPEECH_HARMLESS.items() if how != "one letter of a long word"}
        | {"a word a line": all_of(lambda text, rng: text.replace(" ", "\n"))},
        other_text,
        heard,
        answers=answers,
    ),
]
