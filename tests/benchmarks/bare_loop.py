"""A loop around ONNX Runtime with nothing of ours in it: loads a model, then times a block for each line of its input.

bare_loop.py MODEL INPUTS.npz THREADS; a line is ``WARM TIMED``, the answer a JSON list of milliseconds.
"""

import json
import os
import sys
import time

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime


def main() -> int:
    os.nice(10)  # the priority that Fettle's workers have
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(sys.argv[3])
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    with np.load(sys.argv[2]) as stored:
        name = stored.files[0]
        inputs = [{name: np.ascontiguousarray(row[None])} for row in stored[name]]
    session.run(None, inputs[0])
    print("[]", flush=True)  # noqa: T201 - the answer
    for line in sys.stdin:
        warm, timed = map(int, line.split())
        spans = []
        for number in range(warm + timed):
            feeds = inputs[number % len(inputs)]
            began = time.perf_counter()
            session.run(None, feeds)
            spans.append((time.perf_counter() - began) * 1000)
        print(json.dumps(spans[warm:]), flush=True)  # noqa: T201 - the answer
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
