"""Measure the sensitivity of each product of a language model part by part, with NNCF's own metric.

NNCF (3.4) does not publish its scores, so this module calls its internal classes. NNCF only sums the scores, which is
done here over all parts.
"""

from collections.abc import Iterable
from typing import Any

from workers.quantize.weights.graph_parts import GraphPart

Score = tuple[str, float, int]
"""The name of a product, its sensitivity and its number of weights."""


def scores_of(model: Any, part: GraphPart, metric: Any, examples: Any) -> list[Score]:
    """Return the score of each product of a part's own model, in NNCF's order."""
    import nncf
    from nncf.common.factory import build_graph
    from nncf.quantization.algorithms.weight_compression import algorithm

    scope = nncf.IgnoredScope(names=list(part.kept))
    config = algorithm.get_weight_compression_configuration(
        mode=nncf.CompressWeightsMode.INT4_ASYM,
        ratio=0.5,
        group_size=-1,
        all_layers=True,
        sensitivity_metric=metric,
        ignored_scope=scope,
    )
    work = algorithm.WeightCompression(**config, subset_size=examples.count)
    graph = build_graph(model)
    work.set_backend_entity(model)
    everything, products, _ = work.get_weight_compression_parameters(model, graph)
    _, points = work.collect_statistics_and_statistic_points(
        model, graph, None, nncf.Dataset(examples), products, everything
    )
    criterion = work._mixed_precision_algo
    criterion._set_backend_entity(model)
    scores = criterion._calc_sensitivity(model, graph, products, points)
    return [
        (one.node_with_weight.node_name, float(score), int(one.num_weights))
        for one, score in zip(products, scores, strict=True)
    ]


def least_sensitive(scores: Iterable[Score], share: float) -> set[str]:
    """Return the names of the least sensitive products, up to this share of all weights (NNCF's `ratio`)."""
    ordered = sorted(scores, key=lambda score: score[1])
    total, taken = sum(size for _, _, size in ordered), 0
    chosen = set()
    for name, _, size in ordered:
        taken += size
        if taken / total >= share:
            break
        chosen.add(name)
    return chosen
