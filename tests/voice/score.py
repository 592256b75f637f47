"""Scores speech that came through a network against what was said.

Reads lines `NAME SAID.wav HEARD.wav` from standard input and prints one JSON object per line: PESQ-WB (ITU-T P.862.2,
1.0 to 4.64), STOI (0 to 1), PLCMOS (1 to 5, no reference). Used by the benches; changes nothing.
"""

import json
import sys

import numpy as np
import soundfile
from pesq import pesq
from pystoi import stoi
from scipy.signal import correlate, resample_poly
from speechmos import plcmos

RATE = 16_000


def speech(path):
    samples, rate = soundfile.read(path, dtype="float32")
    return resample_poly(samples, RATE, rate).astype(np.float32)


def aligned(said, heard):
    """Both without the delay between them, which no score is about."""
    part = 10 * RATE
    likeness = correlate(heard[:part], said[:part], mode="full", method="fft")
    lag = int(np.argmax(likeness)) - (min(part, len(said)) - 1)
    heard = heard[max(lag, 0) :]
    said = said[max(-lag, 0) :]
    length = min(len(said), len(heard))
    return said[:length], heard[:length]


def main():
    for line in sys.stdin:
        name, said, heard = line.split()
        said, heard = aligned(speech(said), speech(heard))
        scores = {
            "name": name,
            "pesq": round(float(pesq(RATE, said, heard, "wb")), 3),
            "stoi": round(float(stoi(said, heard, RATE)), 4),
            "plcmos": round(float(plcmos.run(heard / max(1.0, np.abs(heard).max()), RATE)["plcmos"]), 3),
        }
        print(json.dumps(scores), flush=True)


if __name__ == "__main__":
    main()
