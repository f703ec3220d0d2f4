"""Networks of torchvision, timm and our own, exported with torch.export, and what PyTorch computes with them.

    export_networks.py FOLDER NAME...     writes NAME.pt2 and NAME.safetensors for each
    export_networks.py --list

NAME.safetensors, all of float64 but tokens: `input`; `direction` [batch, classes]; `eval.output`; of one step in training mode from the
same weights, with the loss sum(output * direction), `train.output`, `gradient.PARAMETER` and, of what batch norm follows, `buffer.BUFFER`;
`rounding`, the largest relative difference that float32 makes to all of these in PyTorch itself (behind ReLU6 and batch norm: percents).
Dropout is 0 everywhere: its masks are not those of PyTorch.
"""

import copy
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.export import Dim, export, save


class Embedding(nn.Module):
    def __init__(self, vocabulary, tokens, width):
        super().__init__()
        self.word = nn.Embedding(vocabulary, width, padding_idx=0)
        self.position = nn.Embedding(tokens, width)
        self.norm = nn.LayerNorm(width)
        self.register_buffer("position_ids", torch.arange(tokens).unsqueeze(0))

    def forward(self, x):
        return self.norm(self.word(x) + self.position(self.position_ids[:, : x.size(1)]))


class Bert(nn.Module):
    def __init__(self, vocabulary=100, tokens=16, width=32, layers=4, classes=5):
        super().__init__()
        self.embedding = Embedding(vocabulary, tokens, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, activation="gelu", batch_first=True) for _ in range(layers)
        )
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        x = self.embedding(x)
        mask = torch.ones(x.size(0), 1, 1, x.size(1))  # as if all tokens were there, for every layer
        for layer in self.layers:
            x = layer(x) * mask[:, 0, 0, :, None]
        return self.classifier(x[:, 0])


class Sequences(nn.Module):
    """Batch norm over features and over sequences, with and without affine parameters; functional operations between modules."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(12, 24)
        self.norm = nn.BatchNorm1d(24, momentum=0.3, eps=1e-3)
        self.second = nn.Conv1d(4, 6, 3, padding=1)
        self.plain = nn.BatchNorm1d(6, affine=False)
        self.last = nn.Linear(36, 3)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x)))
        x = x.reshape(x.shape[0], 4, 6)
        x = torch.tanh(self.plain(self.second(x)))
        return self.last(x.flatten(1))


def small_vgg():
    from torchvision.models import vgg16_bn

    model = vgg16_bn(num_classes=10)
    model.classifier[0] = nn.Linear(512 * 7 * 7, 64)
    model.classifier[3] = nn.Linear(64, 64)
    model.classifier[6] = nn.Linear(64, 10)
    return model


def small_swin():
    from torchvision.models import SwinTransformer

    return SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4], stochastic_depth_prob=0.0, num_classes=10)


def small_mixer():
    from timm.models.mlp_mixer import MlpMixer

    return MlpMixer(num_classes=10, img_size=64, patch_size=16, num_blocks=2, embed_dim=64)


def torchvision_model(name, **options):
    import torchvision

    return getattr(torchvision.models, name)(num_classes=10, **options)


def timm_model(name, **options):
    import timm

    return timm.create_model(name, num_classes=10, **options)


NETWORKS = {
    "resnet18": (lambda: torchvision_model("resnet18"), (3, 64, 64)),
    "mobilenet_v2": (lambda: torchvision_model("mobilenet_v2"), (3, 64, 64)),
    "efficientnet_b0": (lambda: torchvision_model("efficientnet_b0"), (3, 64, 64)),
    "vgg16_bn": (small_vgg, (3, 64, 64)),
    "vit": (lambda: timm_model("vit_tiny_patch16_224", img_size=64, depth=4), (3, 64, 64)),
    "convnext": (lambda: timm_model("convnext_atto"), (3, 64, 64)),
    "densenet121": (lambda: torchvision_model("densenet121"), (3, 64, 64)),
    "mobilenet_v3_small": (lambda: torchvision_model("mobilenet_v3_small"), (3, 64, 64)),
    "resnet26d": (lambda: timm_model("resnet26d"), (3, 64, 64)),
    "mixer": (small_mixer, (3, 64, 64)),
    "regnet": (lambda: torchvision_model("regnet_y_400mf"), (3, 64, 64)),
    "shufflenet": (lambda: torchvision_model("shufflenet_v2_x0_5"), (3, 64, 64)),
    "swin": (small_swin, (3, 64, 64)),
    "bert": (Bert, (12,)),
    "sequences": (Sequences, (12,)),
}


def without_noise(model):
    """Dropout and stochastic depth at rest, wherever modules keep their rates."""
    for module in model.modules():
        if isinstance(module, (nn.Dropout, nn.Dropout1d, nn.Dropout2d)):
            module.p = 0.0
        if type(module).__name__ == "StochasticDepth":
            module.p = 0.0
        if type(module).__name__ == "DropPath":
            module.drop_prob = 0.0
    return model


def spread(model):
    """Weights and running statistics away from what they are initialised to, so that none can be left out unnoticed."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1 and name.endswith("weight"):
                parameter.uniform_(0.5, 1.5)
            elif parameter.dim() == 1:
                parameter.uniform_(-0.2, 0.2)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.uniform_(-0.2, 0.2)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)


def write(folder, name):
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    model = without_noise(make())
    spread(model)
    is_text = name == "bert"
    sample = torch.randint(0, 100, (4, *shape)) if is_text else torch.randn(4, *shape)
    program = export(model.train(), (sample,), dynamic_shapes=({0: Dim("batch")},))
    save(program, folder / f"{name}.pt2")

    exact = copy.deepcopy(model).double()
    torch.set_default_dtype(torch.float64)  # of what forward makes
    inputs = sample if is_text else sample.double()
    direction = torch.randn(4, classes_of(exact, inputs))
    values = compute(exact, inputs, direction)
    torch.set_default_dtype(torch.float32)
    single = compute(copy.deepcopy(model), sample, direction.float())
    values |= {"input": inputs, "direction": direction, "rounding": largest_difference(single, values)}
    save_file({key: tensor.detach().contiguous() for key, tensor in values.items()}, folder / f"{name}.safetensors")


def classes_of(model, inputs):
    with torch.no_grad():
        return model.eval()(inputs).shape[1]


def compute(model, inputs, direction):
    values = {}
    with torch.no_grad():
        values["eval.output"] = model.eval()(inputs)
    values["train.output"] = model.train()(inputs)
    (values["train.output"] * direction).sum().backward()
    for name, parameter in model.named_parameters():
        values[f"gradient.{name}"] = parameter.grad
    for name, buffer in model.named_buffers():
        if name.split(".")[-1] in ("running_mean", "running_var", "num_batches_tracked"):
            values[f"buffer.{name}"] = buffer
    return values


def largest_difference(found, expected):
    """Of the norms of tensors. A gradient that is 0 in theory, such as a bias's in front of a batch norm, is rounding only: left out."""
    largest = max(tensor.norm() for name, tensor in expected.items() if name.startswith("gradient."))
    differences = []
    for name, tensor in expected.items():
        if not name.startswith("gradient.") or tensor.norm() > 1e-9 * largest:
            differences.append((found[name].double() - tensor.double()).norm() / tensor.double().norm())
    return torch.stack(differences).max().double()


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(NETWORKS))
    else:
        torch.set_num_threads(1)
        for wanted in sys.argv[2:]:
            write(Path(sys.argv[1]), wanted)
