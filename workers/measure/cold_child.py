"""Load one model in a fresh process and run one input, to measure a cold start.

python -c "…main()" MODEL_DIR DATA_DIR RUNTIME THREADS SETTINGS_JSON

Prints one line of JSON after the prediction: ``{"load_ms": …}``.
"""

import json
import sys
import time
from pathlib import Path


def main() -> int:
    """Run only what the first prediction needs."""
    model_dir, data_dir, runtime, threads, settings = sys.argv[1:6]
    from workers.measure.opening import open_session
    from workers.measure.requests import load_requests, run_first

    requests = load_requests(Path(model_dir), Path(data_dir), limit=1)
    begin = time.perf_counter()
    session = open_session(Path(model_dir), runtime, json.loads(settings), int(threads))
    load_ms = (time.perf_counter() - begin) * 1000
    run_first(session, requests, runtime)
    sys.stdout.write(json.dumps({"load_ms": load_ms}) + "\n")
    sys.stdout.flush()
    return 0
