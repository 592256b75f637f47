"""The trials that were made, one JSON object a line, for runs that are long: one that was broken off goes on where it ended, and
its parts may be made one by one or side by side. What was tried against another build of the shield does not count.
"""
import hashlib
import json
import os
import pathlib


def build_of(path):
    """Tells one build from another."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()[:12]


class Journal:
    """Without a file it lasts as long as the program."""

    def __init__(self, path=None):
        self.path = path and pathlib.Path(path)
        self.lines = []
        self.read()

    def read(self):
        """Others may have written meanwhile."""
        if self.path and self.path.exists():
            # A last line that was not written to its end is no trial.
            self.lines = [json.loads(line) for line in self.path.read_text().split("\n")[:-1]]

    def add(self, key, value):
        line = {**key, "value": value}
        self.lines.append(line)
        if self.path:
            # In one call at the end of the file, so that two writers do not mix.
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                os.write(file, (json.dumps(line) + "\n").encode())
            finally:
                os.close(file)

    def values(self, key):
        return [line["value"] for line in self.lines if all(line.get(k) == v for k, v in key.items())]
