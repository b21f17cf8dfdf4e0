"""Layers of two engines stand under one name."""

from app.domain.layer_kinds import kind_name


def test_engines_names_for_the_same_thing_are_one() -> None:
    """Given the names that ONNX Runtime and OpenVINO give the same computation, then one name stands for both, and what is
    not known keeps its own."""
    assert {kind_name(kind) for kind in ("Conv", "FusedConv", "Convolution", "convolution")} == {"Convolution"}
    assert kind_name("Gemm") == kind_name("FullyConnected") != kind_name("MatMul")
    assert kind_name("Softmax") == kind_name("SoftMax") == "Softmax"
    assert kind_name("ScaledDotProductAttention") == "ScaledDotProductAttention"
