#!/usr/bin/env python3
"""Writes digits.safetensors from scikit-learn's digits.csv.gz (sklearn/datasets/data in its wheel).

    make_digits.py DIGITS.CSV.GZ DIGITS.SAFETENSORS

Rows are 64 grey values from 0 to 16, then the label; they are kept in their order.
"""
import csv
import gzip
import json
import struct
import sys

METADATA = {
    "source": "Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, test part, as scikit-learn ships it",
    "authors": "E. Alpaydin, C. Kaynak",
    "doi": "10.24432/C50P49",
    "licence": "CC BY 4.0",
}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with gzip.open(sys.argv[1], "rt", encoding="ascii", newline="") as file:
        rows = [[int(float(value)) for value in row] for row in csv.reader(file)]
    if any(len(row) != 65 or max(row[:64]) > 16 or min(row) < 0 or row[64] > 9 for row in rows):
        sys.exit(f"{sys.argv[1]}: not the digits of scikit-learn")

    images = bytes(value for row in rows for value in row[:64])
    labels = bytes(row[64] for row in rows)
    header = json.dumps({
        "__metadata__": METADATA,
        "images": {"dtype": "U8", "shape": [len(rows), 8, 8], "data_offsets": [0, len(images)]},
        "labels": {"dtype": "U8", "shape": [len(rows)], "data_offsets": [len(images), len(images) + len(labels)]},
    }, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with open(sys.argv[2], "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + images + labels)


if __name__ == "__main__":
    main()
