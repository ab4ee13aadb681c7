"""Makes of a trained model what is bundled: puts texts, settings and a thumbnail into its record.

    models/finish.py TRAINED.safetensors METADATA.json -o MODEL.safetensors [--thumbnail IMAGE,ROW,COLUMN,SIDE] [--pea PEA]

Keys of METADATA replace those of the record; objects within, such as provenance, are joined key by key. Weights stay as they
are, and the same inputs give the same bytes. The thumbnail is of the overlay that `pea segment` draws of IMAGE: SIDE x SIDE
pixels from ROW and COLUMN on, reduced to 96 x 96, in 32 levels of each colour; it needs python3-pil.
SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import base64
import io
import json
import os
import struct
import subprocess
import tempfile


def read(path):
    """Header as an object, and the elements as they are."""
    with open(path, "rb") as stream:
        n_bytes, = struct.unpack("<Q", stream.read(8))
        return json.loads(stream.read(n_bytes)), stream.read()


def write(path, header, elements):
    """As docs/model-format.md says: the header is padded with blanks to a multiple of 8 bytes, files are replaced whole."""
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text + elements)
    os.replace(path + ".part", path)


def join(record, changes):
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(record.get(key), dict):
            join(record[key], value)
        else:
            record[key] = value


def thumbnail(pea, model, image, row, column, side):
    """A PNG in base64."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        labels, overlay = os.path.join(folder, "labels.tif"), os.path.join(folder, "overlay.png")
        subprocess.run([pea, "segment", image, "-m", model, "-o", labels, "--overlay", overlay, "-q"], check=True)
        picture = Image.open(overlay).convert("RGB").crop((column, row, column + side, row + side))
    small = picture.resize((96, 96), Image.BOX).point([value & 0xF8 for value in range(256)] * 3)
    png = io.BytesIO()
    small.save(png, "PNG", optimize=True)
    return base64.b64encode(png.getvalue()).decode()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("trained")
    parser.add_argument("metadata")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--thumbnail")
    parser.add_argument("--pea", default="build/release/native/pea")
    options = parser.parse_args()
    header, elements = read(options.trained)
    record = json.loads(header["__metadata__"]["pea"])
    with open(options.metadata) as stream:
        join(record, json.load(stream))
    rounds = [None, options.thumbnail] if options.thumbnail else [None]
    for wanted in rounds:  # the picture is of what the model with its settings finds
        if wanted:
            image, *place = wanted.rsplit(",", 3)
            record["thumbnail"] = thumbnail(options.pea, options.output, image, *map(int, place))
        header["__metadata__"]["pea"] = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
        write(options.output, header, elements)
    subprocess.run([options.pea, "info", options.output], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
