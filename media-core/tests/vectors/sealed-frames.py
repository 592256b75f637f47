"""Checks sealed-frames.txt with an implementation that shares nothing with ours: PyPI `cryptography`.

Run by hand: python3 media-core/tests/vectors/sealed-frames.py
"""

import pathlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

SALT = b"LKFrameEncryptionKey"


def derive(how, secret):
    if how == "pbkdf2":
        return PBKDF2HMAC(hashes.SHA256(), 16, SALT, 100_000).derive(secret)
    return HKDF(hashes.SHA256(), 16, SALT, bytes(128)).derive(secret)


def escape(body):
    out, zeros = bytearray(), 0
    for byte in body:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def unescape(body):
    out, zeros = bytearray(), 0
    for byte in body:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def clear_header(kind, frame):
    if kind == "opus":
        return 1
    if kind == "vp8":
        return 10 if frame[0] & 1 == 0 else 3
    for at in range(len(frame) - 5):
        if frame[at : at + 4] == b"\0\0\0\1" and frame[at + 4] & 0x1F in (1, 5):
            return at + 6
    raise ValueError("no slice")


for line in pathlib.Path(__file__).with_name("sealed-frames.txt").read_text().splitlines():
    if line.startswith("#"):
        continue
    kind, how, secret, slot, frame, sealed = line.split()
    key, frame, sealed = derive(how, bytes.fromhex(secret)), bytes.fromhex(frame), bytes.fromhex(sealed)
    if kind == "data":
        assert AESGCM(key).decrypt(sealed[:12], sealed[12:], None) == frame
        continue
    head = clear_header(kind, sealed)
    body = unescape(sealed[head:]) if kind == "h264" else sealed[head:]
    assert body[-2:] == bytes([12, int(slot)])
    opened = AESGCM(key).decrypt(body[-14:-2], body[:-14], sealed[:head])
    assert sealed[:head] + opened == frame
    if kind == "h264":
        assert escape(body) == sealed[head:]
print("all open")
