"""Choose the files of a repository to download."""

import pytest

from workers.contracts.hub import HubFile, bad_name
from workers.hub.choose import choose, formats_of


def files(*names: str, size: int = 10) -> list[HubFile]:
    return [HubFile(name=name, size_bytes=size, git_oid="0" * 40) for name in names]


def chosen(*names: str, **more: object) -> list[str]:
    return [file.name for file in choose(files(*names), **more).wanted]


def test_choose_takes_onnx_first_with_its_companions() -> None:
    names = (
        "README.md", "LICENSE", "config.json", "tokenizer.json", "model.safetensors", "pytorch_model.bin", "onnx/model.onnx",
        "onnx/model.onnx_data", "onnx/model_fp16.onnx", "onnx/model_fp16.onnx_data", "train.py", "picture.png",
    )  # fmt: skip

    assert chosen(*names) == [
        "LICENSE", "README.md", "config.json", "onnx/model.onnx", "onnx/model.onnx_data", "tokenizer.json",
    ]  # fmt: skip
    choice = choose(files(*names))
    assert choice.safe
    assert choice.main is None


@pytest.mark.parametrize(
    ("names", "weights", "main"),
    [
        (("model.onnx", "onnx/model_int8.onnx"), ["model.onnx"], None),
        (("onnx/model_fp16.onnx", "onnx/model_q4.onnx"), ["onnx/model_fp16.onnx"], "onnx/model_fp16.onnx"),
        (("det_quantized.onnx", "det.onnx"), ["det.onnx"], None),
        (
            ("onnx/encoder_model.onnx", "onnx/decoder_model.onnx", "onnx/decoder_model_merged.onnx", "onnx/x_q4.onnx"),
            ["onnx/decoder_model_merged.onnx", "onnx/encoder_model.onnx"],
            "onnx/encoder_model.onnx",
        ),
        (("deep/net.onnx", "deep/weights"), ["deep/net.onnx", "deep/weights"], "deep/net.onnx"),
        (("model.safetensors", "modeling_evil.py", "setup.sh"), ["model.safetensors"], None),
        (
            ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "adapter.safetensors"),
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
            None,
        ),
        (("unet/x.safetensors", "unet/x.fp16.safetensors"), ["unet/x.safetensors"], "unet/x.safetensors"),
    ],
)
def test_choose_takes_one_model_in_full_precision(names: tuple[str, ...], weights: list[str], main: str | None) -> None:
    choice = choose(files(*names, "config.json"))

    assert [file.name for file in choice.wanted if file.name != "config.json"] == weights
    assert choice.main == main
    assert choice.safe
    assert not choice.needs_consent


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("x-Q2_K.gguf", "x-Q4_K_M.gguf", "x-Q8_0.gguf", "x-F16.gguf"), "x-Q8_0.gguf"),
        (("x-f16.gguf", "x.IQ4_NL.gguf", "x.q4_0.gguf"), "x-f16.gguf"),
        (("x-q4_k_s.gguf", "x-iq2_xs.gguf"), "x-q4_k_s.gguf"),
        (("x-Q8_0-00001-of-00002.gguf", "x-Q8_0-00002-of-00002.gguf", "x-Q4_0.gguf"), "x-Q4_0.gguf"),
        (("only.gguf", "pytorch_model.bin"), "only.gguf"),
    ],
)
def test_choose_takes_the_most_exact_gguf_that_is_not_split(names: tuple[str, ...], wanted: str) -> None:
    choice = choose(files(*names, "README.md"))
    assert [file.name for file in choice.wanted] == ["README.md", wanted]
    assert choice.main == wanted and choice.safe and not choice.needs_consent


def test_choose_takes_pickles_only_with_consent() -> None:
    names = ("config.json", "pytorch_model.bin", "optimizer.pt")

    refused = choose(files(*names))
    assert (refused.wanted, refused.needs_consent, refused.safe) == ((), True, False)
    given = choose(files(*names), allow_pickle=True)
    assert [file.name for file in given.wanted] == ["config.json", "pytorch_model.bin"]
    assert not given.safe


@pytest.mark.parametrize("names", [("README.md", "model.tflite"), ("x-00001-of-00002.gguf", "x-00002-of-00002.gguf")])
def test_choose_without_a_model_is_empty(names: tuple[str, ...]) -> None:
    choice = choose(files(*names))
    assert choice.wanted == () and not choice.needs_consent


def test_choose_follows_the_users_patterns() -> None:
    names = ("onnx/model.onnx", "onnx/model_q4.onnx", "onnx/model_q4.onnx_data", "config.json", "a.bin", "model.bin")

    assert chosen(*names, patterns=("onnx/model_q4*",)) == ["onnx/model_q4.onnx", "onnx/model_q4.onnx_data"]
    assert choose(files(*names), ("onnx/model_q4*",)).main == "onnx/model_q4.onnx"
    assert choose(files(*names), ("onnx/model_q4*",)).safe
    assert not choose(files(*names), ("*.bin",)).safe
    assert chosen(*names, patterns=("ONNX/*",)) == []


def test_formats_are_recognized_by_names() -> None:
    assert formats_of(["a.gguf", "x/model.onnx", "model.safetensors", "pytorch_model.bin", "tf_model.h5"]) == (
        "onnx", "safetensors", "gguf", "pickle", "tensorflow",
    )  # fmt: skip
    assert formats_of(["weights.bin", "openvino_model.xml"]) == ("openvino",)


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "..", "../x", "a/../../x", "a//b", "./a", "a/.", "C:/x", "C:x", "a\\b", "..\\x", "a\0b", "a\nb",
     "x" * 256, "/".join(["d" * 200] * 6), "\u202etxt.exe", "a\u200bb", "con", "CON.txt", "a/nul.onnx", "com1.x", "x ", "x.", "a:b",
     "\ud800"],
)  # fmt: skip
def test_bad_name_of_a_file_is_refused(name: str) -> None:
    assert bad_name(name)
    with pytest.raises(ValueError, match="not a file name"):
        HubFile(name=name, size_bytes=1)


@pytest.mark.parametrize(
    "name", ["model.onnx", "a/b/c.json", ".gitattributes", "模型.onnx", "a b.txt", "...x", "x..y", "console"]
)
def test_good_name_of_a_file_is_accepted(name: str) -> None:
    assert bad_name(name) is None
