#!/usr/bin/env python3
"""The student of a run as an ordinary torch.nn.Module. Needs nothing but torch.

    python load_student.py RUN_FOLDER [student.pt2]     prints what it is

    from load_student import load_student
    student = load_student("RUN_FOLDER")                # in evaluation mode, with the trained weights
    torch.onnx.export(student, (student.example_input(),), "student.onnx")

The folder holds student.safetensors and architecture.json (docs/formats/architecture.md). The module's state_dict has the names of
student.safetensors, and num_batches_tracked, which that leaves out. A student that came from a .pt2 is built from that graph:
student.pt2 in the folder, or the second argument.
"""

import json
import mmap
import struct
import sys
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

TYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}


def read_tensors(path):
    """{name: tensor} of a safetensors file."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        tensors = {}
        for name, entry in header.items():
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            dtype = TYPES[entry["dtype"]]
            values = torch.frombuffer(bytearray(data[begin:end]), dtype=dtype) if end > begin else torch.empty(0, dtype=dtype)
            tensors[name] = values.reshape(entry["shape"])
        return tensors


# --- steps -----------------------------------------------------------------------------------------------------------------------
# A step is called with the activation. Modules that hold tensors are registered in the network under the names of those tensors; a
# step only refers to them.


class Apply:
    """A function of no tensors of its own, given by name so that the network can be copied and pickled."""

    FUNCTIONS = {
        "relu": F.relu,
        "relu6": F.relu6,
        "tanh": torch.tanh,
        "mean": lambda x: x.mean((2, 3)),
        "flatten": lambda x: x.flatten(1),
        "first_token": lambda x: x[:, 0],
    }

    def __init__(self, name):
        self.name = name

    def __call__(self, x):
        return self.FUNCTIONS[self.name](x)


class Sequence:
    def __init__(self, steps):
        self.steps = steps

    def __call__(self, x):
        for step in self.steps:
            x = step(x)
        return x


class Residual:
    def __init__(self, body, shortcut=None):
        self.body = body
        self.shortcut = shortcut

    def __call__(self, x):
        return self.body(x) + (self.shortcut(x) if self.shortcut else x)


class TextEmbedding:
    def __init__(self, words, positions, types, norm):
        self.words, self.positions, self.types, self.norm = words, positions, types, norm

    def __call__(self, tokens):
        places = self.positions.weight[: tokens.shape[1]] + self.types.weight[0]
        return self.norm(self.words(tokens) + places)


class TransformerLayer:
    def __init__(self, heads, parts):
        self.heads = heads
        self.parts = parts

    def __call__(self, x):
        p = self.parts
        query, key, value = (
            p["attention.self." + name](x).unflatten(2, (self.heads, -1)).transpose(1, 2) for name in ("query", "key", "value")
        )
        attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        x = p["attention.output.LayerNorm"](p["attention.output.dense"](attended) + x)
        return p["output.LayerNorm"](p["output.dense"](F.gelu(p["intermediate.dense"](x))) + x)


# --- the network -----------------------------------------------------------------------------------------------------------------


class Network(nn.Module):
    """What architecture.json describes as "network"."""

    def __init__(self, description):
        super().__init__()
        self.input_shape = description["input"]["shape"]
        self.vocabulary = description["input"]["vocabulary"]
        self.classes = description["classes"]
        self.block_names = [block["name"] for block in description["blocks"]]
        self._blocks = [self._sequence(block["steps"]) for block in description["blocks"]]

    def forward(self, x):
        for block in self._blocks:
            x = block(x)
        return x

    def run_block(self, index, x):
        return self._blocks[index](x)

    def example_input(self, batch=2):
        shape = [batch, *self.input_shape]
        return torch.randint(self.vocabulary, shape) if self.vocabulary else torch.randn(shape)

    def _register(self, name, module):
        """`module` under its dotted name, in modules that only hold others."""
        *path, last = name.split(".")
        holder = self
        for part in path:
            if part not in holder._modules:
                holder.add_module(part, nn.Module())
            holder = holder._modules[part]
        holder.add_module(last, module)
        return module

    def _linear(self, name, inputs, outputs):
        return self._register(name, nn.Linear(inputs, outputs))

    def _norm(self, name, width, epsilon):
        return self._register(name, nn.LayerNorm(width, eps=epsilon))

    def _sequence(self, steps):
        return Sequence([self._step(step) for step in steps])

    def _step(self, step):
        kind, name = step["type"], step.get("name")
        if kind in Apply.FUNCTIONS:
            return Apply(kind)
        if kind == "convolution":
            kernel = step["kernel"]
            return self._register(
                name,
                nn.Conv2d(
                    step["in"], step["out"], kernel, step["stride"], kernel // 2, groups=step["groups"], bias=bool(step["bias"])
                ),
            )
        if kind == "batch_norm":
            return self._register(name, nn.BatchNorm2d(step["channels"]))
        if kind == "linear":
            return self._linear(name, step["in"], step["out"])
        if kind == "layer_norm":
            return self._norm(name, step["width"], step["epsilon"])
        if kind == "max_pool":
            return nn.MaxPool2d(step["kernel"], step["stride"], step["padding"])
        if kind == "residual":
            return Residual(*(self._sequence(part) for part in step["parts"]))
        if kind == "cell":
            return self._sequence(step["parts"][0])
        if kind == "text_embedding":
            width = step["hidden"]
            tables = [
                self._register(f"{name}.{table}_embeddings", nn.Embedding(step[rows], width))
                for table, rows in (("word", "vocabulary"), ("position", "positions"), ("token_type", "types"))
            ]
            return TextEmbedding(*tables, self._norm(f"{name}.LayerNorm", width, step["epsilon"]))
        if kind == "transformer_layer":
            hidden, wide, epsilon = step["hidden"], step["intermediate"], step["epsilon"]
            parts = {
                part: self._linear(f"{name}.{part}", *shape)
                for part, shape in (
                    ("attention.self.query", (hidden, hidden)),
                    ("attention.self.key", (hidden, hidden)),
                    ("attention.self.value", (hidden, hidden)),
                    ("attention.output.dense", (hidden, hidden)),
                    ("intermediate.dense", (hidden, wide)),
                    ("output.dense", (wide, hidden)),
                )
            }
            for part in ("attention.output.LayerNorm", "output.LayerNorm"):
                parts[part] = self._norm(f"{name}.{part}", hidden, epsilon)
            return TransformerLayer(step["heads"], parts)
        raise ValueError(f"architecture.json has a step of type {kind!r}, which this script does not know; use the one that came with it")


def fill(module, tensors, where):
    """Loads the tensors by name. Those of candidates that were not chosen have no place and are left out."""
    outcome = module.load_state_dict({name: tensors[name] for name in module.state_dict() if name in tensors}, strict=False)
    missing = [name for name in outcome.missing_keys if not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(f"{where} has no tensor {missing[0]!r}, which the architecture needs")


def load_student(folder, graph=None):
    """The student of the run in `folder`, float32, in evaluation mode. `graph`: the .pt2 it came from, for an imported pair."""
    folder = Path(folder)
    weights = folder / "student.safetensors"
    architecture = json.loads((folder / "architecture.json").read_text())
    if not architecture.get("format", "").startswith("pipebd.architecture/1"):
        raise ValueError(f"{folder / 'architecture.json'} is no pipebd.architecture/1")
    if "network" in architecture:
        student = Network(architecture["network"])
    else:
        graph = Path(graph) if graph else folder / "student.pt2"
        if not graph.exists():
            raise ValueError(f"the student came from a .pt2, which is not at {graph}; give its path")
        student = torch.export.load(graph).module()
    tensors = {name: value.float() if value.dtype == torch.float64 else value for name, value in read_tensors(weights).items()}
    fill(student, tensors, weights)
    if "network" in architecture:
        student.eval()
    else:
        with warnings.catch_warnings():  # an exported program has its own way into evaluation mode
            warnings.simplefilter("ignore")
            torch.ao.quantization.move_exported_model_to_eval(student)
    return student


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python load_student.py RUN_FOLDER [student.pt2]")
    try:
        student = load_student(*sys.argv[1:])
    except (OSError, ValueError, KeyError, struct.error) as error:
        sys.exit(f"load_student.py: error: {error}")
    parameters = sum(parameter.numel() for parameter in student.parameters())
    print(f"{len(student.state_dict())} tensors, {parameters} parameters")
    if isinstance(student, Network):
        x = student.example_input()
        for index, name in enumerate(student.block_names):
            with torch.no_grad():
                x = student.run_block(index, x)
            print(f"{name}: {list(x.shape[1:])}")


if __name__ == "__main__":
    main()
