#!/usr/bin/env python3
"""Exports a teacher and a student, two Python modules, for `pipebd pairs import`.

    export_pair.py --teacher torchvision:resnet18 --student timm:mobilenetv3_small_050 --input 3x224x224 --classes 10 --out pair
    export_pair.py --teacher models.py:teacher --student models.py:student --input 128 --vocabulary 30522 --out pair

A model is torchvision:NAME, timm:NAME, or FILE.py:FUNCTION, a function without arguments that returns a torch.nn.Module; that file is
run. Writes teacher.pt2 and student.pt2 into the folder and prints the command that imports them. Needs PyTorch 2.8 or later.
"""
import argparse
import importlib.util
import pathlib
import shlex
import sys

import torch


def shape_of(text):
    try:
        sizes = [int(size) for size in text.split("x")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no shape of one sample; give one such as 3x224x224, or 128 tokens")
    return sizes


def model_of(name, classes):
    source, separator, rest = name.rpartition(":")
    if not separator or not source or not rest:
        sys.exit(f"export_pair: '{name}' is no model; give torchvision:NAME, timm:NAME or FILE.py:FUNCTION")
    options = {} if classes is None else {"num_classes": classes}
    if source == "torchvision":
        import torchvision

        return torchvision.models.get_model(rest, weights=None, **options)
    if source == "timm":
        import timm

        return timm.create_model(rest, pretrained=False, **options)
    path = pathlib.Path(source).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or not path.is_file():
        sys.exit(f"export_pair: there is no Python file {source}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, rest)()


def load_weights(model, file):
    """Of a safetensors file, or a state dict that holds nothing but tensors."""
    if file is None:
        return
    if file.endswith(".safetensors"):
        import safetensors.torch

        state = safetensors.torch.load_file(file)
    else:
        state = torch.load(file, map_location="cpu", weights_only=True)
        for key in ("state_dict", "model"):
            state = state[key] if isinstance(state.get(key), dict) else state
    model.load_state_dict(state)


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
        sys.exit("export_pair: the model does not give one tensor [batch, classes]")
    if not torch.allclose(actual, expected, rtol=1e-4, atol=1e-5):
        print("export_pair: warning: the exported program gives other values than the model in training mode", file=sys.stderr)


def export(name, role, arguments, weights):
    torch.manual_seed(arguments.seed)
    model = model_of(name, arguments.classes)
    load_weights(model, weights)
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
    parser.add_argument("--input", required=True, type=shape_of, metavar="SHAPE", help="of one sample: 3x224x224, or 128 tokens")
    parser.add_argument("--vocabulary", type=int, metavar="N", help="of a text: tokens are whole numbers below it")
    parser.add_argument("--classes", type=int, metavar="K", help="of torchvision and timm models")
    parser.add_argument("--weights-teacher", metavar="FILE", help="safetensors, or a state dict")
    parser.add_argument("--weights-student", metavar="FILE", help="the same to begin from; else drawn from the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True, metavar="DIR")
    arguments = parser.parse_args()
    pathlib.Path(arguments.out).mkdir(parents=True, exist_ok=True)
    teacher = export(arguments.teacher, "teacher", arguments, arguments.weights_teacher)
    student = export(arguments.student, "student", arguments, arguments.weights_student)
    print(f"pipebd pairs import --teacher {shlex.quote(str(teacher))} --student {shlex.quote(str(student))} --name NAME")


if __name__ == "__main__":
    main()
