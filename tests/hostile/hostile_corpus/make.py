"""Writes the corpus of hostile, broken and merely unusual files (all payloads harmless), and its index.json.

    PYTHONPATH=tests/hostile python -m hostile_corpus.make --out FOLDER --canary-dir FOLDER

A test that finds the canary folder empty afterwards has seen that nothing was executed: payloads look for
HOSTILE_CANARY_DIR when they run, and else go to the folder that was named here.
"""

import argparse
import collections
import sys
from pathlib import Path

from hostile_corpus import (
    names,
    onnx_bombs,
    onnx_external,
    onnx_files,
    pickles,
    safetensors_files,
    texts,
    torch_zips,
    torchscript,
    zips,
)
from hostile_corpus.base import Corpus

PARTS = (onnx_files, onnx_bombs, onnx_external, pickles, torch_zips, torchscript, safetensors_files, zips, names, texts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--canary-dir", type=Path, required=True)
    options = parser.parse_args()
    corpus = Corpus(options.out.absolute(), options.canary_dir.absolute())
    for folder in (corpus.out, corpus.canary):
        folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        part.write(corpus)
    corpus.write_index()
    groups = dict(collections.Counter(entry.group for entry in corpus.entries))
    sys.stdout.write(f"{len(corpus.entries)} files: {groups}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
