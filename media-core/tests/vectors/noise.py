"""Writes noise.bin: what RNNoise 0.2 itself makes of half a second of speech in hiss, for the test of ours.

    python media-core/tests/vectors/noise.py LIBRNNOISE.SO assets/speech/emma.wav media-core/tests/vectors/noise.bin

Run by hand; the library is that of scripts/noise-weights.py. Per block of 10 ms: 480 samples heard and 480 cleaned
(16 bit), the 65 features and the 32 gains (floats). Everything is little endian.
"""

import array
import ctypes
import struct
import sys
import wave

BLOCKS, BLOCK, FEATURES, BANDS = 50, 480, 65, 32
# Where a sentence begins in the recording.
START = 48_000


class WeightArray(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_int), ("size", ctypes.c_int), ("data", ctypes.c_void_p)]


def small(library):
    """The library's weights without the floats of the large layers: it would take them for the bytes."""
    entry, blob = WeightArray.in_dll(library, "rnnoise_arrays"), b""
    while entry.name:
        at = ctypes.addressof(entry) + ctypes.sizeof(entry)
        name = entry.name.decode()
        if not (name.endswith("_float") and name.startswith(("conv2", "gru"))):
            space = (entry.size + 63) // 64 * 64
            blob += struct.pack("<4s4i44s", b"DNNw", 0, entry.type, entry.size, space, entry.name)
            blob += ctypes.string_at(entry.data, entry.size).ljust(space, b"\0")
        entry = WeightArray.from_address(at)
    return blob


def heard(path):
    """Speech and, 7 dB below, hiss that is the same every time."""
    with wave.open(path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (48_000, 1, 2)
        file.setpos(START)
        samples = array.array("h", file.readframes(BLOCKS * BLOCK))
    seed, out = 1, []
    for sample in samples:
        seed = (seed * 1_103_515_245 + 12_345) % 2**31
        out.append(max(-32_768, min(32_767, sample + (seed >> 16) % 6_001 - 3_000)))
    return out


def main(library, speech, out):
    library = ctypes.CDLL(library)
    pointer = ctypes.c_void_p
    library.rnnoise_model_from_buffer.restype = library.rnnoise_create.restype = pointer
    library.rnnoise_create.argtypes = [pointer]

    def floats(*values, count=0):
        return (ctypes.c_float * max(count, len(values)))(*values)

    blob = small(library)
    model = library.rnnoise_model_from_buffer(blob, len(blob))
    look, clean = (pointer(library.rnnoise_create(model)) for _ in range(2))
    # The network alone is the first part of a state; what it remembers is kept outside.
    remembers = floats(count=4096)
    # The library's own high pass, which our chain does not need: ours comes before.
    high_pass = [floats(-2, 1), floats(-1.99599, 0.99600)]
    passed, spectra = floats(count=2), [floats(count=2 * 481) for _ in range(2)]
    bands, voice = [floats(count=BANDS) for _ in range(3)], floats(count=1)
    samples = heard(speech)
    with open(out, "wb") as file:
        for n in range(0, len(samples), BLOCK):
            raw, high, cleaned = floats(*samples[n : n + BLOCK]), floats(count=BLOCK), floats(count=BLOCK)
            library.rnn_biquad(high, passed, raw, *high_pass, BLOCK)
            library.rnnoise_process_frame(clean, cleaned, raw)
            high = floats(*map(round, high))
            features, gains = floats(count=FEATURES), floats(count=BANDS)
            assert library.rnn_compute_frame_features(look, *spectra, *bands, features, high) == 0
            library.compute_rnn(look, remembers, gains, voice, features, 0)
            for sound in (high, cleaned):
                file.write(struct.pack(f"<{BLOCK}h", *map(round, sound)))
            file.write(bytes(features) + bytes(gains))


if __name__ == "__main__":
    main(*sys.argv[1:])
