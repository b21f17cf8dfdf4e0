"""Which operators of ONNX, ONNX Runtime, OpenVINO and torch are the same kind."""

SAME = {
    "conv": "convolution groupconvolution conv1d conv2d conv3d convinteger qlinearconv fusedconv nhwcfusedconv",
    "convtranspose": "convolutionbackpropdata groupconvolutionbackpropdata convtranspose2d deconvolution",
    "matmul": "gemm linear fullyconnected matmulinteger qlinearmatmul qgemm matmulnbits matmulintegertofloat "
    "dynamicquantizematmul fusedmatmul fusedgemm transposematmul addmm mm bmm matmulbnb4 gemmfloat8",
    "add": "biasadd qlinearadd",
    "mul": "multiply qlinearmul",
    "sub": "subtract",
    "div": "divide",
    "pow": "power",
    "batchnorm": "batchnormalization batchnorminference",
    "layernorm": "layernormalization skiplayernormalization embedlayernormalization",
    "rmsnorm": "simplifiedlayernormalization skipsimplifiedlayernormalization rms rmsnormalization",
    "clip": "clamp hardtanh relu6",
    "gather": "embedding gatherblockquantized indexselect",
    "mean": "globalaveragepool averagepool avgpool adaptiveavgpool2d avgpool2d qlinearglobalaveragepool "
    "qlinearaveragepool reducemean",
    "maxpool": "maxpool2d globalmaxpool adaptivemaxpool2d",
    "softmax": "qlinearsoftmax",
    "sigmoid": "logistic qlinearsigmoid",
    "swish": "silu quickgelu",
    "gelu": "fastgelu biasgelu",
    "hardswish": "hswish",
    "leakyrelu": "qlinearleakyrelu",
    "reshape": "view flatten squeeze unsqueeze unsafeview unflatten",
    "transpose": "permute t",
    "concat": "cat qlinearconcat",
    "split": "variadicsplit chunk splitwithsizes",
    "slice": "stridedslice",
    "expand": "broadcast tile repeat",
    "where": "select qlinearwhere",
    "shape": "shapeof symsize",
    "and": "logicaland bitwiseand",
    "or": "logicalor bitwiseor",
    "not": "logicalnot bitwisenot",
    "equal": "eq",
    "greater": "gt",
    "greaterequal": "greaterorequal ge",
    "less": "lt",
    "lessequal": "lessorequal le",
    "max": "maximum reducemax amax",
    "min": "minimum reducemin amin",
    "neg": "negative",
    "mod": "floormod remainder",
    "resize": "upsample interpolate upsamplenearest2d upsamplebilinear2d",
    "attention": "multiheadattention scaleddotproductattention groupqueryattention qattention",
    "if": "cond",
    "loop": "tensoriterator whileloop",
    "sum": "reducesum",
    "cast": "convert to tocopy convertlike",
    "identity": "dropout alias clone contiguous detach liftfreshcopy",
    "quantize": "quantizelinear dynamicquantizelinear",
    "dequantize": "dequantizelinear",
    "fakequantize": "",
    "reorder": "",
}
KINDS = {name: kind for kind, names in SAME.items() for name in (kind, *names.split())}

PASSING = frozenset({"cast", "identity", "quantize", "dequantize", "fakequantize", "reorder"})
"""Kinds that pass a value on, in another type, rounding or layout."""

FOLDED = frozenset({"batchnorm", "add", "mul", "sub", "div", "relu", "clip", "sigmoid", "swish", "hardswish", "gelu",
                    "leakyrelu", "tanh", "transpose", "reshape", "pad"})  # fmt: skip
"""Kinds that engines fold into an operator beside them."""

COMPOSITE = frozenset({"rmsnorm", "layernorm", "attention", "gelu", "lstm", "gru", "rnn"})
"""Kinds that compute what is several operators elsewhere."""

INTEGER = ("convinteger", "matmulinteger", "qlinear", "qgemm", "dynamicquantizematmul", "qattention")
"""Starts of the names of operators that compute with 8 bits."""


PACKED = ("matmulnbits", "gatherblockquantized", "matmulbnb4")
"""Operators whose weights have other sizes than their numbers, because a byte holds several."""


def plain(op: str) -> str:
    """Return an operator's name in lower case without underscores."""
    return op.lower().replace("_", "")


def kind_of(op: str) -> str:
    """Return the kind of an operator, alike in all formats."""
    name = plain(op)
    return KINDS.get(name, name)


def is_integer(op: str) -> bool:
    """Return whether an operator computes with 8 bits."""
    return plain(op).startswith(INTEGER)


def is_packed(op: str) -> bool:
    """Return whether an operator's weights are bytes of several numbers."""
    return plain(op) in PACKED
