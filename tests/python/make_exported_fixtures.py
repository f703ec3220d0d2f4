"""Makes tests/engine/exported/*.pt2 and, beside each, what PyTorch computes with it.

    make_exported_fixtures.py FOLDER

The archives are those of torch.export.save without what names this machine (stack traces), without padding, and with nonsense for the
sample inputs, which are never to be opened. NAME.safetensors is as export_networks.py says: float64, computed without dropout.
"""

import copy
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from export_networks import compute, spread, without_noise
from safetensors.torch import save_file
from torch import nn
from torch.export import Dim, export, save
from torchvision.ops import StochasticDepth


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.depth = StochasticDepth(0.25, "row")
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.depth(self.norm(self.conv(x)))
        y += x
        return self.relu(y)


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6, momentum=0.2), nn.ReLU(inplace=True))
        self.body = nn.Sequential(Residual(6), Residual(6))
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        x = self.body(self.stem(x))
        x = nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.head(self.drop(x))


class Texts(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 8)
        self.positions = nn.Parameter(torch.randn(1, 6, 8))
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(8, 2, 16, 0.1, batch_first=True) for _ in range(1))
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8, bias=False)
        self.second.weight = self.first.weight
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.words(x) + self.positions
        for layer in self.layers:
            x = layer(x)
        x = self.second(torch.relu(self.first(x.mean(1))))
        return self.head(x)


def small(model):
    for node in model["graph_module"]["graph"]["nodes"]:
        node["metadata"] = {key: text for key, text in node["metadata"].items() if key == "nn_module_stack"}
    model["graph_module"]["module_call_graph"] = []
    return model


def repack(source, target):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in sorted(old.namelist()):
            contents = old.read(name)
            if name.endswith("model.json"):
                contents = json.dumps(small(json.loads(contents)), separators=(",", ":")).encode()
            elif name.endswith("sample_inputs/model.pt"):
                contents = b"not a pickle"
            elif ".data/" in name:
                continue
            new.writestr(zipfile.ZipInfo(name), contents)


def write(folder, name, model, sample):
    spread(model)
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / f"{name}.pt2"
        save(export(model.train(), (sample,), dynamic_shapes=({0: Dim("batch")},)), file)
        repack(file, folder / f"{name}.pt2")
    exact = without_noise(copy.deepcopy(model)).double()
    for module in exact.modules():
        if isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0
    inputs = sample.double() if sample.is_floating_point() else sample
    direction = torch.randn(sample.shape[0], model.head.out_features, dtype=torch.float64)
    values = compute(exact, inputs, direction) | {"input": inputs, "direction": direction}
    save_file({key: tensor.detach().contiguous() for key, tensor in values.items()}, folder / f"{name}.safetensors")


if __name__ == "__main__":
    torch.manual_seed(0)
    target = Path(sys.argv[1])
    write(target, "images", Images(), torch.randn(4, 3, 6, 6))
    write(target, "texts", Texts(), torch.randint(0, 20, (4, 6)))
