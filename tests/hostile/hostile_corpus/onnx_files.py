"""ONNX: bytes that are no model, graphs that are wrong, and unusual ones that are right."""

import functools
import struct

import numpy as np
import onnx
from hostile_corpus.base import OPEN, REFUSE, Corpus
from hostile_corpus.onnx_parts import (
    SHAPE,
    eye,
    field_bytes,
    identity,
    keep,
    model,
    node,
    raw_tensor,
    sound,
    times,
    tiny,
    value,
    varint,
    x,
    y,
)
from onnx import TensorProto, helper

LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 102400\n"
KINDS = (
    ("fp16", TensorProto.FLOAT16, 17, 8),
    ("bf16", TensorProto.BFLOAT16, 17, 8),
    ("fp64", TensorProto.DOUBLE, 17, 8),
    ("complex64", TensorProto.COMPLEX64, 17, 8),
    ("int4", TensorProto.INT4, 21, 10),
    ("uint4", TensorProto.UINT4, 21, 10),
    ("fp8e4m3", TensorProto.FLOAT8E4M3FN, 19, 9),
    ("fp8e5m2", TensorProto.FLOAT8E5M2, 19, 9),
    ("fp4e2m1", TensorProto.FLOAT4E2M1, 23, 11),
)
HTML = '<img src="http://127.0.0.1:9/px"><a href="file:///etc/passwd">x</a>'


def write(corpus: Corpus) -> None:
    _bytes(corpus)
    _graphs(corpus)
    _weights(corpus)
    _wiring(corpus)
    _versions(corpus)
    _unusual(corpus)
    _names(corpus)


def _bytes(corpus: Corpus) -> None:
    good = sound()

    def put(name: str, data: bytes, kind: str, **more: str) -> None:
        corpus.put(name, data, kind, "onnx", REFUSE, **more)

    put("onnx_truncated_half.onnx", good[: len(good) // 2], "truncated")
    put("onnx_truncated_1byte.onnx", good[:-1], "truncated by one byte")
    put("onnx_empty.onnx", b"", "empty file")
    put("onnx_random_bytes.onnx", np.random.RandomState(0).bytes(65536), "random bytes")
    put("onnx_all_zero.onnx", b"\0" * 4096, "4 KiB of NUL (failed preallocation)")
    put("onnx_is_png.onnx", b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "wrong extension: PNG")
    page = b"<!doctype html><html><title>Sign in</title>401</html>"
    put("onnx_is_html_login.onnx", page, "hub/proxy HTML saved as model")
    note = "message should say 'pointer, not the model'"
    put("onnx_is_lfs_pointer.onnx", LFS_POINTER, "git-lfs pointer instead of weights", note=note)
    note = "detect by content; or refuse naming the real type"
    corpus.put("pt_is_onnx.pt", good, "wrong extension: ONNX named .pt", "onnx", OPEN, note=note)
    overflow = b"\x08\x08\x3a\xff\xff\xff\xff\x07" + b"x" * 32
    put("onnx_proto_len_overflow.onnx", overflow, "protobuf length > file")
    put("onnx_proto_varint_11bytes.onnx", b"\x08" + b"\xff" * 11, "overlong varint")
    nested = functools.reduce(lambda inner, _: b"\x3a" + varint(len(inner)) + inner, range(500), b"")
    put("onnx_proto_nest_50k.onnx", nested, "500 nested length-delimited fields")
    bad = struct.pack("<I", 0x7FFFFFFF) + b"ORTM" + b"\xff" * 512
    put("ort_bad_flatbuffer.ort", bad, "malformed .ort flatbuffer")
    named = struct.pack("<I", 24) + b"ORTM" + b"\x7f" * 512
    put("ort_flatbuffer_named.onnx", named, ".ort flatbuffer named .onnx")


def _graphs(corpus: Corpus) -> None:
    broken = tiny()
    broken.graph.ClearField("node")
    keep(corpus, "onnx_no_nodes.onnx", broken, "no nodes", REFUSE)
    keep(corpus, "onnx_no_graph.onnx", onnx.ModelProto(ir_version=8), "no graph", REFUSE)
    broken = tiny()
    del broken.graph.output[:]
    keep(corpus, "onnx_no_outputs.onnx", broken, "no outputs", REFUSE)
    fixed = model([node("Identity", ["w"])], [], [y((4, 4))], [eye()])
    keep(corpus, "onnx_no_inputs.onnx", fixed, "zero inputs", OPEN)
    odd = tiny()
    odd.graph.input[0].type.tensor_type.ClearField("shape")
    keep(corpus, "onnx_missing_shape.onnx", odd, "input has no shape", OPEN)
    odd = tiny()
    odd.graph.input[0].ClearField("type")
    keep(corpus, "onnx_missing_type.onnx", odd, "input has no type", REFUSE)
    keep(corpus, "onnx_neg_dim.onnx", identity((-5, 4)), "negative dim", OPEN, note="treat as unknown or refuse")
    note = "run must be refused by a memory estimate"
    keep(corpus, "onnx_huge_input_dim.onnx", identity((2**62, 4)), "input dim 2^62", OPEN, note=note)
    huge = identity((2**32, 2**32))
    keep(corpus, "onnx_dim_product_overflow.onnx", huge, "dims multiply to 2^64", OPEN, note="run refused")


def _weights(corpus: Corpus) -> None:
    zeros = b"\0" * 64
    tensors = {
        "init_raw_short": (raw_tensor([4, 4], b"\0" * 8), "raw_data shorter than shape"),
        "init_raw_long": (raw_tensor([4, 4], b"\0" * 4096), "raw_data longer than shape"),
        "init_neg_dim": (raw_tensor([-4, -4], zeros), "initializer negative dims"),
        "init_claims_4TiB": (raw_tensor([2**20, 2**20], b""), "initializer claims 2^40 elements, no data"),
        "init_product_overflow": (raw_tensor([2**32, 2**32], b""), "initializer dims multiply to 2^64"),
        "init_dtype_999": (raw_tensor([4, 4], zeros, 999), "unknown tensor dtype"),
        "init_dtype_0": (raw_tensor([4, 4], zeros, 0), "undefined tensor dtype"),
        "init_string_huge": (
            TensorProto(name="w", data_type=TensorProto.STRING, dims=[2**31]),
            "string tensor of 2^31, no data",
        ),
    }
    for name, (tensor, kind) in tensors.items():
        keep(corpus, f"onnx_{name}.onnx", times(tensor), kind, REFUSE)
    sparse = onnx.SparseTensorProto()
    sparse.dims.extend([4, 4])
    sparse.values.CopyFrom(raw_tensor([1], struct.pack("<f", 1), name="w"))
    sparse.indices.CopyFrom(raw_tensor([1], struct.pack("<q", 2**40), TensorProto.INT64, "i"))
    odd = model([node("MatMul", ["x", "w"])], [x()], [y()])
    odd.graph.sparse_initializer.append(sparse)
    keep(corpus, "onnx_sparse_index_oob.onnx", odd, "sparse initializer index 2^40", REFUSE)
    note = "warn; quantize must refuse"
    for name, number in (("nan", np.nan), ("inf", np.inf)):
        full = tiny(np.full((4, 4), number, np.float32))
        keep(corpus, f"onnx_{name}_weights.onnx", full, f"{'NaN' if name == 'nan' else 'Inf'} weights", OPEN, note=note)


def _wiring(corpus: Corpus) -> None:
    def refuse(name: str, nodes: list[object], kind: str, **more: object) -> None:
        keep(corpus, f"onnx_{name}.onnx", model(nodes, [x()], [y()], **more), kind, REFUSE)

    cycle = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"])]
    refuse("cycle", cycle, "cyclic graph")
    refuse("self_loop", [node("Relu", ["y"])], "node feeds itself")
    refuse("dangling_input", [node("Add", ["x", "nowhere"])], "input produced by nobody")
    refuse("dup_outputs", [node("Relu"), node("Abs")], "two nodes write one name")
    refuse("unknown_op", [node("DefinitelyNotAnOp")], "unknown op")
    evil = [node("Evil", domain="com.evil.custom")]
    refuse("unknown_domain", evil, "custom op: unknown domain", domains=[("", 17), ("com.evil.custom", 1)])


def _versions(corpus: Corpus) -> None:
    keep(corpus, "onnx_opset_999.onnx", tiny(opset=999), "opset 999", REFUSE)
    keep(corpus, "onnx_opset_0.onnx", tiny(opset=0), "opset 0", REFUSE)
    bare = tiny()
    del bare.opset_import[:]
    keep(corpus, "onnx_no_opset.onnx", bare, "no opset import", REFUSE)
    keep(corpus, "onnx_ir_999.onnx", tiny(ir=999), "ir_version 999", REFUSE)


def _unusual(corpus: Corpus) -> None:
    """Right, but not what most models look like."""
    count = 10_000
    names = ["x", *(f"t{i}" for i in range(1, count)), "y"]
    chain = [node("Relu" if i % 2 else "Abs", [names[i]], [names[i + 1]]) for i in range(count)]
    note = "GUI must stay responsive"
    keep(corpus, "onnx_deep_10k_nodes.onnx", model(chain, [x()], [y()]), "10 000-node chain", OPEN, note=note)
    corpus.put("onnx_nested_if_10.onnx", nested_if(10), "10 nested If subgraphs", "onnx", OPEN)
    corpus.put("onnx_nested_if_60.onnx", nested_if(60), "60 nested If subgraphs (protobuf depth > 100)", "onnx", REFUSE)
    corpus.put("onnx_nested_if_2000.onnx", nested_if(2000), "2 000 nested If subgraphs", "onnx", REFUSE)
    keep(corpus, "onnx_string_input.onnx", identity((1,), TensorProto.STRING), "string input", OPEN)
    sequence = model(
        [node("SequenceAt", ["x", "i"])],
        [helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, None), value("i", (), TensorProto.INT64)],
        [y(None)],
    )
    keep(corpus, "onnx_sequence_input.onnx", sequence, "sequence input", OPEN)
    inner = helper.make_tensor_type_proto(TensorProto.FLOAT, (1,))
    optional = helper.make_value_info("x", helper.make_optional_type_proto(inner))
    has = model([node("OptionalHasElement")], [optional], [y((), TensorProto.BOOL)], opset=18)
    keep(corpus, "onnx_optional_input.onnx", has, "optional input", OPEN)
    empty = model([node("MatMul", ["x", "w"])], [x((0, 4))], [y((0, 4))], [eye()])
    keep(corpus, "onnx_zero_dim_batch.onnx", empty, "batch dim 0", OPEN)
    note = "or a clear 'type not supported by the engine'"
    for name, kind, opset, ir in KINDS:
        proto = identity(SHAPE, kind, opset=opset, ir=ir)
        keep(corpus, f"onnx_input_{name}.onnx", proto, f"{name} input", OPEN, note=note)


def nested_if(depth: int) -> bytes:
    """`depth` conditions within each other, written by hand."""

    def described(name: str) -> bytes:
        return bytes(y().SerializeToString()) if name == "y" else bytes(value(name).SerializeToString())

    def graph(node_: bytes, out: str) -> bytes:
        return field_bytes(1, node_) + field_bytes(2, b"g") + field_bytes(12, described(out))

    def copied(out: str) -> bytes:
        return field_bytes(1, b"x") + field_bytes(2, out.encode()) + field_bytes(4, b"Identity")

    def branch(name: bytes, body: bytes) -> bytes:
        return field_bytes(5, field_bytes(1, name) + field_bytes(6, body) + b"\xa0\x01\x05")

    inner = graph(copied(f"o{depth}"), f"o{depth}")
    for level in range(depth - 1, -1, -1):
        out = f"o{level}" if level else "y"
        other = graph(copied(f"e{level}"), f"e{level}")
        decide = field_bytes(1, b"c") + field_bytes(2, out.encode()) + field_bytes(4, b"If")
        inner = graph(decide + branch(b"then_branch", inner) + branch(b"else_branch", other), out)
    inner += field_bytes(11, x().SerializeToString())
    inner += field_bytes(11, value("c", (), TensorProto.BOOL).SerializeToString())
    return b"\x08\x08" + field_bytes(7, inner) + field_bytes(8, b"\x10\x11")


def _names(corpus: Corpus) -> None:
    odd = tiny(doc_string=HTML)
    odd.graph.name = "\u202egpj.exe\n<script>alert(1)</script>"
    odd.graph.node[0].name = "<b>" + "A" * 100000
    entry = odd.metadata_props.add()
    entry.key, entry.value = "description", '<img src="http://127.0.0.1:9/m">' * 2000
    kind = "HTML/RTL/newline/100 kB strings in names and metadata"
    note = "must show as plain text; 0 network requests"
    keep(corpus, "onnx_html_in_names.onnx", odd, kind, OPEN, note=note)
    odd = tiny()
    entry = odd.metadata_props.add()
    entry.key = "ort_config"
    entry.value = '{"session_options":{"inter_op_num_threads":100000,"intra_op_num_threads":100000}}'
    kind = "ort_config metadata tries to set session options"
    keep(corpus, "onnx_ort_config_metadata.onnx", odd, kind, OPEN, note="never set ORT_LOAD_CONFIG_FROM_MODEL=1")
