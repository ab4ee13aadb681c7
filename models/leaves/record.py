"""record.py - gives a model file texts, settings and a thumbnail that it was not trained with; tensors stay as they are.

    record.py MODEL.safetensors RECORD.json OUT.safetensors [--thumbnail OVERLAY.png ROW COLUMN SIDE]

Keys of RECORD.json replace those of the model's record (docs/model-format.md). The thumbnail is a square of the overlay,
reduced to 96 x 96 pixels, 32 levels of each colour. The same files give the same bytes.
SPDX-License-Identifier: BSD-2-Clause"""
import base64
import io
import json
import struct
import sys

import numpy as np
from PIL import Image


def thumbnail(path, row, column, side):
    part = Image.open(path).convert("RGB").crop((column, row, column + side, row + side)).resize((96, 96), Image.BOX)
    few = np.asarray(part).astype(int) // 8 * 255 // 31
    file = io.BytesIO()
    Image.fromarray(few.astype(np.uint8)).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def main():
    model, record, out = sys.argv[1:4]
    with open(model, "rb") as file:
        n_bytes = struct.unpack("<Q", file.read(8))[0]
        header, tensors = json.loads(file.read(n_bytes)), file.read()
    told = json.loads(header["__metadata__"]["pea"])
    with open(record, encoding="utf-8") as file:
        changes = json.load(file)
    if "provenance" in changes:
        changes["provenance"] = {**told.get("provenance", {}), **changes["provenance"]}
    told.update(changes)
    if "--thumbnail" in sys.argv:
        told["thumbnail"] = thumbnail(sys.argv[5], *map(int, sys.argv[6:9]))
    header["__metadata__"]["pea"] = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(out, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + tensors)


if __name__ == "__main__":
    main()
