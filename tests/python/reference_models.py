#!/usr/bin/env python3
"""Models as their Python users have them, for the tests that compare outputs.

    reference_models.py make NAME FILE       random weights, perturbed statistics, an input and its output, as safetensors
    reference_models.py check FOLDER FILE    load_student.py on the folder, held against the input and output in FILE
    reference_models.py export FOLDER        the student through torch.export
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "resources" / "python"))
from load_student import load_student


def of_torchvision(name, **arguments):
    import torchvision  # slow, and only of use here

    return getattr(torchvision.models, name)(**arguments)


def mobilenet_cifar10():
    model = of_torchvision("mobilenet_v2", num_classes=10)
    model.features[0][0].stride = (1, 1)
    model.features[2].conv[1][0].stride = (1, 1)
    return model


def vgg_cifar10():
    model = of_torchvision("vgg16_bn", num_classes=10)
    model.avgpool = nn.Identity()
    model.classifier = nn.Sequential(
        nn.Linear(512, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, 10)
    )
    return model


class Bert(nn.Module):
    """BERT from its paper, under HuggingFace's names; attention written out."""

    def __init__(self, layers, hidden=48, heads=4, wide=96, vocabulary=101, positions=40, classes=3):
        super().__init__()
        self.heads = heads
        self.bert = nn.Module()
        self.bert.embeddings = nn.Module()
        self.bert.embeddings.word_embeddings = nn.Embedding(vocabulary, hidden)
        self.bert.embeddings.position_embeddings = nn.Embedding(positions, hidden)
        self.bert.embeddings.token_type_embeddings = nn.Embedding(2, hidden)
        self.bert.embeddings.LayerNorm = nn.LayerNorm(hidden, eps=1e-12)
        self.bert.encoder = nn.Module()
        self.bert.encoder.layer = nn.ModuleList()
        for _ in range(layers):
            layer = nn.Module()
            layer.attention = nn.Module()
            setattr(layer.attention, "self", nn.Module())
            for name in ("query", "key", "value"):
                setattr(getattr(layer.attention, "self"), name, nn.Linear(hidden, hidden))
            layer.attention.output = nn.Module()
            layer.attention.output.dense = nn.Linear(hidden, hidden)
            layer.attention.output.LayerNorm = nn.LayerNorm(hidden, eps=1e-12)
            layer.intermediate = nn.Module()
            layer.intermediate.dense = nn.Linear(hidden, wide)
            layer.output = nn.Module()
            layer.output.dense = nn.Linear(wide, hidden)
            layer.output.LayerNorm = nn.LayerNorm(hidden, eps=1e-12)
            self.bert.encoder.layer.append(layer)
        self.bert.pooler = nn.Module()
        self.bert.pooler.dense = nn.Linear(hidden, hidden)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, tokens):
        e = self.bert.embeddings
        positions = torch.arange(tokens.shape[1])
        x = e.word_embeddings(tokens) + e.position_embeddings(positions) + e.token_type_embeddings(torch.zeros_like(tokens))
        x = e.LayerNorm(x)
        for layer in self.bert.encoder.layer:
            attention = getattr(layer.attention, "self")
            split = lambda y: y.reshape(*y.shape[:2], self.heads, -1).permute(0, 2, 1, 3)
            query, key, value = split(attention.query(x)), split(attention.key(x)), split(attention.value(x))
            weights = torch.softmax(query @ key.transpose(2, 3) / query.shape[-1] ** 0.5, dim=-1)
            seen = (weights @ value).permute(0, 2, 1, 3).reshape(x.shape)
            x = layer.attention.output.LayerNorm(layer.attention.output.dense(seen) + x)
            wide = nn.functional.gelu(layer.intermediate.dense(x))
            x = layer.output.LayerNorm(layer.output.dense(wide) + x)
        return self.classifier(torch.tanh(self.bert.pooler.dense(x[:, 0])))


MODELS = {
    "mobilenet_v2": (lambda: of_torchvision("mobilenet_v2"), (2, 3, 224, 224)),
    "mobilenet_cifar10": (mobilenet_cifar10, (3, 3, 32, 32)),
    "vgg16_bn": (lambda: of_torchvision("vgg16_bn", init_weights=False), (1, 3, 224, 224)),
    "vgg_cifar10": (vgg_cifar10, (3, 3, 32, 32)),
    "resnet50": (lambda: of_torchvision("resnet50"), (2, 3, 224, 224)),
    "resnet18": (lambda: of_torchvision("resnet18"), (2, 3, 224, 224)),
    "bert12": (lambda: Bert(12), (3, 24)),
    "bert6": (lambda: Bert(6), (3, 24)),
}


def make(name, file):
    torch.manual_seed(7)
    maker, shape = MODELS[name]
    model = maker().eval()
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if key.endswith("running_mean") or key.endswith("bias"):
                value.normal_(0, 0.1)
            elif key.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif value.dim() == 1:
                value.uniform_(0.5, 1.5)
        x = torch.randint(101, shape) if len(shape) == 2 else torch.randn(shape)
        output = model(x)
    save_file({**model.state_dict(), "input": x, "output": output}, file)


def check(folder, file):
    expected = load_file(file)
    student = load_student(folder)
    names = {name for name in student.state_dict() if not name.endswith("num_batches_tracked")}
    written = set(load_file(Path(folder) / "student.safetensors"))
    if "all candidates" in file:
        names |= {name for name in written if ".mbconv_" in name}
    if names != written:
        sys.exit(f"names differ: {sorted(names ^ written)[:4]}")
    with torch.no_grad():
        output = student(expected["input"])
    difference = ((output - expected["output"]).abs().max() / expected["output"].abs().max()).item()
    print(f"largest difference {difference:.2g} of the largest output")
    if not difference <= 1e-5:
        sys.exit(f"the outputs differ by {difference:.2g}")


def export(folder):
    student = load_student(folder)
    x = student.example_input()
    exported = torch.export.export(student, (x,)).module()
    with torch.no_grad():
        if not torch.equal(exported(x), student(x)):
            sys.exit("torch.export changes the student")


if __name__ == "__main__":
    {"make": make, "check": check, "export": export}[sys.argv[1]](*sys.argv[2:])
