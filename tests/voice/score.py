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


def intelligibility(said, heard):
    """STOI (0 to 1) of pieces of two seconds, each aligned for itself: a delay that moves slowly hides no word."""
    piece, around = 2 * RATE, RATE // 2
    scores = []
    for start in range(0, len(said) - piece + 1, piece):
        part = said[start : start + piece]
        if np.sqrt(np.mean(part**2)) < 0.003:
            continue
        first = max(start - around, 0)
        near = heard[first : start + piece + around]
        lag = int(np.argmax(correlate(near, part, mode="valid", method="fft"))) if len(near) > piece else 0
        matched = near[lag : lag + piece]
        scores.append(stoi(part[: len(matched)], matched, RATE))
    return float(np.mean(scores))


def main():
    for line in sys.stdin:
        name, said, heard = line.split()
        said, heard = aligned(speech(said), speech(heard))
        scores = {
            "name": name,
            "pesq": round(float(pesq(RATE, said, heard, "wb")), 3),
            "stoi": round(intelligibility(said, heard), 4),
            "plcmos": round(float(plcmos.run(heard / max(1.0, np.abs(heard).max()), RATE)["plcmos"]), 3),
        }
        print(json.dumps(scores), flush=True)


if __name__ == "__main__":
    main()
