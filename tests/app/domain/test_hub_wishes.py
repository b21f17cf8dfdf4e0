"""What can be said of a model before it is downloaded: whether it runs here, whether it is what was wished for."""

from typing import Any

import pytest

from app.domain.hub import Wish, format_kind
from workers.contracts.hub import HubModel
from workers.contracts.licenses import LicenseVerdict

OK = LicenseVerdict(word="ok", title="MIT", meaning="m")
CONDITIONS = LicenseVerdict(word="conditions", title="GPL", meaning="m")
NO = LicenseVerdict(word="noncommercial", title="NC", meaning="m")
UNKNOWN = LicenseVerdict(word="unknown", title="", meaning="m")


def model(**facts: Any) -> HubModel:
    return HubModel(repo="a/b", **facts)


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({}, "unknown"),
        ({"formats": ("onnx", "pickle")}, "safe"),
        ({"formats": ("onnx",), "library": "anything"}, "safe"),
        ({"formats": ("safetensors",), "library": "timm"}, "safe"),
        ({"formats": ("safetensors",), "library": None}, "safe"),
        ({"formats": ("safetensors",), "library": "diffusers"}, "not_here"),
        ({"formats": ("pickle",), "library": "transformers"}, "code"),
        ({"formats": ("gguf",)}, "not_here"),
        ({"formats": ("tensorflow", "flax")}, "not_here"),
        ({"formats": ("onnx",), "size_bytes": 9 * 10**9}, "not_here"),
        ({"formats": ("onnx",), "size_bytes": 7 * 10**9}, "safe"),
    ],
)
def test_whether_it_runs_here(facts: dict[str, Any], kind: str) -> None:
    """Given formats, library and size, on a computer of 16 GB, then the kind is told from these alone."""
    assert format_kind(model(**facts), 16 * 10**9) == kind


@pytest.mark.parametrize(
    ("verdict", "fits"), [(OK, True), (CONDITIONS, True), (NO, False), (UNKNOWN, False), (None, False)]
)
def test_business_use(verdict: LicenseVerdict | None, fits: bool) -> None:
    """Given the wish for business use, then what is not known to allow it is left out."""
    assert Wish(business=True).fits(model(verdict=verdict)) is fits


def test_a_size_that_nobody_tells_is_not_small() -> None:
    """Given a largest size, then a model of unknown size is left out."""
    wish = Wish(max_bytes=100)
    assert [wish.fits(model(size_bytes=size)) for size in (100, 101, None)] == [True, False, False]
    assert not wish.is_empty and Wish(memory_bytes=1).is_empty
