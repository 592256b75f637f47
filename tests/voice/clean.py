"""Scores speech that was cleaned of echo or noise.

Reads lines from standard input and prints one JSON object per line: `stoi SAID.wav HEARD.wav` gives STOI (0 to 1), the
delay between both taken out; `quality HEARD.wav` gives the overall score of DNSMOS P.835 (1 to 5, no reference). Used by
the benches; changes nothing.
"""

import json
import sys

import numpy as np
from pystoi import stoi
from score import RATE, aligned, speech
from speechmos import dnsmos


def main():
    for line in sys.stdin:
        what, *files = line.split()
        if what == "stoi":
            said, heard = aligned(*map(speech, files))
            value = stoi(said, heard, RATE)
        else:
            heard = speech(files[0])
            value = dnsmos.run(heard / max(1.0, np.abs(heard).max()), RATE)["ovrl_mos"]
        print(json.dumps({what: round(float(value), 4)}), flush=True)


if __name__ == "__main__":
    main()
