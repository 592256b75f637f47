"""Writes assets/noise/rnnoise-0.2.bin, the weights of RNNoise 0.2, from the library that carries them.

    pip download --no-deps pyrnnoise==0.4.5 && unzip pyrnnoise-0.4.5-*.whl
    python scripts/noise-weights.py pyrnnoise-0.4.5.data/purelib/pyrnnoise/librnnoise.so assets/noise/rnnoise-0.2.bin

Run by hand, once per version of the network; needs nothing but Python on 64-bit Linux. What the file holds is said in
assets/noise/README.md; media-core/src/audio/processing/noise/weights.rs reads it.
"""

import ctypes
import struct
import sys
from array import array

INPUTS, FRAMES, CONV1, CONV2, STATE, GRUS, BANDS = 65, 3, 128, 384, 384, 3, 32


class WeightArray(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_int), ("size", ctypes.c_int), ("data", ctypes.c_void_p)]


def arrays(library):
    """Everything in the library's list of weights, by name."""
    entry = WeightArray.in_dll(library, "rnnoise_arrays")
    at = ctypes.addressof(entry)
    while entry.name:
        yield entry.name.decode(), ctypes.string_at(entry.data, entry.size)
        at += ctypes.sizeof(WeightArray)
        entry = WeightArray.from_address(at)


def rows(blocks, outputs, inputs):
    """The matrix row by row: the library keeps it in blocks of eight rows and four columns."""
    assert len(blocks) == outputs * inputs
    out = bytearray(len(blocks))
    at = 0
    for row in range(0, outputs, 8):
        for column in range(0, inputs, 4):
            for r in range(row, row + 8):
                out[r * inputs + column : r * inputs + column + 4] = blocks[at : at + 4]
                at += 4
    for low, high in zip(out[::2], out[1::2]):
        pair = [value - 256 if value > 127 else value for value in (low, high)]
        # 254 times this still fits 16 bits: the fast instructions saturate there.
        assert max(sum(v for v in pair if v > 0), -sum(v for v in pair if v < 0)) <= 129
    return bytes(out)


def every_block(index, outputs, inputs):
    """The matrix is kept as a sparse one; none of its blocks may be left out."""
    row = [inputs // 4, *range(0, inputs, 4)]
    assert array("i", index).tolist() == row * (outputs // 8)


def main(library, out):
    w = dict(arrays(ctypes.CDLL(library)))
    grus = [f"gru{n + 1}_{part}" for n in range(GRUS) for part in ("input", "recurrent")]
    with open(out, "wb") as file:
        header = struct.pack("<4s8I", b"RNNS", 1, INPUTS, FRAMES, CONV1, CONV2, STATE, GRUS, BANDS)
        file.write(header.ljust(64, b"\0"))
        file.write(rows(w["conv2_weights_int8"], CONV2, CONV1 * FRAMES))
        for name in grus:
            every_block(w[name + "_weights_idx"], 3 * STATE, STATE)
            file.write(rows(w[name + "_weights_int8"], 3 * STATE, STATE))
        floats = ["conv1_bias", "conv1_weights_float", "conv2_bias", "conv2_scale"]
        for name in grus:
            floats += [name + "_bias", name + "_scale"]
            floats += [name + "_weights_diag"] if name.endswith("recurrent") else []
        floats += ["dense_out_bias", "dense_out_weights_float"]
        for name in floats:
            file.write(w[name])


if __name__ == "__main__":
    main(*sys.argv[1:])
