"""What the set-up reads and shows, without a process."""

from pathlib import Path

import pytest
from steps.lockfile import Pin, parse
from steps.need import cost_of
from steps.pip import failure, parse_report
from steps.system import command_for, opens_window, window_libraries
from steps.words import size

PINS = [Pin("torch", "torch>=2.9", 158_000_000, 650_000_000), Pin("numpy", "numpy==2.4.6", 17_000_000, 70_000_000)]


def test_lock_lines() -> None:
    """Given pins with markers, extras, comments and empty lines, then names are normalized and sizes read."""
    pins = parse(
        "# head\n\nPySide6_Essentials==6.11.3 ; (python_version < '3.12')  # download 12 installed 34\na.b[c]==1\n"
    )
    assert pins == [
        Pin("pyside6-essentials", "PySide6_Essentials==6.11.3 ; (python_version < '3.12')", 12, 34),
        Pin("a-b", "a.b[c]==1", 0, 0),
    ]
    with pytest.raises(ValueError, match="not a requirement"):
        parse("==1.0\n")


def test_need_counts_only_missing_downloads() -> None:
    """Given a build that lies on the disk, then only the rest is to be downloaded."""
    plan = [Pin("torch", "torch==2.13.0+cpu", is_local=True), Pin("numpy", "numpy==2.4.6")]
    installed, lines = cost_of(plan, PINS, takes_cuda=False)

    assert installed == 720_000_000 and not any("NVIDIA" in line for line in lines)
    assert lines[0] == (
        "To install: 2 packages, about 17 MB to download and 720 MB on disk."
        " 1 of the packages lie on this computer already."
    )


@pytest.mark.parametrize(("takes_cuda", "hint"), [(True, False), (False, True)])
def test_the_large_build_is_announced(takes_cuda: bool, hint: bool) -> None:
    """Given that pip offers the build with CUDA alone, then its size is shown, and how to avoid it only where no GPU is."""
    plan = parse("torch==2.13.0\nnvidia-cudnn-cu13==9.20\nnvidia-ml-py==13.6\n")
    text = "\n".join(cost_of(plan, PINS, takes_cuda)[1])

    assert "3.2 GB to download" in text
    assert ("PIP_FIND_LINKS" in text) == hint


def test_telemetry_reader_is_no_cuda_build() -> None:
    assert cost_of(parse("nvidia-ml-py==13.6\n"), PINS, takes_cuda=False)[0] == 0


def test_report_of_pip(tmp_path: Path) -> None:
    """Given pip's report with one wheel on disk under a name with a blank, then it counts as local."""
    wheel = tmp_path / "ein Rad+cpu.whl"
    wheel.write_bytes(b"12345")
    report: dict[str, object] = {
        "version": "1",
        "install": [
            {"download_info": {"url": wheel.as_uri()}, "metadata": {"name": "a", "version": "1+cpu"}},
            {
                "download_info": {"url": "https://example.invalid/b-2-py3-none-any.whl"},
                "metadata": {"name": "b", "version": "2"},
            },
        ],
    }
    assert parse_report(report) == [Pin("a", "a==1+cpu", is_local=True), Pin("b", "b==2")]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("OSError: [Errno 28] No space left on device\nERROR: Could not install", "disk is full"),
        ("WARNING: Retrying … NameResolutionError('…')\nERROR: No matching distribution found for x==1", "not reach"),
        ("ERROR: Could not find a version\nERROR: No matching distribution found for x==1\n", "ready-built x==1"),
        ("a\nERROR: Something new\nb\n", "Something new"),
        ("", "without a word"),
    ],
)
def test_failures_of_pip(output: str, words: str) -> None:
    error = failure(output, Path("setup.log"))
    assert words in error.what
    assert error.hint.endswith(".")


@pytest.mark.parametrize(
    ("arguments", "environment", "opens"),
    [
        ([], {"DISPLAY": ":0"}, True),
        ([], {"WAYLAND_DISPLAY": "wayland-0"}, True),
        (["--data-dir", "x", "--quiet"], {"DISPLAY": ":0"}, True),
        (["--data-dir=x"], {"DISPLAY": ":0"}, True),
        ([], {}, False),
        (["demo"], {"DISPLAY": ":0"}, False),
        (["--quiet", "demo"], {"DISPLAY": ":0"}, False),
        (["--version"], {"DISPLAY": ":0"}, False),
    ],
)
def test_when_a_window_opens(arguments: list[str], environment: dict[str, str], opens: bool) -> None:
    """System libraries are looked for only then."""
    assert opens_window(arguments, environment) == opens


def test_libraries_of_the_display_in_use() -> None:
    x11 = {library for library, _ in window_libraries({"DISPLAY": ":0"})}
    wayland = {library for library, _ in window_libraries({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"})}
    offscreen = {library for library, _ in window_libraries({"QT_QPA_PLATFORM": "offscreen"})}

    assert "libxcb-cursor.so.0" in x11 - wayland
    assert "libwayland-client.so.0" in wayland - x11
    assert offscreen == x11 & wayland


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get install -y libegl1 xvfb"),
        ("dnf", "sudo dnf install 'libEGL.so.1()(64bit)' Xvfb"),
        ("pacman", "(Debian calls them libegl1 xvfb)"),
    ],
)
def test_command_of_the_systems_family(manager: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.system.shutil.which", lambda name: name if name == manager else None)
    assert command in command_for([("libEGL.so.1", "libegl1"), ("Xvfb", "xvfb")])


def test_sizes_for_people() -> None:
    assert [size(value) for value in (3_100_000_000, 287_400_000, 80_000, 3)] == ["3.1 GB", "287 MB", "80 kB", "1 kB"]
