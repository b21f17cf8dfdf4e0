"""Texts keep the words of the program alone; everything else becomes a placeholder."""

import time
from pathlib import Path

import pytest

from app.services.machine.report import redact
from app.services.machine.report.redact import Redactor


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("not enough memory for 94371840000 bytes of shape (1, 3, 224, 224)", "not enough memory for about 9e+10 bytes of shape (1, 3, 224, 224)"),
        ("224x224 int8, avx512, 12 MB at 12:30:45", "224x224 int8, avx512, 12 MB at 12:30:45"),
        ("while running Gemm node. Name:'/fc1/Gemm'", "while running Gemm node. Name:<text 1>"),
        ("/home/a b/my model.onnx and 'my model.onnx', my model.csv", "<file 1>.onnx and <file 1>.onnx, my <file 2>.csv"),
        (r"C:\Users\Wiebke\a.pt \\server\share\b c.npz", "<file 1>.pt <file 2>.npz"),
        ("pictures/Wiebke/img 1.png", "pictures/<word 1>/img <file 1>.png"),
        ("Smith and 患者 at https://a.b/c?d=e or a@b.de, 10.0.0.1, fe80::1:2:3:4", "<word 1> and <word 2> at <address 1> or <address 2>, <address 3>, <address 4>"),
        ("hf_abcdefgh sk-12345678 deadbeef01234567", "<token 1> <token 2> <word 1>"),
        ("qborn 1984-03-12 or 12.03.1984, 0151 23456789", "<word 1> <number 1> or <number 2>, <number 3>"),
        ("“Fast” and “Fast” and the cat", "<text 1> and <text 1> and the <name 1>"),
        ("it's the model's own", "it's the model's own"),
    ],
)  # fmt: skip
def test_text_keeps_public_words_alone(text: str, redacted: str) -> None:
    """Given a text of a library or a log, Then private parts have placeholders and the rest can be read."""
    assert Redactor((), ("cat",)).lines(text) == redacted


def test_frames_keep_places_of_public_source(tmp_path: Path) -> None:
    """Given a traceback, Then frames of the program and of libraries keep file, line and function, those of other files
    their line alone, and no line of source is kept."""
    trace = (
        f'  File "{Path(redact.__file__)}", line 3, in lines\n    secret = 1\n    ^^^^^^\n'
        f'  File "{Path(pytest.__file__)}", line 4, in main\n    other()\n'
        f'  File "{tmp_path / "mine.py"}", line 5, in hepatitis\n    third()\nValueError: wrong value'
    )
    assert Redactor(()).lines(trace).splitlines() == [
        '  File "fettle/app/services/machine/report/redact.py", line 3, in lines',
        '  File "libraries/pytest/__init__.py", line 4, in main',
        '  File "<file 1>.py", line 5, in …',
        "ValueError: wrong value",
    ]


def test_last_scan_finds_what_a_file_should_not_hold() -> None:
    """Given a finished file with a secret of public words, an address and versions, Then the former are replaced, and the latter where
    they can be no versions."""
    redactor = Redactor(("model", "open-graph"))
    assert redactor.scanned("model open-graph 12.9.1.4", has_versions=True) == "model <name 1> 12.9.1.4"
    assert redactor.scanned("a@b.de 10.0.0.1") == "<address 1> <address 2>"


def test_known_places_are_named() -> None:
    """Given the home and the data folder, one in the other, Then paths below them start with what they are."""
    redactor = Redactor((), (), {"/home/wq": "home folder", "/home/wq/data": "data folder"})
    assert redactor.lines("in /home/wq/data/jobs of /home/wq") == "in <data folder>/jobs of <home folder>"


def test_names_of_many_examples_are_found_in_seconds() -> None:
    """Given the texts of 100,000 examples, When hundreds of short texts are redacted, Then not each is searched for all
    of them (a report took minutes)."""
    texts = {f"the film number {at} was a fine one" for at in range(100_000)}
    redactor = Redactor({*texts, "!!!"}, {"Über"})
    began_s = time.process_time()
    shown = redactor.tree([f"the text {at}" for at in range(300)])
    assert time.process_time() - began_s < 5
    assert shown == [f"the text {at}" for at in range(300)]
    assert redactor.lines("THE FILM number 17 was a fine one !!!") == "<name 1> <name 2>"
    assert redactor.lines("über the text") == "<name 3> the text"
