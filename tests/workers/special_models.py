"""Small models that have what one technique looks for: a mask, one-hot vectors, another layout, groups, casts."""

import numpy as np
import onnx
import small_models as small
from onnx import TensorProto, helper, numpy_helper
from small_models import (
    Feeds,
    Kind,
    array_kind,
    build_cnn,
    build_transformer,
    classes,
    floats,
    model_of,
    nodes_of,
    weight,
)
from wide_models import twice_as_wide

from workers.pipeline import images
from workers.pipeline.spec import ImageSteps, PipelineInput, PipelineOutput, PipelineSpec


def build_texts() -> onnx.ModelProto:
    """The transformer with a mask of the tokens that count, in attention and mean; and the tokens' own vectors."""
    proto = build_transformer()
    graph = proto.graph
    weights = [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in (("one", 1), ("far", 1e4))]
    weights += [numpy_helper.from_array(np.array([axis]), f"ax{axis}") for axis in (1, 2)]
    mean = next(node for node in graph.node if node.op_type == "ReduceMean")
    softmax = next(node for node in graph.node if node.op_type == "Softmax")
    softmax.input[0] = "masked"
    nodes = nodes_of(f"""
        m0 = Cast <to = {TensorProto.FLOAT}> (attention_mask); minus = Sub (m0, one); low = Mul (minus, far)
        bias = Unsqueeze (low, ax1); m2 = Unsqueeze (m0, ax2)
    """)
    late = nodes_of("""
        hm = Mul (h, m2); total = ReduceSum <keepdims = 0> (hm, ax1); count = ReduceSum <keepdims = 1> (m0, ax1)
        m = Div (total, count)
    """)
    kept = [node for node in graph.node if node is not mean]
    at = kept.index(softmax)
    kept = [*nodes, *kept[:at], helper.make_node("Add", ["ss", "bias"], ["masked"]), *kept[at:-1], *late, kept[-1]]
    ids = [
        helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "tokens"]) for n in ("input_ids", "attention_mask")
    ]
    outputs = [floats("logits", "n", 2), floats("h", "n", "tokens", 32)]
    return model_of(kept, ids, outputs, [*graph.initializer, *weights])


def build_one_hot(by: str = "Equal") -> onnx.ModelProto:
    """Bytes as one-hot vectors times a table, an activation, the largest over all places, four classes."""
    rng = small.RNG(8)
    weights = [weight(rng, "table", 20, 16), weight(rng, "bias", 1, 1, 16), weight(rng, "head", 16, 4)]
    weights += [numpy_helper.from_array(np.arange(20, dtype=np.int32).reshape(1, 1, 20), "counting")]
    weights += [numpy_helper.from_array(np.array([-1]), "last"), numpy_helper.from_array(np.array(20), "depth")]
    weights += [numpy_helper.from_array(np.array([0, 1], np.float32), "off_on")]
    if by == "Equal":
        nodes = nodes_of(f"""
            column = Unsqueeze (bytes, last); same = Equal (column, counting)
            hot = Cast <to = {TensorProto.FLOAT}> (same)
        """)
    else:
        nodes = [helper.make_node("OneHot", ["bytes", "depth", "off_on"], ["hot"], axis=-1)]
    nodes += nodes_of("""
        rows = MatMul (hot, table); biased = Add (rows, bias); t = Tanh (biased); active = Mul (biased, t)
        largest = ReduceMax <axes = [1], keepdims = 0> (active); logits = MatMul (largest, head)
    """)
    used = {name for node in nodes for name in node.input}
    kind = TensorProto.INT32 if by == "Equal" else TensorProto.INT64  # the only ones that ONNX Runtime knows here
    inputs = [helper.make_tensor_value_info("bytes", kind, ["n", 12])]
    return model_of(nodes, inputs, [floats("logits", "n", 4)], [w for w in weights if w.name in used])


def build_nhwc() -> onnx.ModelProto:
    """Two blocks as TensorFlow exports them: a Transpose before and after each convolution, a shortcut, a mean."""
    rng = small.RNG(9)
    to_nchw, to_nhwc = [0, 3, 1, 2], [0, 2, 3, 1]
    weights = [weight(rng, "head", 8, 3)]
    nodes, last = [], "image"
    for block, channels in enumerate((3, 8, 8)):
        weights += [
            weight(rng, f"w{block}", 8, channels, 3, 3),
            weight(rng, f"s{block}", 8),
            weight(rng, f"b{block}", 8),
        ]
        nodes += nodes_of(f"""
            in{block} = Transpose <perm = {to_nchw}> ({last})
            c{block} = Conv <pads = [1, 1, 1, 1]> (in{block}, w{block})
            out{block} = Transpose <perm = {to_nhwc}> (c{block}); m{block} = Mul (out{block}, s{block})
            a{block} = Add (m{block}, b{block}); r{block} = Relu (a{block})
        """)
        last = f"r{block}"
    nodes += nodes_of("""
        both = Add (r1, r2); wide = Concat <axis = 3> (both, r0); half = Slice (wide, from, to, ax3)
        mean = ReduceMean <axes = [1, 2], keepdims = 0> (half); logits = MatMul (mean, head)
    """)
    weights += [numpy_helper.from_array(np.array([v]), n) for n, v in (("from", 4), ("to", 12), ("ax3", 3))]
    return model_of(nodes, [floats("image", "n", 12, 12, 3)], [floats("logits", "n", 3)], weights)


def build_group_norm() -> onnx.ModelProto:
    """Two convolutions with group normalizations as exporters write them: eight groups of one, four of two channels."""
    rng = small.RNG(10)
    weights = [weight(rng, "w0", 8, 3, 3, 3), weight(rng, "w1", 8, 8, 3, 3), weight(rng, "head", 8, 5)]
    nodes, last = [], "image"
    for block, groups in enumerate((8, 4)):
        scale = rng.normal(1, 0.1, groups).astype(np.float32)
        weights += [numpy_helper.from_array(scale, f"s{block}"), numpy_helper.from_array(scale - 1, f"z{block}")]
        weights += [numpy_helper.from_array(np.array([0, groups, -1]), f"to{block}")]
        nodes += nodes_of(f"""
            c{block} = Conv <pads = [1, 1, 1, 1]> ({last}, w{block}); g{block} = Reshape (c{block}, to{block})
            n{block} = InstanceNormalization (g{block}, s{block}, z{block}); back{block} = Shape (c{block})
            y{block} = Reshape (n{block}, back{block})
        """)
        last = f"y{block}"
    nodes += nodes_of(f"""
        relu = Relu ({last}); p = GlobalAveragePool (relu); f = Flatten (p); logits = MatMul (f, head)
    """)
    return model_of(nodes, [floats("image", "n", 3, 16, 16)], [floats("logits", "n", 5)], weights)


def build_casts() -> onnx.ModelProto:
    """A perceptron with a cast to what it is, one there and back, and a square root in 64 bits."""
    rng = small.RNG(11)
    weights = [weight(rng, "w1", 20, 16), weight(rng, "w2", 16, 4)]
    weights += [numpy_helper.from_array(np.array(1.5), "wide")]
    nodes = nodes_of(f"""
        same = Cast <to = {TensorProto.FLOAT}> (x); h = MatMul (same, w1); d = Cast <to = {TensorProto.DOUBLE}> (h)
        dm = Mul (d, wide); s = Cast <to = {TensorProto.FLOAT}> (dm); r = Relu (s); y = MatMul (r, w2)
    """)
    return model_of(nodes, [floats("x", "n", 20)], [floats("y", "n", 4)], weights)


def build_hidden_weights() -> onnx.ModelProto:
    """Two convolutions and a head with biases; with one large weight in each channel, 8 bits round small ones to 0."""
    rng = small.RNG(12)
    weights, nodes, last = [], [], "image"
    for block, (channels, given) in enumerate(((3, 8), (8, 16))):
        values = rng.normal(0.002, 0.0005, (given, channels, 3, 3)).astype(np.float32)
        values[np.arange(given), rng.integers(0, channels, given), 1, 1] = 1
        weights += [numpy_helper.from_array(values, f"w{block}"), weight(rng, f"b{block}", given)]
        nodes += nodes_of(f"""
            [n{block}] c{block} = Conv <pads = [1, 1, 1, 1]> ({last}, w{block}, b{block}); r{block} = Relu (c{block})
        """)
        last = f"r{block}"
    weights += [weight(rng, "head", 16, 5), weight(rng, "b2", 5)]
    nodes += nodes_of(f"""
        p = GlobalAveragePool ({last}); f = Flatten (p); [n2] m = MatMul (f, head); logits = Add (m, b2)
    """)
    return model_of(nodes, [floats("image", "n", 3, 12, 12)], [floats("logits", "n", 5)], weights)


PICTURE_STEPS = ImageSteps(
    resize=(16, 16), mean=(0.41, 0.46, 0.48), std=(0.22, 0.23, 0.25), channels="bgr", layout="nchw"
)


def pictures_of(steps: ImageSteps, shape: tuple[int, ...], count: int) -> PipelineSpec:
    """One picture in, one class of several out; the batch is free."""
    return PipelineSpec(
        task="image-classification",
        inputs=(PipelineInput(name="image", dtype="float32", shape=(None, *shape), source="image"),),
        outputs=(PipelineOutput(name="logits", dtype="float32", shape=(None, count), answer=True),),
        preprocess=steps,
        answer_kind="class",
    )


def picture_item(rng: np.random.Generator, steps: ImageSteps = PICTURE_STEPS, side: int = 16) -> Feeds:
    """A picture of noise, prepared by `steps`."""
    pixels = rng.integers(0, 256, (1, side, side, 1 if steps.channels == "gray" else 3), np.uint8)
    return {"image": images.normalized(pixels, steps)}


def build_two_heads() -> onnx.ModelProto:
    """The convolutions with their classes, and a separate branch (with an If) that gives a map nobody reads."""
    proto = build_cnn()
    rng = small.RNG(13)
    weights = [weight(rng, "wm", 32, 32, 3, 3), weight(rng, "wm2", 4, 32, 1, 1), weight(rng, "inner", 4, 4, 1, 1)]
    weights += [numpy_helper.from_array(np.array(True), "yes")]

    def branch(name: str, kind: str, *inputs: str) -> onnx.GraphProto:
        return helper.make_graph([helper.make_node(kind, [*inputs], [name])], name, [], [floats(name, "n", 4, 8, 8)])

    nodes = [
        helper.make_node("Conv", ["r2", "wm"], ["map1"], pads=[1, 1, 1, 1], name="heavy"),
        helper.make_node("Relu", ["map1"], ["map2"]),
        helper.make_node("Conv", ["map2", "wm2"], ["map3"], name="heavy2"),
        helper.make_node(
            "If", ["yes"], ["map"], name="choice", then_branch=branch("a", "Conv", "map3", "inner"),
            else_branch=branch("b", "Neg", "map3"),
        ),
    ]  # fmt: skip
    outputs = [*proto.graph.output, floats("map", "n", 4, 8, 8)]
    return model_of([*proto.graph.node, *nodes], [*proto.graph.input], outputs, [*proto.graph.initializer, *weights])


def text_item(rng: np.random.Generator) -> Feeds:
    tokens = int(rng.integers(3, 24))
    return {"input_ids": rng.integers(1, 50, size=(1, tokens)), "attention_mask": np.ones((1, tokens), np.int64)}


SPECIAL: dict[str, Kind] = {
    "texts": Kind(
        build_texts,
        small.spec_of(
            "text-classification",
            [
                PipelineInput(name=name, dtype="int64", shape=(None, None), source=name)
                for name in ("input_ids", "attention_mask")
            ],
            [
                PipelineOutput(name="logits", dtype="float32", shape=(None, 2), answer=True),
                PipelineOutput(name="h", dtype="float32", shape=(None, None, 32)),
            ],
        ),
        text_item,
    ),
    "one_hot": Kind(
        build_one_hot,
        classes("bytes", "int32", (12,), 4),
        lambda rng: {"bytes": rng.integers(-2, 22, size=(1, 12)).astype(np.int32)},
    ),
    "nhwc": array_kind(build_nhwc, "image", (12, 12, 3), 3),
    "group_norm": array_kind(build_group_norm, "image", (3, 16, 16), 5),
    "hidden_weights": Kind(
        build_hidden_weights,
        classes("image", "float32", (3, 12, 12), 5),
        lambda rng: {"image": rng.uniform(0, 1, size=(1, 3, 12, 12)).astype(np.float32)},
    ),
    "wide": array_kind(lambda: twice_as_wide(build_cnn()), "image", (3, 16, 16), 5),
    "pictures": Kind(build_cnn, pictures_of(PICTURE_STEPS, (3, 16, 16), 5), picture_item),
    "two_heads": Kind(
        build_two_heads,
        small.spec_of(
            "array-classification",
            [PipelineInput(name="image", dtype="float32", shape=(None, 3, 16, 16), source="array")],
            [
                PipelineOutput(name="logits", dtype="float32", shape=(None, 5), answer=True),
                PipelineOutput(name="map", dtype="float32", shape=(None, 4, 8, 8)),
            ],
        ),
        small.normal("image", 3, 16, 16),
    ),
    "casts": array_kind(build_casts, "x", (20,), 4, "y"),
}


SUITED = {
    "bias_correction": "hidden_weights",
    "cascade": "cnn",
    "cast_cleanup": "casts",
    "cut_outputs": "two_heads",
    "gather_rewrite": "one_hot",
    "int4_weights": "transformer",
    "language_int4": "chat",
    "language_int8": "chat",
    "language_onnx": "chat",
    "layout_rewrite": "nhwc",
    "length_buckets": "texts",
    "nncf_int8": "cnn",
    "norm_rewrite": "group_norm",
    "pixels_in": "pictures",
    "structured_prune": "wide",
    "weights_only": "transformer",
}
"""Techniques that are for some models only: a model that is one of them. Others they may refuse."""
