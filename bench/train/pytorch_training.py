#!/usr/bin/env python3
"""Training in winnow next to the same network in PyTorch eager, and next to the machine's products.

Both train the same network on the same images of 32 x 32 with the same batch, optimiser, arithmetic
and threads, one after the other and twice over; the better time of each counts. Time is that of the
steps alone: winnow's as the difference of two runs that differ in the number of steps, PyTorch's
after a step that is not counted. CPU seconds are told beside wall seconds, since they suffer less
from what else the machine does. PyTorch runs in the faster of its two memory layouts.

The limit is the floating-point operations of three forward passes (counted here, from the layers'
shapes) over the best rate of a square product of that type, by PyTorch's own libraries, as measured
in this session, both in CPU time; `limit` is the share of it that winnow reaches.

Exits 1 when a loss is not finite, when the two networks have different numbers of parameters, or
when --least is given and a network's ratio of CPU time is below it.

usage: pytorch_training.py WINNOW [--models M,M] [--precisions float32,bf16] [--batch N] [--steps N]
                           [--threads N] [--repeats N] [--least RATIO]
"""

import argparse
import csv
import json
import math
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

CLASSES = 10
SIDE = 32
# Steps of a measurement at a batch of 128: a few seconds each.
STEPS = {"resnet8": 48, "resnet20": 16, "resnet56": 6, "vit-ti": 4}
STEPS_OF_OTHERS = 2
FILE_IMAGES = 256  # of each of CIFAR's five training files


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("winnow")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--precisions", default="float32,bf16")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=0, help="0: a few, by the network's size")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--least", type=float, default=0.0)
    return parser.parse_args()


def write_data(folder, random):
    """CIFAR's binary files of noise with one bright band of rows, whose place is the class."""
    for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
        count = FILE_IMAGES if name.startswith("data") else 2
        labels = random.integers(0, CLASSES, count)
        images = random.integers(0, 100, (count, 3, SIDE, SIDE), dtype=np.uint8)
        for image, label in zip(images, labels):
            image[:, label * SIDE // CLASSES:(label + 1) * SIDE // CLASSES] += 130
        np.concatenate([labels[:, None].astype(np.uint8), images.reshape(count, -1)],
                       axis=1).tofile(folder / name)


class Spent:
    """Wall and CPU seconds of a block, children included."""

    def __enter__(self):
        self.start = (time.perf_counter(), self.cpu())
        return self

    def __exit__(self, *_):
        self.wall = time.perf_counter() - self.start[0]
        self.cpu_seconds = self.cpu() - self.start[1]

    @staticmethod
    def cpu():
        uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(use.ru_utime + use.ru_stime for use in uses)


# ------------------------------------------------------------------------------------ the networks


def cifar_resnet(blocks):
    """He et al. 2016, with projected shortcuts."""

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.shortcut = None
            if stride != 1 or inputs != outputs:
                self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                              nn.BatchNorm2d(outputs))

        def forward(self, x):
            y = F.relu(self.bn1(self.conv1(x)), inplace=True)
            y = self.bn2(self.conv2(y))
            y += x if self.shortcut is None else self.shortcut(x)
            return F.relu(y, inplace=True)

    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    inputs = 16
    for stage, outputs in enumerate((16, 32, 64)):
        for block in range(blocks):
            layers.append(Block(inputs, outputs, 2 if stage > 0 and block == 0 else 1))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


def wide_resnet(depth, width):
    """Zagoruyko and Komodakis 2016, pre-activation."""

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.bn1 = nn.BatchNorm2d(inputs)
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.shortcut = None
            if inputs != outputs:
                self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

        def forward(self, x):
            active = F.relu(self.bn1(x), inplace=True)
            y = F.relu(self.bn2(self.conv1(active)), inplace=True)
            return self.conv2(y) + (x if self.shortcut is None else self.shortcut(active))

    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)]
    inputs = 16
    for stage, outputs in enumerate((16 * width, 32 * width, 64 * width)):
        for block in range((depth - 4) // 6):
            layers.append(Block(inputs, outputs, 2 if stage > 0 and block == 0 else 1))
            inputs = outputs
    return nn.Sequential(*layers, nn.BatchNorm2d(inputs), nn.ReLU(inplace=True),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, CLASSES))


def imagenet_resnet(name):
    """torchvision's, with the stem for small images."""
    network = getattr(torchvision.models, name)(num_classes=CLASSES)
    network.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    network.maxpool = nn.Identity()
    return network


def vit(width, heads):
    return torchvision.models.VisionTransformer(
        image_size=SIDE, patch_size=SIDE // 8, num_layers=12, num_heads=heads, hidden_dim=width,
        mlp_dim=4 * width, num_classes=CLASSES)


MODELS = {
    "resnet8": lambda: cifar_resnet(1),
    "resnet20": lambda: cifar_resnet(3),
    "resnet56": lambda: cifar_resnet(9),
    "resnet18": lambda: imagenet_resnet("resnet18"),
    "resnet34": lambda: imagenet_resnet("resnet34"),
    "resnet50": lambda: imagenet_resnet("resnet50"),
    "wrn-16-8": lambda: wide_resnet(16, 8),
    "vit-ti": lambda: vit(192, 3),
    "vit-s": lambda: vit(384, 6),
    "vit-b": lambda: vit(768, 12),
}


def forward_flops(network):
    """Floating-point operations of the products of one image's forward pass."""
    total = 0

    def convolution(layer, _, output):
        nonlocal total
        total += 2 * output[0].numel() * layer.weight[0].numel()

    def dense(layer, _, output):
        nonlocal total
        total += 2 * output[0].numel() * layer.in_features

    def attention(layer, _, output):
        nonlocal total
        tokens, width = output[0].shape[1:]
        # The projections in and out, and the two products of queries, keys and values.
        total += 2 * tokens * width * 4 * width + 2 * 2 * tokens * tokens * width

    hooks = []
    for layer in network.modules():
        if isinstance(layer, nn.MultiheadAttention):
            hooks.append(layer.register_forward_hook(attention))
        elif isinstance(layer, nn.modules.linear.NonDynamicallyQuantizableLinear):
            continue  # Part of the attention.
        elif isinstance(layer, nn.Conv2d):
            hooks.append(layer.register_forward_hook(convolution))
        elif isinstance(layer, nn.Linear):
            hooks.append(layer.register_forward_hook(dense))
    with torch.no_grad():
        network.train()(torch.zeros(2, 3, SIDE, SIDE))
    for hook in hooks:
        hook.remove()
    return total


# ------------------------------------------------------------------------------------ measurements


def product_rate(precision):
    """Operations a CPU second of the best product that PyTorch's libraries have: BLAS or oneDNN."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    n = 1024
    a, b = (torch.rand(n, n).to(kind) for _ in range(2))
    ways = [lambda: a @ b]
    if precision == "float32":
        packed = a.to_mkldnn()
        ways.append(lambda: torch.ops.aten.mkldnn_linear(packed, b))
    best = math.inf
    with torch.no_grad():
        for work in ways:
            for _ in range(10):
                with Spent() as spent:
                    work()
                best = min(best, spent.cpu_seconds)
    return 2 * n ** 3 / best


class Eager:
    """Training steps of one network in PyTorch."""

    def __init__(self, model, precision, batch, layout):
        torch.manual_seed(0)
        self.network = MODELS[model]().to(memory_format=layout).train()
        self.layout = layout
        self.precision = precision
        decaying = [p for p in self.network.parameters() if p.dim() > 1]
        others = [p for p in self.network.parameters() if p.dim() <= 1]
        self.optimizer = torch.optim.SGD(
            [{"params": decaying, "weight_decay": 5e-4}, {"params": others}], lr=0.01, momentum=0.9,
            nesterov=True)
        random = torch.Generator().manual_seed(1)
        self.images = torch.randint(0, 256, (5 * FILE_IMAGES, 3, SIDE, SIDE), dtype=torch.uint8,
                                    generator=random)
        self.labels = torch.randint(0, CLASSES, (5 * FILE_IMAGES,), generator=random)
        self.batch = batch

    def steps(self, count):
        for _ in range(count):
            ids = torch.randint(0, len(self.labels), (self.batch,))
            images = self.images[ids].float().sub_(127.5).div_(70.0).contiguous(
                memory_format=self.layout)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16"):
                logits = self.network(images)
            loss = F.cross_entropy(logits.float(), self.labels[ids])
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            if not math.isfinite(loss.item()):
                sys.exit("PyTorch's loss is not finite")


def eager_seconds(model, precision, batch, steps):
    """(wall, CPU) seconds a step in the faster layout."""
    best = None
    for layout in (torch.channels_last, torch.contiguous_format):
        if model.startswith("vit") and layout == torch.channels_last:
            continue
        training = Eager(model, precision, batch, layout)
        training.steps(1)
        with Spent() as spent:
            training.steps(steps)
        if best is None or spent.wall < best.wall:
            best = spent
    return best.wall / steps, best.cpu_seconds / steps


def parameters_in(weights):
    """Learned numbers in a safetensors file of winnow's."""
    with open(weights, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(array["shape"]) for name, array in header.items()
               if name != "__metadata__" and ".running_" not in name)


def winnow_seconds(arguments, folder, model, precision, steps):
    """(wall, CPU) seconds a step, and the number of parameters."""
    times = []
    for count in (1, 1 + steps):
        command = [arguments.winnow, "train", "--data", "cifar10:data", "--model", model,
                   "--iterations", count, "--batch-size", arguments.batch, "--precision", precision,
                   "--threads", arguments.threads, "--crop-padding", 0, "--no-flip",
                   "--learning-rate", 0.01, "--schedule", "constant", "--device", "cpu", "--out",
                   "run", "--force", "--json", "--quiet"]
        with Spent() as spent:
            done = subprocess.run([str(word) for word in command], cwd=folder, check=False,
                                  env=PLAIN_ENVIRONMENT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        if not all(math.isfinite(loss) for loss in json.loads(done.stdout)["train_loss"]):
            sys.exit(f"winnow's loss of {model} is not finite")
        with open(folder / "run" / "timing.csv", newline="") as file:
            wall = float(next(csv.DictReader(file))["seconds"])
        times.append((wall, spent.cpu_seconds))
    wall, cpu = ((late - early) / steps for early, late in zip(*times))
    return wall, cpu, parameters_in(folder / "run" / "model.safetensors")


def measure(arguments, folder, model, precision, rate):
    """One row of the table; the ratio of CPU times."""
    steps = arguments.steps or STEPS.get(model, STEPS_OF_OTHERS)
    network = MODELS[model]()
    flops = 3 * forward_flops(network)
    n_parameters = sum(p.numel() for p in network.parameters())
    own, eager = [], []
    for _ in range(arguments.repeats):
        wall, cpu, found = winnow_seconds(arguments, folder, model, precision, steps)
        if found != n_parameters:
            sys.exit(f"{model}: {found} parameters; PyTorch's has {n_parameters}")
        own.append((wall, cpu))
        eager.append(eager_seconds(model, precision, arguments.batch, steps))
    (wall, cpu), (eager_wall, eager_cpu) = (
        (min(w for w, _ in runs), min(c for _, c in runs)) for runs in (own, eager))
    print(f"{model:9} {precision:8} {arguments.batch / wall:9.1f} {arguments.batch / eager_wall:9.1f} "
          f"{eager_wall / wall:6.2f} {cpu / arguments.batch * 1e3:9.2f} "
          f"{eager_cpu / arguments.batch * 1e3:9.2f} {eager_cpu / cpu:6.2f} "
          f"{flops * 1e-9:9.3f} {flops * arguments.batch / cpu / rate:6.2f}", flush=True)
    return eager_cpu / cpu


def main(arguments):
    arguments.winnow = str(pathlib.Path(arguments.winnow).resolve())
    torch.set_num_threads(arguments.threads)
    rates = {precision: product_rate(precision) for precision in arguments.precisions.split(",")}
    for precision, rate in rates.items():
        print(f"products in {precision}: {rate * 1e-9:.0f} GFLOP per CPU second, {arguments.threads} threads")
    print(f"batches of {arguments.batch} images of {SIDE} x {SIDE}\n")
    print("                        images/s           wall     CPU ms an image     CPU  GFLOP an\n"
          "model     arithm.     winnow   PyTorch  ratio    winnow   PyTorch  ratio     image"
          "  limit")
    worst = math.inf
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "data").mkdir()
        write_data(folder / "data", np.random.default_rng(1))
        for precision in rates:
            for model in arguments.models.split(","):
                worst = min(worst, measure(arguments, folder, model, precision, rates[precision]))
    print(f"\nlowest ratio of CPU times: {worst:.2f}")
    sys.exit(0 if worst >= arguments.least else 1)


if __name__ == "__main__":
    # Loaded here: --help answers at once, and BLAS reads its number of threads when it is loaded.
    ARGUMENTS = parse_arguments()
    PLAIN_ENVIRONMENT = dict(os.environ)
    os.environ["OPENBLAS_NUM_THREADS"] = str(ARGUMENTS.threads)
    import torch
    import torchvision
    from torch import nn
    from torch.nn import functional as F
    main(ARGUMENTS)
