"""TorchScript encoders for the tests, made here with Debian's python3-torch."""

import os
import pathlib
import zipfile

try:
    import torch
except ImportError:  # a machine without python3-torch
    torch = None

HAS_PLUGIN = (pathlib.Path(os.environ.get("WINNOW", "winnow")).parent
              / "libwinnow_torch.so").exists()
USABLE = HAS_PLUGIN and torch is not None
WHY_NOT = "needs python3-torch and a winnow with LibTorch"

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def network(channels=3, d=8, seed=0):
    """A small convolutional encoder with everything that export must carry: weights, buffers of a
    batch norm, dropout that evaluation turns off. [n, channels, h, w] to [n, d, 1, 1]."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(channels, 16, 3, stride=2), torch.nn.BatchNorm2d(16), torch.nn.ReLU(),
        torch.nn.Conv2d(16, d, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Dropout(0.5))
    model.train()
    with torch.no_grad():
        for _ in range(3):  # running moments that are not 0 and 1
            model(torch.randn(8, channels, 16, 16))
    return model.eval()


def save_script(path, model=None):
    """Saves network() or `model` as a script."""
    torch.jit.script(model or network()).save(str(path))


def save_trace(path, model=None, side=32):
    """Saves network() or `model` as a trace."""
    torch.jit.trace(model or network(), torch.zeros(1, 3, side, side)).save(str(path))


def embeddings(model, images):
    """What torch itself gives for uint8 images [n, h, w, 3], one image at a time."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    x = (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    with torch.no_grad():
        return torch.cat([model(image[None]).flatten(1) for image in x]).numpy()


def rewrite(source, target, change):
    """Copies an archive through zipfile; change(name, bytes) gives each member's new bytes."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            new.writestr(member.filename, change(member.filename, old.read(member.filename)))


def replace_in_code(source, target, old, new):
    """Copies an archive with another text in its code; returns how many places were changed."""
    count = 0

    def change(name, data):
        nonlocal count
        if not name.endswith(".py"):
            return data
        count += data.count(old)
        return data.replace(old, new)

    rewrite(source, target, change)
    return count
