//! The bytes of the frames door, taken apart. Values only; written by `src-tauri/src/frames.rs`.
//!
//! u8 version=1 | u8 content | u8 flags (bit 0: key) | u8 n | u32le seq | u32le rtp time | u16le width | u16le height |
//! n bytes of the track's name | payload

/** What a frame holds. */
type Content = "h264" | "vp8" | "i420" | "end";

/** One frame. `payload` is a view into the message, not a copy. */
export interface Frame {
  content: Content;
  key: boolean;
  track: string;
  /** Per track, rises by one. */
  seq: number;
  /** RTP clock, 90 kHz; wraps. */
  time: number;
  /** Pixels; 0 unless `i420`. */
  width: number;
  height: number;
  payload: Uint8Array;
}

const VERSION = 1;
const HEAD = 16;
const CONTENTS: readonly Content[] = ["h264", "vp8", "i420", "end"];
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
