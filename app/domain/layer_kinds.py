"""Map each engine's own name of a layer to one common name."""

_NAMES = {
    "Convolution": ("Conv", "FusedConv", "NhwcFusedConv", "QLinearConv", "ConvInteger", "GroupConvolution"),
    "Transposed convolution": ("ConvTranspose", "Deconvolution", "GroupDeconvolution"),
    "Fully connected": ("FullyConnected", "Gemm", "FusedGemm", "QGemm", "addmm", "linear"),
    "Matrix product": ("MatMul", "FusedMatMul", "QLinearMatMul", "MatMulInteger", "DynamicQuantizeMatMul", "mm", "bmm"),
    "Pooling": ("MaxPool", "AveragePool", "AvgPool", "GlobalAveragePool", "GlobalMaxPool", "QLinearAveragePool"),
    "Element by element": ("Eltwise", "Add", "Sub", "Mul", "Div", "Multiply", "Subtract", "Divide", "QLinearAdd"),
    "Softmax": ("SoftMax", "QLinearSoftmax"),
    "Reorder": ("ReorderInput", "ReorderOutput"),
    "Normalization": ("LayerNormalization", "SkipLayerNormalization", "BatchNormalization", "MVN", "LayerNorm"),
}
_BY_KIND = {kind.lower(): name for name, kinds in _NAMES.items() for kind in (name, *kinds)}


def kind_name(kind: str) -> str:
    """Return the common name of a layer's kind, or the engine's own name if unknown."""
    return _BY_KIND.get(kind.lower(), kind)
