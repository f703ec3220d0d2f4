"""What other tools make of images and records, for the tests of the engine's data.

    data_oracle.py images OUT.safetensors [many]   files written by Pillow (and by hand, of kinds that it reads but does not write),
                                                   each with its pixels as Pillow decodes, resizes and torchvision prepares them
    data_oracle.py cifar FOLDER                    both CIFARs as binary files, and FOLDER/expected.safetensors

A file is the tensor NAME, U8 [bytes]; beside it NAME/pixels, U8 [height, width, 3]; and, of a few of them or of "many", NAME/resized,
U8 [37, 29, 3], and NAME/evaluation, F32 [3, 24, 24]. tests/golden/images.safetensors is the first one without "many".
"""

import io
import struct
import sys
import zlib

import numpy
from PIL import Image, ImageCms
from safetensors.numpy import save_file


def picture(width, height, seed, channels=3):
    """Smooth areas, edges and noise."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width]
    planes = []
    for channel in range(channels):
        wave = 127 + 80 * numpy.sin(x / (3 + channel) + seed) + 40 * numpy.cos(y / (2 + channel))
        wave[height // 3 : height // 2, width // 4 : width // 2] = 255 - 60 * channel
        planes.append(wave + random.normal(0, 12, wave.shape))
    return numpy.clip(numpy.stack(planes, axis=2), 0, 255).astype(numpy.uint8)


def written(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(width, height, depth, colour, rows, interlaced=False, extra=b""):
    """A PNG of samples rows[y][x] (tuples), without a filter."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    def packed(samples):
        bits = "".join(format(value, f"0{depth}b") for sample in samples for value in sample)
        bits += "0" * (-len(bits) % 8)
        return b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))

    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    data = b""
    for left, top, right, down in passes:
        for y in range(top, height, down):
            samples = [rows[y][x] for x in range(left, width, right)]
            data += packed(samples) if samples else b""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def samples(width, height, channels, depth, seed):
    random = numpy.random.default_rng(seed)
    values = random.integers(0, 1 << depth, (height, width, channels))
    return [[tuple(int(v) for v in values[y, x]) for x in range(width)] for y in range(height)]


def files(many):
    sizes = [(17, 13)] if not many else [(17, 13), (1, 1), (8, 8), (64, 48), (3, 200), (333, 250), (500, 375)]
    for width, height in sizes:
        seed = width * 1000 + height
        colour = Image.fromarray(picture(width, height, seed))
        prefix = f"{width}x{height} " if many else ""
        for name, subsampling in ((("444", 0), ("422", 1), ("420", 2))):
            yield f"{prefix}{name}.jpg", written(colour, "JPEG", quality=85, subsampling=subsampling)
        yield prefix + "coarse.jpg", written(colour, "JPEG", quality=10)
        yield prefix + "progressive.jpg", written(colour, "JPEG", quality=90, progressive=True)
        yield prefix + "restarts.jpg", written(colour, "JPEG", restart_marker_blocks=1)
        yield prefix + "grey.jpg", written(colour.convert("L"), "JPEG")
        yield prefix + "cmyk.jpg", written(Image.fromarray(picture(width, height, seed, 4), "CMYK"), "JPEG")
        exif = Image.Exif()
        exif[0x0112] = 6
        yield prefix + "turned.jpg", written(colour, "JPEG", exif=exif)
        yield prefix + "colour.png", written(colour, "PNG")
        yield prefix + "transparent.png", written(Image.fromarray(picture(width, height, seed, 4), "RGBA"), "PNG")
        yield prefix + "grey.png", written(colour.convert("L"), "PNG")
        yield prefix + "grey transparent.png", written(colour.convert("LA"), "PNG")
        yield prefix + "black and white.png", written(colour.convert("1"), "PNG")
        yield prefix + "palette.png", written(colour.quantize(16), "PNG")
        yield prefix + "palette transparent.png", written(colour.quantize(200), "PNG", transparency=3)
        key = colour.getpixel((0, 0))
        yield prefix + "one colour transparent.png", written(colour, "PNG", transparency=key)
        yield prefix + "profile.png", written(
            colour, "PNG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        )
        yield prefix + "16 bits.png", png(width, height, 16, 2, samples(width, height, 3, 16, seed))
        yield prefix + "16 bits transparent.png", png(width, height, 16, 6, samples(width, height, 4, 16, seed))
        yield prefix + "16 bits grey.png", png(width, height, 16, 0, samples(width, height, 1, 16, seed))
        yield prefix + "2 bits.png", png(width, height, 2, 0, samples(width, height, 1, 2, seed))
        yield prefix + "4 bits.png", png(width, height, 4, 0, samples(width, height, 1, 4, seed))
        yield prefix + "interlaced.png", png(width, height, 8, 2, samples(width, height, 3, 8, seed), interlaced=True)
        yield prefix + "interlaced bits.png", png(
            width, height, 1, 0, samples(width, height, 1, 1, seed), interlaced=True
        )


def images(out, many):
    from torchvision import transforms

    evaluation = transforms.Compose(
        [
            transforms.Resize(27),  # 24 * 256 / 224
            transforms.CenterCrop(24),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    tensors = {}
    for name, data in files(many):
        tensors[name] = numpy.frombuffer(data, numpy.uint8)
        image = Image.open(io.BytesIO(data))
        if image.mode == "I;16":  # whose conversion by Pillow cuts off everything above 255
            image = Image.fromarray((numpy.array(image) >> 8).astype(numpy.uint8), "L")
        image = image.convert("RGB")
        tensors[name + "/pixels"] = numpy.array(image)
        if not many and name not in ("420.jpg", "colour.png"):
            continue
        # Rows first, in whatever order this version of Pillow does both.
        narrow = image.resize((29, image.height), Image.Resampling.BILINEAR)
        tensors[name + "/resized"] = numpy.array(narrow.resize((29, 37), Image.Resampling.BILINEAR))
        tensors[name + "/evaluation"] = evaluation(image).numpy()
    save_file(tensors, out)


def cifar(folder):
    import os

    random = numpy.random.default_rng(7)
    expected = {}
    for name, directory, labels, classes, trains, test, mean, deviation in (
        (
            "cifar10",
            "cifar-10-batches-bin",
            1,
            [10],
            [(f"data_batch_{i}.bin", 10000) for i in range(1, 6)],
            "test_batch.bin",
            [0.4914, 0.4822, 0.4465],
            [0.2470, 0.2435, 0.2616],
        ),
        (
            "cifar100",
            "cifar-100-binary",
            2,
            [20, 100],
            [("train.bin", 50000)],
            "test.bin",
            [0.5071, 0.4865, 0.4409],
            [0.2673, 0.2564, 0.2762],
        ),
    ):
        path = os.path.join(folder, directory)
        os.makedirs(path)
        all_pixels, all_labels = {"train": [], "test": []}, {"train": [], "test": []}
        for part, file, count in [("train", *train) for train in trains] + [("test", test, 10000)]:
            columns = [random.integers(0, most, (count, 1), dtype=numpy.uint8) for most in classes]
            pixels = random.integers(0, 256, (count, 3, 32, 32), dtype=numpy.uint8)
            numpy.concatenate(columns + [pixels.reshape(count, -1)], axis=1).tofile(os.path.join(path, file))
            all_pixels[part].append(pixels)
            all_labels[part].append(columns[-1])
        for part in ("train", "test"):
            pixels = numpy.concatenate(all_pixels[part])[::997].astype(numpy.float32) / numpy.float32(255)
            shape = (1, 3, 1, 1)
            mean_, deviation_ = (numpy.array(v, numpy.float32).reshape(shape) for v in (mean, deviation))
            expected[f"{name}/{part}/images"] = (pixels - mean_) / deviation_
            expected[f"{name}/{part}/labels"] = numpy.concatenate(all_labels[part])[::997, 0].astype(numpy.int64)
    save_file(expected, os.path.join(folder, "expected.safetensors"))


if __name__ == "__main__":
    if sys.argv[1] == "images":
        images(sys.argv[2], len(sys.argv) > 3)
    else:
        cifar(sys.argv[2])
