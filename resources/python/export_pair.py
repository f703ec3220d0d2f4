#!/usr/bin/env python3
"""Exports a teacher and a student, two Python modules, for `pipebd pairs import`.

    export_pair.py --teacher torchvision:resnet34 --weights-teacher pretrained --student torchvision:resnet18 --input 3x224x224 --out pair
    export_pair.py --teacher torchvision:resnet18 --weights-teacher mine.safetensors --student timm:mobilenetv3_small_050 \\
        --input 3x224x224 --classes 10 --out pair
    export_pair.py --teacher models.py:teacher --student models.py:student --input 128 --vocabulary 30522 --out pair

A model is torchvision:NAME, timm:NAME, or FILE.py:FUNCTION, a function without arguments that returns a torch.nn.Module; that file is
run. Weights: "pretrained", which torchvision and timm download, or a file: safetensors, or a state dict. Without weights, a
torchvision or timm model is random: right for a student, wrong for a teacher. Writes teacher.pt2 and student.pt2 into the folder, and prints
the checksum of their weights and the command that imports them. Needs PyTorch 2.8 or later.
"""
import argparse
import hashlib
import importlib
import importlib.util
import pathlib
import shlex
import sys

try:
    import torch
except ImportError:
    sys.exit("export_pair: PyTorch is not installed for this Python: python3 -m pip install torch torchvision "
             "(in a virtual environment: python3 -m venv env && env/bin/pip install torch torchvision)")

PRETRAINED = "pretrained"


def shape_of(text):
    try:
        sizes = [int(size) for size in text.split("x")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no shape of one sample; give one such as 3x224x224, or 128 tokens")
    return sizes


def library_of(name):
    """torchvision or timm, or one line about how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        sys.exit(f"export_pair: {name} is not installed for this Python: python3 -m pip install {name}")


def model_of(name, classes, pretrained):
    source, separator, rest = name.rpartition(":")
    if not separator or not source or not rest:
        sys.exit(f"export_pair: '{name}' is not a model; give torchvision:NAME, timm:NAME or FILE.py:FUNCTION")
    options = {} if classes is None else {"num_classes": classes}
    if source in ("torchvision", "timm"):
        library = library_of(source)
        try:
            if source == "torchvision":
                return library.models.get_model(rest, weights="DEFAULT" if pretrained else None, **options)
            return library.create_model(rest, pretrained=pretrained, **options)
        except Exception as error:  # no model of this name, other classes than the weights have, no network
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            sys.exit(f"export_pair: {source} cannot make {rest}: {reason}")
    if pretrained:
        sys.exit(f"export_pair: '{name}' has no known pretrained weights; let its function load them, or give a file")
    path = pathlib.Path(source).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or not path.is_file():
        sys.exit(f"export_pair: the Python file {source} does not exist")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, rest)()


def load_weights(model, file):
    """Of a safetensors file, or a state dict that holds nothing but tensors."""
    if file is None or file == PRETRAINED:
        return
    if not pathlib.Path(file).is_file():
        sys.exit(f"export_pair: the weights file {file} does not exist; give a file, or 'pretrained'")
    if file.endswith(".safetensors"):
        import safetensors.torch

        state = safetensors.torch.load_file(file)
    else:
        state = torch.load(file, map_location="cpu", weights_only=True)
        for key in ("state_dict", "model"):
            state = state[key] if isinstance(state.get(key), dict) else state
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        sys.exit(f"export_pair: the weights in {file} do not fit this model: {' '.join(lines[1:3])}")


def checksum_of(model):
    """SHA-256 over names, shapes and bytes of all weights and buffers, in the order of names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {list(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def sample_of(shape, vocabulary):
    # Two samples: torch.export takes a batch of one for a constant.
    generator = torch.Generator().manual_seed(0)
    if vocabulary is None:
        return torch.rand([2, *shape], generator=generator)
    return torch.randint(vocabulary, [2, *shape], generator=generator)


def exported(model, sample):
    """In training mode, as which layers behave is decided where it is run; the size of the batch may vary."""
    model = model.float().cpu().train()
    reasons = []
    for strict in (False, True):  # tracing the model as it is, then by its bytecode: each takes models that the other does not
        try:
            return torch.export.export(
                model, (sample,), dynamic_shapes=({0: torch.export.Dim("batch")},), strict=strict
            )
        except Exception as error:  # whatever the model raises
            reasons.append(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
    sys.exit("export_pair: torch.export cannot export this model: " + "; ".join(dict.fromkeys(reasons)))


def check(program, model, sample):
    """That the exported program computes what the model does, for a batch of another size. Changes the buffers of both."""
    larger = torch.cat([sample, sample[:1]])
    with torch.no_grad():
        torch.manual_seed(0)
        actual = program.module()(larger)
        torch.manual_seed(0)
        expected = model(larger)
    if not isinstance(expected, torch.Tensor) or expected.dim() != 2 or len(expected) != len(larger):
        sys.exit("export_pair: the model does not return one tensor [batch, classes]")
    if not torch.allclose(actual, expected, rtol=1e-4, atol=1e-5):
        print("export_pair: warning: the exported program returns other values than the model in training mode", file=sys.stderr)


def export(name, role, arguments, weights):
    torch.manual_seed(arguments.seed)
    model = model_of(name, arguments.classes, weights == PRETRAINED)
    load_weights(model, weights)
    if role == "teacher" and weights is None and name.startswith(("torchvision:", "timm:")):
        print("export_pair: warning: the teacher's weights are random, so the student cannot learn from it; give --weights-teacher pretrained, "
              "or a file", file=sys.stderr)
    print(f"{role}: {sum(tensor.numel() for tensor in model.parameters())} parameters, weights SHA-256 {checksum_of(model)}")
    sample = sample_of(arguments.input, arguments.vocabulary)
    program = exported(model, sample)
    file = pathlib.Path(arguments.out) / f"{role}.pt2"
    torch.export.save(program, file)
    check(torch.export.load(file), model, sample)
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], epilog=__doc__.split("\n", 2)[2],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", required=True, metavar="MODEL")
    parser.add_argument("--student", required=True, metavar="MODEL")
    parser.add_argument("--input", required=True, type=shape_of, metavar="SHAPE", help="shape of one sample: 3x224x224, or 128 for 128 tokens")
    parser.add_argument("--vocabulary", type=int, metavar="N", help="vocabulary size, for models of tokens")
    parser.add_argument("--classes", type=int, metavar="K", help="number of classes, for torchvision and timm models")
    parser.add_argument("--weights-teacher", metavar="FILE", help="the teacher's weights: 'pretrained', or a file (safetensors or state dict)")
    parser.add_argument("--weights-student", metavar="FILE", help="the student's initial weights, likewise; default: random, from the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True, metavar="DIR")
    arguments = parser.parse_args()
    pathlib.Path(arguments.out).mkdir(parents=True, exist_ok=True)
    teacher = export(arguments.teacher, "teacher", arguments, arguments.weights_teacher)
    student = export(arguments.student, "student", arguments, arguments.weights_student)
    print(f"pipebd pairs import --teacher {shlex.quote(str(teacher))} --student {shlex.quote(str(student))} --name NAME")


if __name__ == "__main__":
    main()
