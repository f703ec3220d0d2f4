#!/usr/bin/env python3
"""The pair nas-digits in plain PyTorch: what a user would write without Pipe-BD Workbench.

Written from the papers and docs, not from the engine: the oracle that its strategies are held against, and its rival in speed.
Parameters have the names of our safetensors files. One process, one device.

    plain_pytorch.py start STUDENT                     draws initial weights of the student
    plain_pytorch.py train STUDENT RESULT              trains them
    plain_pytorch.py compare A B --tolerance T         |A - B| / |B| over the weights and statistics of each block
    plain_pytorch.py bench                             samples a second
"""

import argparse
import json
import math
import statistics
import struct
import sys
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
import torch
from torch import nn
from torch.nn import functional as F

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
TYPES = {"F32": torch.float32, "F64": torch.float64, "U8": torch.uint8}


# --- safetensors -----------------------------------------------------------------------------------------------------------------


def read_tensors(path):
    data = bytearray(Path(path).read_bytes())
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(data[8 + length + begin : 8 + length + end], dtype=TYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def write_tensors(path, tensors):
    names = {dtype: name for name, dtype in TYPES.items()}
    header, parts, offset = {}, [], 0
    for name, tensor in tensors.items():
        flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
        parts.append(bytes(flat.tolist()))
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(parts[-1])],
        }
        offset += len(parts[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


# --- the pair --------------------------------------------------------------------------------------------------------------------

STAGES = [  # width, stride, cells of the teacher, cells of the student
    (16, 1, 2, 2),
    (24, 2, 3, 4),
    (48, 2, 4, 4),
    (64, 1, 3, 4),
    (112, 2, 3, 4),
    (192, 1, 1, 1),
]
STEM, FIRST, LAST, CLASSES = 16, 8, 640, 10


def unit(inputs, outputs, kernel=1, stride=1, groups=1, activated=True):
    layers = nn.Sequential()
    layers.add_module("conv", nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False))
    layers.add_module("norm", nn.BatchNorm2d(outputs))
    if activated:
        layers.add_module("relu", nn.ReLU6(inplace=True))
    return layers


class InvertedResidual(nn.Sequential):
    def __init__(self, inputs, outputs, stride=1, kernel=3, expansion=6):
        super().__init__()
        middle = inputs * expansion
        if expansion != 1:
            self.add_module("expand", unit(inputs, middle))
        self.add_module("depthwise", unit(middle, middle, kernel, stride, groups=middle))
        self.add_module("project", unit(middle, outputs, activated=False))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + super().forward(x) if self.residual else super().forward(x)


class Cell(nn.Module):
    """One of the candidates, chosen anew at every step."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.names = []
        for kernel in (3, 5, 7):
            for expansion in (3, 6):
                self.names.append(f"mbconv_{kernel}x{kernel}_e{expansion}")
                self.add_module(self.names[-1], InvertedResidual(inputs, outputs, stride, kernel, expansion))
        if stride == 1 and inputs == outputs:
            self.names.append(None)  # the identity
        self.path = 0

    def forward(self, x):
        name = self.names[self.path]
        return x if name is None else getattr(self, name)(x)


class Classifier(nn.Linear):
    def forward(self, x):
        return super().forward(x.mean((2, 3)))


def make_block(index, student):
    width, stride, *cells = STAGES[index]
    inputs = STAGES[index - 1][0] if index else FIRST
    block = nn.Sequential()
    if index == 0:
        block.add_module("stem", unit(1, STEM, 3))
        block.add_module("first", InvertedResidual(STEM, FIRST, expansion=1))
    chain = nn.Sequential()
    for cell in range(cells[student]):
        shape = (inputs, width, stride) if cell == 0 else (width, width, 1)
        chain.append(Cell(*shape) if student else InvertedResidual(*shape))
    block.add_module("cells", chain)
    if index + 1 == len(STAGES):
        block.add_module("last", unit(width, LAST))
        block.add_module("classifier", Classifier(LAST, CLASSES))
    return block


def make_network(student, dtype=torch.float32, weights=None, channels_last=True):
    network = nn.Module()
    network.blocks = nn.ModuleList(make_block(index, student) for index in range(len(STAGES)))
    if weights is not None:
        missing, unknown = network.load_state_dict(weights, strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unknown:
            sys.exit(f"the weights do not fit: {(missing + unknown)[0]}")
    return network.to(dtype=dtype, memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def state_of(network):
    return {name: tensor for name, tensor in network.state_dict().items() if not name.endswith("num_batches_tracked")}


# --- paths -----------------------------------------------------------------------------------------------------------------------

MASK = (1 << 64) - 1


def mix(x):
    """The finaliser of SplitMix64."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def fnv1a(name):
    x = 0xCBF29CE484222325
    for byte in name.encode():
        x = ((x ^ byte) * 0x100000001B3) & MASK
    return x


def choose_paths(block, seed, step, index):
    for number, cell in enumerate(block.cells):
        x = 0
        for coordinate in (seed, step, index, number, fnv1a("path")):
            x = mix(x ^ coordinate)
        cell.path = (x >> 32) * len(cell.names) >> 32


# --- data and training -----------------------------------------------------------------------------------------------------------


class Digits:
    """The training samples in order, one epoch after another; every fifth sample of the source is for testing."""

    def __init__(self, dtype, channels_last):
        tensors = read_tensors(RESOURCES / "digits.safetensors")
        images = tensors["images"]
        training = torch.tensor([sample for sample in range(len(images)) if sample % 5 != 4][: len(images) - len(images) // 5])
        images = (images[training].float() / 16 - 0.3058) / 0.3764
        self.small, self.dtype = images.unsqueeze(1), dtype
        self.format = torch.channels_last if channels_last else torch.contiguous_format

    def batch(self, step, size):
        places = torch.arange(step * size, (step + 1) * size) % len(self.small)
        large = F.interpolate(self.small[places], (32, 32), mode="bilinear", align_corners=False)
        return large.to(self.dtype).contiguous(memory_format=self.format)


class Training:
    """Blockwise distillation: each student block learns what the teacher's block makes of the same input."""

    def __init__(self, options, student_weights):
        dtype = getattr(torch, options.dtype)
        teacher = read_tensors(RESOURCES / "nas-digits-teacher.safetensors")
        self.options = options
        self.data = Digits(dtype, options.channels_last)
        self.teacher = make_network(False, dtype, teacher, options.channels_last).eval().requires_grad_(False)
        self.student = make_network(True, dtype, student_weights, options.channels_last).train()
        self.optimizers = [
            torch.optim.SGD(block.parameters(), lr=options.learning_rate, momentum=0.9, nesterov=True)
            for block in self.student.blocks
        ]

    def step(self, step):
        options = self.options
        rate = options.learning_rate * (1 + math.cos(math.pi * step / options.steps)) / 2
        x = self.data.batch(step, options.batch)
        for index, (teacher, student, optimizer) in enumerate(zip(self.teacher.blocks, self.student.blocks, self.optimizers)):
            choose_paths(student, options.seed, step, index)
            with torch.no_grad():
                target = teacher(x)
            output = student(x)
            last = index + 1 == len(STAGES)
            loss = F.cross_entropy(output, target.softmax(1)) if last else F.mse_loss(output, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
            x = target


# --- commands --------------------------------------------------------------------------------------------------------------------


def start(options):
    torch.manual_seed(options.seed + 1)
    tensors = state_of(make_network(True))
    for name, tensor in tensors.items():
        if tensor.dim() == 4:
            nn.init.kaiming_normal_(tensor, mode="fan_out")
        elif name.endswith(("norm.weight", "running_var")):
            tensor.uniform_(0.8, 1.2)
        else:
            tensor.normal_(0, 0.05)
    write_tensors(options.student, tensors)


def train(options):
    training = Training(options, read_tensors(options.student))
    for step in range(options.steps):
        training.step(step)
    write_tensors(options.result, state_of(training.student))


def compare(options):
    a, b = read_tensors(options.a), read_tensors(options.b)
    if a.keys() != b.keys():
        sys.exit(f"other tensors: {sorted(a.keys() ^ b.keys())[0]}")
    worst = 0.0
    for index in range(len(STAGES)):
        names = [name for name in a if name.startswith(f"blocks.{index}.")]
        first = torch.cat([a[name].double().flatten() for name in names])
        second = torch.cat([b[name].double().flatten() for name in names])
        difference = ((first - second).norm() / second.norm()).item()
        print(f"block {index}: {difference:.3g}")
        worst = max(worst, difference if math.isfinite(difference) else math.inf)
    if worst > options.tolerance:
        sys.exit(f"the weights differ by {worst:.3g}, more than {options.tolerance:.3g}")


def bench(options):
    training = Training(options, None)
    for turn in range(2):  # the first is warm-up; the same paths are drawn in both
        wall, cpu = [], []
        for step in range(options.steps):
            begin = time.perf_counter(), time.process_time()
            training.step(step)
            wall.append(time.perf_counter() - begin[0])
            cpu.append(time.process_time() - begin[1])
    median = {name: statistics.median(times[1:]) for name, times in (("wall", wall), ("cpu", cpu))}
    print(f"step {median['wall'] * 1e3:.1f} ms, CPU time {median['cpu'] * 1e3:.1f} ms, {options.batch / median['wall']:.1f} samples/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--seed", type=int, default=0)
    common.add_argument("--steps", type=int, default=20)
    common.add_argument("--batch", type=int, default=64)
    common.add_argument("--learning-rate", type=float, default=0.2)
    common.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    common.add_argument("--threads", type=int, default=1)
    common.add_argument("--channels-last", action=argparse.BooleanOptionalAction, default=True)
    commands = parser.add_subparsers(required=True)
    for function, arguments in ((start, ["student"]), (train, ["student", "result"]), (compare, ["a", "b"]), (bench, [])):
        command = commands.add_parser(function.__name__, parents=[common])
        command.set_defaults(function=function)
        for argument in arguments:
            command.add_argument(argument)
        if function is compare:
            command.add_argument("--tolerance", type=float, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.function(options)


if __name__ == "__main__":
    main()
