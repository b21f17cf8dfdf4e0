"""Made pairs of models whose difference in speed has a known reason, with the shortest possible matching of names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from graphs_by_name import by_name, graph_in
from onnx import TensorProto, numpy_helper
from small_models import RNG, Feeds, floats, model_of, nodes_of, weight

from workers.contracts.process.context import JobContext
from workers.explain.reasoning import facts_of
from workers.explain.speed import SpeedFacts
from workers.tune.layers import profile_in_turns
from workers.tune.timing_runs import Target

WIDTH, SIDE = 64, 64


@dataclass(frozen=True)
class Side:
    """One model of a pair: its file, the request to time it with, and the engine that runs it."""

    proto: onnx.ModelProto
    feeds: Feeds
    runtime: str = "onnxruntime-cpu"
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """Two models, and the codes of the reasons that explain why the second one is slower."""

    title: str
    first: Side
    second: Side
    codes: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    threads: int = 1


def measured(pair: Pair, folder: Path, ctx: JobContext) -> SpeedFacts:
    """Run both models of a pair in turns."""
    programs = []
    for number, side in enumerate((pair.first, pair.second)):
        path = folder / f"{number}.onnx"
        onnx.save(side.proto, str(path))
        programs.append((Target(path, side.runtime, side.settings), side.feeds))
    graphs = graph_in(pair.first.proto), graph_in(pair.second.proto)
    profiles = profile_in_turns(programs, ctx)
    return facts_of(by_name(*graphs), graphs, profiles, (pair.first.runtime, pair.second.runtime))


def picture(width: int = WIDTH, side: int = SIDE) -> Feeds:
    return {"x": RNG(5).normal(size=(1, width, side, side)).astype(np.float32)}


def relu(before: str, after: str) -> str:
    return f"[act_{before}] {after} = Relu ({before})"


def convolutions(
    between: Callable[[str, str], str] = relu,
    more: Sequence[TensorProto] = (),
    sizes: tuple[Any, Any] = (SIDE, SIDE),
    count: int = 3,
) -> onnx.ModelProto:
    """Return convolutions with operators between them, written by `between` from two names of values."""
    rng, text, value = RNG(7), [], "x"
    weights = [*more, *(weight(rng, f"w{n}", WIDTH, WIDTH, 3, 3) for n in range(count))]
    for n in range(count):
        text += [f"[conv{n}] c{n} = Conv <pads = [1, 1, 1, 1]> ({value}, w{n})", between(f"c{n}", f"r{n}")]
        value = f"r{n}"
    nodes = nodes_of("\n".join(text))
    return model_of(nodes, [floats("x", 1, WIDTH, *sizes)], [floats(value, 1, WIDTH, *sizes)], weights)


def products(
    between: Callable[[str, str], str], rows: Any = 128, width: int = 512, more: Any = (), count: int = 3
) -> onnx.ModelProto:
    """Return matrix products with operators between them."""
    rng, text, value = RNG(8), [], "x"
    weights = [*more, *(weight(rng, f"w{n}", width, width) for n in range(count))]
    for n in range(count):
        text += [f"[product{n}] p{n} = MatMul ({value}, w{n})", between(f"p{n}", f"r{n}")]
        value = f"r{n}"
    return model_of(
        nodes_of("\n".join(text)), [floats("x", 1, rows, width)], [floats(value, 1, rows, width)], weights, 20
    )


def table(rows: int = 128, width: int = 512) -> Feeds:
    return {"x": RNG(6).normal(size=(1, rows, width)).astype(np.float32)}


def constant(name: str, value: float, dtype: Any = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.array(value, dtype), name)


def casts(before: str, after: str) -> str:
    return f"[act_{before}] {after}r = Relu ({before}); {after}h = Cast <to = {TensorProto.FLOAT16}> ({after}r);" + (
        f"{after} = Cast <to = {TensorProto.FLOAT}> ({after}h)"
    )


def flat(before: str, after: str) -> str:
    return (
        f"[flat_{before}] {after}f = Reshape ({before}, row); [act_{before}] {after}r = Relu ({after}f);"
        f"[full_{before}] {after} = Reshape ({after}r, full)"
    )


def layout(before: str, after: str) -> str:
    return (
        f"{after}t = Transpose <perm = [0, 2, 1]> ({before}); [flat_{before}] {after}f = Reshape ({after}t, row);"
        f"[act_{before}] {after}r = Relu ({after}f); [full_{before}] {after}u = Reshape ({after}r, last);"
        f"{after} = Transpose <perm = [0, 2, 1]> ({after}u)"
    )


def gelu_parts(before: str, after: str) -> str:
    return (
        f"{after}d = Div ({before}, root); {after}e = Erf ({after}d); {after}i = Add ({after}e, one);"
        f"{after}h = Mul ({after}i, half); {after} = Mul ({after}h, {before})"
    )


def copied(before: str, after: str) -> str:
    return (
        f"[act_{before}] {after}r = Relu ({before}); {after}k = Concat <axis = 1> ({after}r, {after}r, {after}r, {after}r);"
        f"{after} = Slice ({after}k, start, end, axis)"
    )


def rounded(weights_too: bool, count: int = 3) -> onnx.ModelProto:
    """Return convolutions with rounding around them: complete, or of the inputs alone."""
    rng, text, value = RNG(7), [], "x"
    weights = [constant("s", 0.05), constant("z", 0, np.int8)]
    for n in range(count):
        text += [f"q{n} = QuantizeLinear ({value}, s, z); d{n} = DequantizeLinear (q{n}, s, z)"]
        own = weight(rng, f"w{n}", WIDTH, WIDTH, 3, 3)
        if weights_too:
            array = np.clip(np.rint(numpy_helper.to_array(own) / 0.002), -127, 127).astype(np.int8)
            weights += [numpy_helper.from_array(array, f"v{n}"), constant(f"s{n}", 0.002)]
            text += [f"w{n} = DequantizeLinear (v{n}, s{n}, z)"]
        else:
            weights += [own]
        text += [f"[conv{n}] c{n} = Conv <pads = [1, 1, 1, 1]> (d{n}, w{n})", f"[act_c{n}] r{n} = Relu (c{n})"]
        value = f"r{n}"
    last = f"q{count} = QuantizeLinear ({value}, s, z); y = DequantizeLinear (q{count}, s, z)"
    shape = (1, WIDTH, SIDE, SIDE)
    return model_of(nodes_of("\n".join([*text, last])), [floats("x", *shape)], [floats("y", *shape)], weights)


def reshaped(before: str, after: str) -> str:
    """Return what exporters write for a flexible size: it is read, cut and joined again for each reshape."""
    return (
        f"{after}s = Shape ({before}); {after}n = Gather ({after}s, zero); {after}l = Gather ({after}s, number);"
        f"{after}u = Unsqueeze ({after}n, zeros); {after}v = Unsqueeze ({after}l, zeros);"
        f"{after}k = Concat <axis = 0> ({after}u, {after}v, rest); {after}b = Reshape ({before}, {after}k);"
        f"{after} = Reshape ({after}b, {after}s)"
    )


def whole(**values: Any) -> list[TensorProto]:
    return [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in values.items()]


SHAPES = whole(zero=0, number=1, zeros=[0], rest=[8, -1])
ROOT = [constant("root", 2**0.5), constant("one", 1.0), constant("half", 0.5)]
CUT = whole(start=[0], end=[128], axis=[1])
SIZES = whole(row=[1, -1], full=[1, 128, 512], last=[1, 512, 128])


def pairs() -> list[Pair]:
    """Return the pairs of models whose difference in speed is known, and pairs of equal models."""
    plain, seen, read, small = convolutions(), picture(), table(), table(32, 128)
    in_openvino = {"runtime": "openvino", "settings": {"inference_precision": "f32"}}
    summed = convolutions(lambda a, b: f"{b} = CumSum ({a}, axis)", whole(axis=1))
    multiplied, atan = products(relu), products(lambda a, b: f"{b} = Atan ({a})")
    fixed, free = (products(reshaped, rows, 128, SHAPES, 20) for rows in (32, "n"))
    flexible = products(relu, "n")
    return [
        Pair("casts around each layer", Side(multiplied, read), Side(products(casts), read), ("conversions",)),
        Pair(
            "layout changes around each layer", Side(products(flat, more=SIZES), read, **in_openvino),
            Side(products(layout, more=SIZES), read, **in_openvino), ("layouts",),
        ),
        Pair(
            "a reference kernel", Side(multiplied, read, **in_openvino), Side(atan, read, **in_openvino),
            ("reference_kernels",),
        ),
        Pair(
            "one thread", Side(plain, seen), Side(plain, seen, settings={"num_threads": 1}), ("one_thread",), threads=2
        ),
        Pair("an operator on one thread", Side(plain, seen), Side(summed, seen), ("one_thread",), threads=2),
        Pair("free sizes", Side(fixed, small, **in_openvino), Side(free, small, **in_openvino), ("free_sizes",)),
        Pair(
            "8 bits without VNNI", Side(plain, seen, **in_openvino), Side(rounded(True), seen, **in_openvino),
            ("emulated_8_bits",), {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
        ),
        Pair("rounding that stays unfused", Side(plain, seen), Side(rounded(False), seen), ("unfused_rounding",)),
        Pair(
            "GELU in parts", Side(products(lambda a, b: f"{b} = Gelu ({a})"), read),
            Side(products(gelu_parts, more=ROOT), read, settings={"graph_optimization": "basic"}), ("came_apart",),
        ),
        Pair("a large copy", Side(multiplied, read), Side(products(copied, more=CUT), read), ("copies",)),
        Pair("oversize padding", Side(flexible, table(32)), Side(flexible, read), ("larger_inputs",)),
    ]  # fmt: skip
