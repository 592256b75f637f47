//! The bytes of the frames door, taken apart. Values only; written by `src-tauri/src/frames.rs`.
//!
//! u8 version=1 | u8 content | u8 flags (bit 0: key) | u8 n | u32le seq | u32le rtp time | u16le width | u16le height |
//! n bytes of the track's name | payload

/** What a frame holds. */
type Content = "h264" | "vp8" | "i420" | "end" | "patches";

/** One frame. `payload` is a view into the message, not a copy. */
export interface Frame {
  content: Content;
  key: boolean;
  track: string;
  /** Per track, rises by one. */
  seq: number;
  /** RTP clock, 90 kHz; wraps. */
  time: number;
  /** Pixels; 0 unless `i420` or `patches`. */
  width: number;
  height: number;
  payload: Uint8Array;
}

const VERSION = 1;
const HEAD = 16;
const CONTENTS: readonly Content[] = ["h264", "vp8", "i420", "end", "patches"];
const words = new TextDecoder("utf-8", { fatal: true });

/** Takes a message apart; `undefined` when it is not one of ours. */
export function parseFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.byteLength < HEAD) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const content = CONTENTS[view.getUint8(1)];
  const names = view.getUint8(3);
  if (view.getUint8(0) !== VERSION || !content || names === 0 || bytes.byteLength < HEAD + names) return undefined;
  const width = view.getUint16(12, true);
  const height = view.getUint16(14, true);
  const payload = bytes.subarray(HEAD + names);
  if (content === "i420" && payload.byteLength !== i420Size(width, height)) return undefined;
  let track: string;
  try {
    track = words.decode(bytes.subarray(HEAD, HEAD + names));
  } catch {
    return undefined;
  }
  return {
    content,
    key: (view.getUint8(2) & 1) === 1,
    track,
    seq: view.getUint32(4, true),
    time: view.getUint32(8, true),
    width,
    height,
    payload,
  };
}

/** Part of a picture that changes: pixels that come from elsewhere on it, or new ones. */
export interface Patch {
  x: number;
  y: number;
  width: number;
  height: number;
  /** Where the pixels lie now, from here. */
  from?: { right: number; down: number };
  /** RGBA; a view into the message. */
  pixels?: Uint8Array;
}

const PATCH_HEAD = 9;

/** Takes the payload of patches apart; `undefined` when it is not whole, or not on the picture. */
export function parsePatches(frame: Frame): Patch[] | undefined {
  const { payload } = frame;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const patches: Patch[] = [];
  let at = 0;
  while (at < payload.byteLength) {
    if (at + PATCH_HEAD > payload.byteLength) return undefined;
    const kind = view.getUint8(at);
    const [x, y] = [view.getUint16(at + 1, true), view.getUint16(at + 3, true)];
    const [width, height] = [view.getUint16(at + 5, true), view.getUint16(at + 7, true)];
    at += PATCH_HEAD;
    if (width === 0 || height === 0 || x + width > frame.width || y + height > frame.height) return undefined;
    const length = kind === 0 ? 4 : width * height * 4;
    if (kind > 1 || at + length > payload.byteLength) return undefined;
    if (kind === 0) {
      const from = { right: view.getInt16(at, true), down: view.getInt16(at + 2, true) };
      patches.push({ x, y, width, height, from });
    } else {
      patches.push({ x, y, width, height, pixels: payload.subarray(at, at + length) });
    }
    at += length;
  }
  return patches;
}

/** The same the other way round, for the rehearsal and the tests. */
export function buildFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(frame.track);
  const bytes = new Uint8Array(HEAD + name.length + frame.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, CONTENTS.indexOf(frame.content));
  view.setUint8(2, frame.key ? 1 : 0);
  view.setUint8(3, name.length);
  view.setUint32(4, frame.seq, true);
  view.setUint32(8, frame.time, true);
  view.setUint16(12, frame.width, true);
  view.setUint16(14, frame.height, true);
  bytes.set(name, HEAD);
  bytes.set(frame.payload, HEAD + name.length);
  return bytes;
}

/** Bytes of a tightly packed I420 picture. */
export function i420Size(width: number, height: number): number {
  const halfWidth = (width + 1) >> 1;
  const halfHeight = (height + 1) >> 1;
  return width * height + 2 * halfWidth * halfHeight;
}

/** I420 (BT.601, limited range) to RGBA, for a page without WebCodecs. */
export function i420ToRgba(i420: Uint8Array, width: number, height: number): Uint8ClampedArray<ArrayBuffer> {
  const half = (width + 1) >> 1;
  const u0 = width * height;
  const v0 = u0 + half * ((height + 1) >> 1);
  const out = new Uint8ClampedArray(width * height * 4);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const chroma = (y >> 1) * half + (x >> 1);
      const luma = 1.164 * ((i420[y * width + x] ?? 16) - 16);
      const u = (i420[u0 + chroma] ?? 128) - 128;
      const v = (i420[v0 + chroma] ?? 128) - 128;
      out[at++] = luma + 1.596 * v;
      out[at++] = luma - 0.392 * u - 0.813 * v;
      out[at++] = luma + 2.017 * u;
      out[at++] = 255;
    }
  }
  return out;
}
