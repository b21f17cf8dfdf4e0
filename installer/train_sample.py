"""Train the built-in sample, a clothes classifier, and write presets/sample.

Usage:
    python installer/train_sample.py [--data FOLDER] [--out FOLDER] [--epochs N] [--threads N]

FOLDER holds the four files of Fashion-MNIST (Debian's package `dataset-fashion-mnist` installs them in the default
folder). An epoch takes about two minutes on two cores. The training never uses the 10,000 test pictures, and nothing is
selected with them: the last epoch is used. The script is needed only to make the sample again. The program never runs
it.
"""

import argparse
import gzip
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = ("T-shirt or top", "Trousers", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
MEAN, STD = 0.2860, 0.3530  # of the 60,000 training pictures
PICTURES_PER_CLASS = 140
SEED = 20
Pictures = NDArray[np.uint8]

ORIGIN = """# The built-in sample

`clothes.onnx` tells 10 kinds of clothes apart: {classes}.
It takes a gray picture of 28×28 pixels, light on a dark ground, and gives one score (logit) for each kind.
{parameters:,} parameters, trained for {epochs} epochs by `installer/train_sample.py` from nothing but the
60,000 training pictures of Fashion-MNIST. Of the 10,000 test pictures, which it never saw, it names
{accuracy:.1%} right.

`pictures.npz` holds {count:,} of those test pictures, {each} of each kind, drawn by chance:
`x` (uint8, n × 28 × 28), `y` (the kind's number) and `classes`. Pictures that also occur among the training
pictures were left out.

Origin: Fashion-MNIST, Han Xiao, Kashif Rasul, Roland Vollgraf, Zalando SE, 2017 (arXiv 1708.07747),
https://github.com/zalandoresearch/fashion-mnist, as in Debian's package `dataset-fashion-mnist`.
License of the pictures and of the model trained from them: MIT, see `LICENSE.txt`.

The model is small and made for trying Fettle out: it knows no other things than these.

| file | sha256 |
|---|---|
| clothes.onnx | `{model_sha256}` |
| pictures.npz | `{pictures_sha256}` |
"""


def read_idx(path: Path) -> Pictures:
    """Read one gzipped idx file of unsigned bytes: pictures (n, 28, 28) or labels (n,), both uint8."""
    data = gzip.decompress(path.read_bytes())
    if data[:3] != b"\0\0\x08":
        raise SystemExit(f"{path} is no idx file of unsigned bytes.")
    dims = data[3]
    shape = tuple(int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(dims))
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


def build_network() -> nn.Sequential:
    """Return dense 3×3 convolutions, two of which halve the picture; (n, 1, 28, 28) → (n, 10) logits."""
    layers: list[nn.Module] = []
    for before, after, stride in ((1, 32, 1), (32, 64, 2), (64, 96, 1), (96, 128, 1), (128, 128, 2)):
        conv = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        layers += [conv, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, len(CLASSES)))


def normalized(pictures: Pictures) -> torch.Tensor:
    """Normalize uint8 (n, 28, 28) to float32 (n, 1, 28, 28), as the pipeline in the model file defines."""
    return torch.from_numpy((pictures[:, None].astype(np.float32) / 255 - MEAN) / STD)


def changed_copies(batch: torch.Tensor) -> torch.Tensor:
    """Return the batch with each picture mirrored at random and moved by up to two pixels."""
    mirrored = torch.where(torch.rand(len(batch), 1, 1, 1) < 0.5, batch.flip(3), batch)
    dark = (0 - MEAN) / STD
    padded = nn.functional.pad(mirrored, (2, 2, 2, 2), value=dark)
    top, left = torch.randint(0, 5, (2, len(batch)))
    rows, columns = top[:, None] + torch.arange(28), left[:, None] + torch.arange(28)
    index = torch.arange(len(batch))[:, None, None]
    return padded[index, 0, rows[:, :, None], columns[:, None, :]][:, None]


def train(network: nn.Sequential, x: Pictures, y: Pictures, epochs: int) -> None:
    """Train with SGD and a one-cycle learning rate; prints a line every 50 batches."""
    pictures, labels = normalized(x), torch.from_numpy(y.astype(np.int64))
    batch_size = 256
    batches = len(pictures) // batch_size
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.3, total_steps=epochs * batches)
    started = time.monotonic()
    network.train()
    for epoch in range(epochs):
        order = torch.randperm(len(pictures))
        for batch in range(batches):
            chosen = order[batch * batch_size : (batch + 1) * batch_size]
            answers = network(changed_copies(pictures[chosen]).contiguous(memory_format=torch.channels_last))
            loss = nn.functional.cross_entropy(answers, labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            rate.step()
            if batch % 50 == 0:
                where = f"epoch {epoch + 1}/{epochs}, batch {batch}/{batches}"
                print(f"{where}, loss {loss.item():.3f}, {time.monotonic() - started:.0f} s", flush=True)


def fused(network: nn.Sequential) -> nn.Sequential:
    """Return the network with each batch normalization folded into the convolution before it."""
    layers: list[nn.Module] = []
    for layer in network.eval():
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
        else:
            layers.append(layer)
    return nn.Sequential(*layers).eval()


def accuracy(network: nn.Sequential, x: Pictures, y: Pictures) -> float:
    """Return the share of correct predictions."""
    with torch.inference_mode():
        answers = torch.cat([network(part).argmax(1) for part in normalized(x).split(500)])
    return float((answers.numpy() == y).mean())


def pipeline() -> dict[str, Any]:
    """Return `fettle.pipeline` of the model file: a PipelineSpec (workers/contracts/pipeline.py)."""
    return {
        "version": 1,
        "task": "image-classification",
        "inputs": [{
            "name": "picture", "dtype": "float32", "shape": [None, 1, 28, 28], "source": "image",
            "meaning": "a gray picture, 28×28, light on a dark ground",
        }],
        "outputs": [{
            "name": "scores", "dtype": "float32", "shape": [None, len(CLASSES)],
            "meaning": "one score for each of 10 kinds of clothes", "answer": True,
        }],
        "preprocess": {
            "kind": "image", "resize": [28, 28], "mean": [MEAN], "std": [STD], "range": "0..1", "channels": "gray",
            "layout": "nchw",
        },
        "answer_kind": "class",
        "scores": "logits",
        "classes": list(CLASSES),
    }  # fmt: skip


def export(network: nn.Sequential, path: Path) -> None:
    """Write one ONNX file for any batch size, with its description in the metadata."""
    program = torch.onnx.export(
        network,
        (torch.zeros(2, 1, 28, 28),),
        input_names=["picture"],
        output_names=["scores"],
        opset_version=18,
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    assert program is not None
    model = program.model_proto
    model.doc_string = "Clothes classifier, the built-in sample of Fettle"
    for node in model.graph.node:  # the exporter's metadata contains source lines and paths
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    del model.metadata_props[:]
    facts = {
        "title": "Clothes classifier",
        "license": "MIT",
        "origin": "trained from Fashion-MNIST (Zalando SE, MIT) by installer/train_sample.py",
        "classes": json.dumps(CLASSES),
        "fettle.pipeline": json.dumps(pipeline(), ensure_ascii=False),
    }
    onnx.helper.set_model_props(model, facts)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def draw_pictures(x: Pictures, y: Pictures, seen: Pictures) -> tuple[Pictures, NDArray[np.int64]]:
    """Draw equally many random pictures of each class, without duplicates and without pictures in `seen`."""
    known = {picture.tobytes() for picture in seen}
    chosen: list[int] = []
    counts = [0] * len(CLASSES)
    for index in np.random.default_rng(SEED).permutation(len(x)):
        label = int(y[index])
        if counts[label] < PICTURES_PER_CLASS and x[index].tobytes() not in known:
            known.add(x[index].tobytes())
            counts[label] += 1
            chosen.append(int(index))
    return x[chosen], y[chosen].astype(np.int64)


def write_sample(out: Path, network: nn.Sequential, data: dict[str, Pictures], epochs: int) -> None:
    """Write clothes.onnx, pictures.npz and ORIGIN.md, and print the size of each."""
    export(network, out / "clothes.onnx")
    x, y = draw_pictures(data["x_test"], data["y_test"], data["x_train"])
    np.savez_compressed(out / "pictures.npz", x=x, y=y, classes=np.array(CLASSES))
    digests = {
        name: hashlib.sha256((out / file).read_bytes()).hexdigest()
        for name, file in (("model_sha256", "clothes.onnx"), ("pictures_sha256", "pictures.npz"))
    }
    text = ORIGIN.format(
        classes=", ".join(CLASSES),
        parameters=sum(p.numel() for p in network.parameters()),
        epochs=epochs,
        accuracy=accuracy(network, data["x_test"], data["y_test"]),
        count=len(x),
        each=PICTURES_PER_CLASS,
        **digests,
    )
    (out / "ORIGIN.md").write_text(text, encoding="utf-8")
    print(f"accuracy on the {len(x):,} shipped pictures: {accuracy(network, x, y.astype(np.uint8)):.4f}")
    for path in sorted(out.iterdir()):
        print(f"{path.stat().st_size:>10,} bytes  {path}")


def main() -> None:
    """Parse the arguments, train the network and write the sample."""
    parser = argparse.ArgumentParser(description="Train the built-in sample of Fettle.")
    parser.add_argument("--data", type=Path, default=DEBIAN_FOLDER, help="folder of the four idx files")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "presets" / "sample")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    files = {
        "x_train": "train-images-idx3",
        "y_train": "train-labels-idx1",
        "x_test": "t10k-images-idx3",
        "y_test": "t10k-labels-idx1",
    }
    data = {key: read_idx(options.data / f"{name}-ubyte.gz") for key, name in files.items()}
    torch.manual_seed(SEED)
    torch.set_num_threads(options.threads)
    network = build_network().to(memory_format=torch.channels_last)
    train(network, data["x_train"], data["y_train"], options.epochs)
    options.out.mkdir(parents=True, exist_ok=True)
    write_sample(options.out, fused(network).to(memory_format=torch.contiguous_format), data, options.epochs)


if __name__ == "__main__":
    main()
