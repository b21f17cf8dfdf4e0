"""Example values of the page "Try it". Loaded after `examples`, whose names it joins."""

from dataclasses import replace
from types import ModuleType
from typing import Any

from examples import KINDS, picture

from widgets.pages.try_it.page import TryPage
from widgets.pages.try_it.value import ExampleValue, InputValue, TriedValue, TryValue
from widgets.parts.pictures import PictureValue
from workers.contracts.after.trying import ShownPicture, TryAnswer


def trying(**changed: Any) -> TryValue:
    base = TryValue(
        kind="images",
        original_bytes=9_200_000,
        versions=(("a", "INT8, sensitive layers kept", 2_400_000), ("b", "Faster engine", 9_200_000)),
        chosen="a",
    )
    return replace(base, **changed)


def live_answer(latency_ms: float, **changes: Any) -> TryAnswer:
    seen = ShownPicture(kind="image", height_px=28, width_px=28)
    return TryAnswer(**{"kind": "class", "latency_ms": latency_ms, "n_calls": 9, "seen": seen, **changes})


def live_answers(*names: str) -> tuple[TryAnswer, TryAnswer]:
    first, second, third = names or ("Ankle boot", "Sneaker", "Sandal")
    before = live_answer(10.3, rows=((first, 0.978), (second, 0.016), (third, 0.004)))
    return before, live_answer(3.1, rows=((first, 0.971), (second, 0.022), (third, 0.005)))


def live_vectors() -> tuple[TryAnswer, TryAnswer]:
    vector = {"kind": "values", "values": tuple(number / 7 for number in range(8)), "size": 384}
    return live_answer(21.0, **vector), live_answer(9.0, similarity=0.9998, **vector)


def live_input(name: str = "boot-window-3.jpg") -> InputValue:
    return InputValue(picture(4, name), f"{name}, as 28 × 28 dots")


def live_sound() -> InputValue:
    return InputValue(
        PictureValue(), "doorbell.wav, 3.2 s", tuple(abs((n * 37 % 64) - 32) / 40 for n in range(64)), b"RIFF"
    )


def live_examples(number: int = 13) -> tuple[ExampleValue, ...]:
    return tuple(ExampleValue(n * 7, picture(n), KINDS[n % 10], n < 2) for n in range(number))


def live_texts() -> tuple[ExampleValue, ...]:
    lines = ("I love the way it fits, would buy again and tell everybody", "Arrived broken")
    return tuple(ExampleValue(n, PictureValue(text=line), ("good", "bad")[n]) for n, line in enumerate(lines))


def live_tried(number: int = 4) -> tuple[TriedValue, ...]:
    return tuple(
        TriedValue(
            n, picture(n), f"{KINDS[n % 10].lower()}-{n}.jpg", KINDS[n % 10], 10.4, KINDS[(n + (n == 2)) % 10], 3.1,
            n != 2,
        )
        for n in range(number)
    )  # fmt: skip


def trying_picture(page: TryPage, ex: ModuleType) -> None:
    page.show_value(ex.trying())
    page.show_examples(ex.live_examples())
    page.show_input(ex.live_input())
    page.show_answers(*ex.live_answers())
    page.show_tried(ex.live_tried())


def trying_sound(page: TryPage, ex: ModuleType) -> None:
    page.show_value(ex.trying(kind="audio"))
    page.show_input(ex.live_sound())
    page.show_answers(*ex.live_vectors())


def trying_texts(page: TryPage, ex: ModuleType) -> None:
    page.show_value(ex.trying(kind="texts"))
    page.show_examples(ex.live_texts())
    page.show_problem(ex.refused(), ex.InputValue(caption="bad.txt"))
