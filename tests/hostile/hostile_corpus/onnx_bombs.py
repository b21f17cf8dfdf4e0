"""ONNX: small files that grow, run without end, or read behind the end of what they were given."""

from typing import Any

import numpy as np
from hostile_corpus.base import OPEN, REFUSE, Corpus
from hostile_corpus.onnx_parts import eye, keep, model, node, value, weight, x, y
from onnx import TensorProto, helper

INT64, BOOL, FLOAT = TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT
LOCAL = [("", 17), ("loc", 1)]
TREES = [("", 17), ("ai.onnx.ml", 3)]


def write(corpus: Corpus) -> None:
    _functions(corpus)
    _bombs(corpus)
    _trees(corpus)
    _attributes(corpus)


def _function(name: str, nodes: list[Any]) -> Any:
    opsets = [helper.make_opsetid("loc", 1), helper.make_opsetid("", 17)]
    return helper.make_function("loc", name, ["a"], ["b"], nodes, opsets)


def _functions(corpus: Corpus) -> None:
    endless = _function("F", [node("F", ["a"], ["b"], domain="loc")])
    calls = model([node("F", domain="loc")], [x()], [y()], domains=LOCAL, functions=[endless])
    keep(corpus, "onnx_recursive_function.onnx", calls, "local function calls itself", REFUSE)
    doubling = [
        _function(
            f"F{i}",
            [node(f"F{i + 1}", ["a"], ["t"], domain="loc"), node(f"F{i + 1}", ["t"], ["b"], domain="loc")]
            if i < 29
            else [node("Relu", ["a"], ["b"])],
        )
        for i in range(30)
    ]
    calls = model([node("F0", domain="loc")], [x()], [y()], domains=LOCAL, functions=doubling)
    kind = "billion-laughs via local functions (2^29 nodes when inlined)"
    note = "expect time/memory limit to fire"
    keep(corpus, "onnx_function_bomb_2e29.onnx", calls, kind, REFUSE, note=note)


def _bombs(corpus: Corpus) -> None:
    body = helper.make_graph(
        [node("Identity", ["cin"], ["cout"]), node("Relu", ["vin"], ["vout"])],
        "b",
        [value("it", (), INT64), value("cin", (), BOOL), value("vin")],
        [value("cout", (), BOOL), value("vout")],
    )
    trips = [weight(np.array(2**62, np.int64), "n"), weight(np.array(True), "c")]
    loop = model([node("Loop", ["n", "c", "x"], body=body)], [x()], [y()], trips)
    note = "run must be cancellable < 1 s and time-limited"
    keep(corpus, "onnx_infinite_loop.onnx", loop, "Loop with 2^62 trips (time bomb)", OPEN, note=note)
    sizes = weight(np.array([2**20, 2**20], np.int64), "s")
    expand = model([node("Expand", ["x", "s"])], [x((1,))], [y(None)], [sizes])
    note = "run must fail with 'not enough memory'; GUI alive"
    keep(corpus, "onnx_memory_bomb_run.onnx", expand, "small file, 4 TiB at run", OPEN, note=note)
    folded = model(
        [node("ConstantOfShape", ["s"], ["t"]), node("ReduceMax", ["t"], ["u"], keepdims=0), node("Add", ["x", "u"])],
        [x()],
        [y()],
        [weight(np.array([2**16, 2**17], np.int64), "s")],
    )
    note = "session creation must be in a memory-limited worker"
    kind = "constant folding allocates 32 GiB at LOAD"
    keep(corpus, "onnx_constfold_bomb_load.onnx", folded, kind, REFUSE, note=note)


def _tree(features: list[int], yes: list[int], no: list[int]) -> Any:
    return node(
        "TreeEnsembleRegressor",
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=features,
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[0.5, 0.0, 0.0],
        nodes_truenodeids=yes,
        nodes_falsenodeids=no,
        target_ids=[0, 0],
        target_nodeids=[1, 2],
        target_treeids=[0, 0],
        target_weights=[1.0, 2.0],
    )


def _trees(corpus: Corpus) -> None:
    cases = {
        "treeensemble_selfref": (_tree([0] * 3, [0] * 3, [0] * 3), "tree node ids: treeensemble_selfref", ""),
        "treeensemble_oob": (_tree([0] * 3, [10**9, 0, 0], [-7, 0, 0]), "tree node ids: treeensemble_oob", ""),
        "treeensemble_feature_oob": (
            _tree([10**6, 0, 0], [1, 0, 0], [2, 0, 0]),
            "tree feature id 10^6 on a 4-wide input (out-of-bounds read at run)",
            "needs an index check before run",
        ),
    }
    for name, (tree, kind, note) in cases.items():
        proto = model([tree], [x()], [y((1, 1))], domains=TREES)
        keep(corpus, f"onnx_{name}.onnx", proto, kind, REFUSE, note=note)
    machine = node(
        "SVMClassifier",
        ["x"],
        ["l", "y"],
        domain="ai.onnx.ml",
        kernel_type="LINEAR",
        kernel_params=[0.0, 0.0, 0.0],
        classlabels_ints=[0, 1],
        vectors_per_class=[1000000, 1000000],
        support_vectors=[1.0] * 4,
        coefficients=[1.0],
        rho=[0.0],
    )
    outputs = [value("l", None, INT64), y(None)]
    proto = model([machine], [x()], outputs, domains=[("", 17), ("ai.onnx.ml", 1)])
    kind, ref = "SVM vectors_per_class larger than data", "microsoft/onnxruntime#27699"
    keep(corpus, "onnx_svm_counts_oob.onnx", proto, kind, REFUSE, ref=ref)


def _attributes(corpus: Corpus) -> None:
    far = weight(np.array([10**9], np.int64), "i")
    gather = model([node("Gather", ["w", "i"])], [x()], [y(None)], [eye(), far])
    keep(corpus, "onnx_gather_oob.onnx", gather, "Gather index 10^9", REFUSE)
    picture, kernel = x((1, 1, 8, 8)), weight(np.ones((1, 1, 3, 3), np.float32))
    for name, more, kind in (
        ("zero_stride", {"strides": [0, 0]}, "Conv stride 0 (divide by zero)"),
        ("group_0", {"group": 0}, "Conv group 0"),
    ):
        proto = model([node("Conv", ["x", "w"], **more)], [picture], [y(None)], [kernel])
        keep(corpus, f"onnx_conv_{name}.onnx", proto, kind, REFUSE)
    pool = model([node("MaxPool", kernel_shape=[0, 0])], [picture], [y(None)])
    keep(corpus, "onnx_maxpool_kernel_0.onnx", pool, "MaxPool kernel 0", REFUSE)
    split = model([node("Split", num_outputs=0)], [x()], [y()], opset=18)
    keep(corpus, "onnx_split_0.onnx", split, "Split into 0", REFUSE)
    context = node(
        "EPContext", domain="com.microsoft", embed_mode=0, ep_cache_context="../../../../etc/passwd", source="QNN"
    )
    proto = model([context], [x()], [y()], domains=[("", 17), ("com.microsoft", 1)])
    keep(corpus, "onnx_epcontext_traversal.onnx", proto, "EPContext pointing outside the folder", REFUSE)
