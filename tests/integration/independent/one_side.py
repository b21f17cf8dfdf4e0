"""One model in its own process: an original by its own library, or a bundle by its `bundle.py`. Nothing of Fettle.

one_side.py JSON, an object with `kind` ("onnx", "torchscript", "weights", "bert", "bundle"), `path`, `threads`, and for
models with a state `links`: {input: [output, shape]}, carried over the rows of an item from zeros.

Each line of input is one JSON object and is answered by one: {"run": FILE.npz, "answers": FILE.npz} runs all items
(arrays named "<number>/<input>"; answers are named alike), {"time": N, "warm": N} gives milliseconds of single requests
to the items of the last question in turn.
"""

import contextlib
import itertools
import json
import os
import sys
import time

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np


def onnx(path, threads):
    """ONNX Runtime as anybody opens it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(None, feeds), strict=True))


def _pictures(module):
    import torch

    def run(feeds):
        with torch.inference_mode():
            (pictures,) = feeds.values()
            return {"output": module(torch.from_numpy(pictures)).numpy()}

    return run


def torchscript(path, threads):
    """The file's own program, by PyTorch."""
    import torch

    torch.set_num_threads(threads)
    return _pictures(torch.jit.load(path).eval())


def weights(path, threads):
    """MobileNetV2 of torchvision with these weights, by PyTorch."""
    import torch
    import torchvision

    torch.set_num_threads(threads)
    module = torchvision.models.mobilenet_v2()
    module.load_state_dict(torch.load(path, weights_only=True))
    return _pictures(module.eval())


def bert(path, threads):
    """The hub's folder, by transformers."""
    import torch
    import transformers

    torch.set_num_threads(threads)
    module = transformers.AutoModel.from_pretrained(path, local_files_only=True).eval()

    def run(feeds):
        with torch.inference_mode():
            given = {name: torch.from_numpy(values) for name, values in feeds.items()}
            return {"last_hidden_state": module(**given).last_hidden_state.numpy()}

    return run


def bundle(path, threads):
    """What Fettle exported, by its public interface."""
    sys.path.insert(0, path)
    import bundle as exported

    return exported.load(threads=threads).run


KINDS = {"onnx": onnx, "torchscript": torchscript, "weights": weights, "bert": bert, "bundle": bundle}


def carried(run, links):
    """Steps of one item, one after the other: (rows, …) feeds → (rows, …) outputs, and single steps for timing."""
    state = {}

    def step(feeds):
        outputs = run({**feeds, **state})
        state.update({name: outputs[source] for name, (source, _) in links.items()})
        return outputs

    def begin():
        state.update({name: np.zeros(shape, np.float32) for name, (_, shape) in links.items()})

    def workflow(feeds):
        begin()
        rows = len(feeds["input"])
        outputs = [step({k: v[i : i + 1] if k == "input" else v for k, v in feeds.items()}) for i in range(rows)]
        kept = set(outputs[0]) - {source for source, _ in links.values()}
        return {name: np.concatenate([output[name] for output in outputs]) for name in kept}

    begin()
    return workflow, step


def items_of(path):
    """The items of one question in their order."""
    found = {}
    with np.load(path, allow_pickle=False) as stored:
        for name in stored.files:
            number, _, name_of_input = name.partition("/")
            found.setdefault(int(number), {})[name_of_input] = stored[name]
    return [found[number] for number in sorted(found)]


def single_requests(items, links):
    """Return the timed units: items, or single steps where a state is carried."""
    if not links:
        return items
    return [
        {k: v[i : i + 1] if k == "input" else v for k, v in feeds.items()}
        for feeds in items
        for i in range(len(feeds["input"]))
    ]


def main():
    requested = json.loads(sys.argv[1])
    links = requested.get("links") or {}
    answers_to = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        run = KINDS[requested["kind"]](requested["path"], requested["threads"])
        workflow, step = carried(run, links) if links else (run, run)
        loaded = [name for name in ("app", "workers", "fettle_bundle") if name in sys.modules]
    assert loaded == (["fettle_bundle"] if requested["kind"] == "bundle" else []), loaded
    print(json.dumps({"ready": True}), file=answers_to, flush=True)
    items = []
    for line in sys.stdin:
        question = json.loads(line)
        if "run" in question:
            items = items_of(question["run"])
            found = {f"{i}/{k}": v for i, feeds in enumerate(items) for k, v in workflow(feeds).items()}
            np.savez(question["answers"], **found)
            report = {"n": len(items)}
        else:
            requests = itertools.cycle(single_requests(items[:16], links))
            spans = []
            for feeds in itertools.islice(requests, question["warm"] + question["time"]):
                began = time.perf_counter()
                step(feeds)
                spans.append((time.perf_counter() - began) * 1000)
            report = {"ms": spans[question["warm"] :]}
        print(json.dumps(report), file=answers_to, flush=True)


if __name__ == "__main__":
    main()
