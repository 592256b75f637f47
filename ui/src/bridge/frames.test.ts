//! The frames door: bytes that are not ours are ignored, every frame is acknowledged once, decoders are closed.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Frame } from "./frame";
import { buildFrame, i420Size, i420ToRgba, parseFrame, parsePatches } from "./frame";
import { Pictures } from "./frames";

const frame = (change: Partial<Frame>): Frame => ({
  content: "h264",
  key: false,
  track: "TR_1",
  seq: 0,
  time: 0,
  width: 0,
  height: 0,
  payload: Uint8Array.of(0, 0, 0, 1),
  ...change,
});

test("a frame survives the way through its bytes", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("h264" as const, "vp8" as const, "end" as const),
      fc.boolean(),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
      fc.nat({ max: 0xffff_ffff }),
      fc.uint8Array({ maxLength: 300 }),
      (content, key, track, seq, payload) => {
        const sent = frame({ content, key, track, seq, payload });
        expect(parseFrame(buildFrame(sent))).toEqual(sent);
      },
    ),
  );
});

test("the bytes are the ones Rust writes", () => {
  const bytes = buildFrame(
    frame({ content: "vp8", key: true, track: "ab", seq: 258, time: 3, payload: Uint8Array.of(9) }),
  );
  expect([...bytes]).toEqual([1, 1, 1, 2, 2, 1, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 97, 98, 9]);
});

test("whatever comes, nothing is thrown", () => {
  const pictures = new Pictures(() => undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      parseFrame(bytes);
      pictures.take(bytes);
    }),
  );
});

test("every cut of a good frame is refused or whole", () => {
  const whole = buildFrame(frame({ content: "i420", width: 2, height: 2, payload: new Uint8Array(i420Size(2, 2)) }));
  for (let length = 0; length < whole.length; length++) expect(parseFrame(whole.subarray(0, length))).toBeUndefined();
  expect(parseFrame(whole)).toBeDefined();
});

test("grey is grey and red is red", () => {
  expect([...i420ToRgba(Uint8Array.of(126, 128, 128), 1, 1)]).toEqual([128, 128, 128, 255]);
  const [red, green, blue] = i420ToRgba(Uint8Array.of(81, 90, 240), 1, 1);
  expect(red).toBeGreaterThan(240);
  expect(green).toBeLessThan(15);
  expect(blue).toBeLessThan(15);
});

class FakeDecoder extends EventTarget {
  static all: FakeDecoder[] = [];
  state = "unconfigured";
  decodeQueueSize = 0;
  readonly chunks: { type: string; timestamp: number }[] = [];
  readonly #init: VideoDecoderInit;

  constructor(init: VideoDecoderInit) {
    super();
    this.#init = init;
    FakeDecoder.all.push(this);
  }
  configure(): void {
    this.state = "configured";
  }
  decode(chunk: { type: string; timestamp: number }): void {
    this.chunks.push(chunk);
  }
  close(): void {
    this.state = "closed";
  }
  finish(timestamp: number): { close: ReturnType<typeof vi.fn> } {
    const picture = { timestamp, displayWidth: 640, displayHeight: 360, close: vi.fn() };
    this.#init.output(picture as unknown as VideoFrame);
    return picture;
  }
  fail(): void {
    this.#init.error(new DOMException("broken"));
  }
}

beforeEach(() => {
  FakeDecoder.all = [];
  vi.stubGlobal("VideoDecoder", FakeDecoder);
  vi.stubGlobal(
    "EncodedVideoChunk",
    class {
      constructor(init: object) {
        Object.assign(this, init);
      }
    },
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function setUp() {
  const acked: number[] = [];
  const pictures = new Pictures((_, seq) => acked.push(seq));
  return { acked, pictures, send: (change: Partial<Frame>) => pictures.take(buildFrame(frame(change))) };
}

test("frames before the first key frame are acknowledged and not decoded", () => {
  const { acked, send } = setUp();
  send({ seq: 1 });
  expect(acked).toEqual([1]);
  expect(FakeDecoder.all).toHaveLength(0);
});

test("a frame is acknowledged when it is drawn, and its picture is closed", () => {
  const { acked, pictures, send } = setUp();
  send({ seq: 1, key: true });
  send({ seq: 2 });
  expect(acked).toEqual([]);
  const picture = FakeDecoder.all[0]?.finish(1);
  expect(picture?.close).toHaveBeenCalledOnce();
  expect(acked).toEqual([1]);
  expect(pictures.size("TR_1")).toEqual({ width: 640, height: 360 });
});

test("a decoder that breaks gives every place back and waits for a key frame", () => {
  const { acked, send } = setUp();
  send({ seq: 1, key: true });
  send({ seq: 2 });
  FakeDecoder.all[0]?.fail();
  expect(acked).toEqual([1, 2]);
  send({ seq: 3 });
  expect(acked).toEqual([1, 2, 3]);
  send({ seq: 4, key: true });
  expect(FakeDecoder.all).toHaveLength(2);
});

test("another codec gets another decoder and the old one is closed", () => {
  const { send } = setUp();
  send({ seq: 1, key: true });
  send({ seq: 2, key: true, content: "vp8" });
  expect(FakeDecoder.all.map((decoder) => decoder.state)).toEqual(["closed", "configured"]);
});

test("the end of a track closes its decoder and forgets its size", () => {
  const { acked, pictures, send } = setUp();
  send({ seq: 1, key: true });
  FakeDecoder.all[0]?.finish(1);
  send({ seq: 2 });
  send({ content: "end" });
  expect(FakeDecoder.all[0]?.state).toBe("closed");
  expect(acked).toEqual([1, 2]);
  expect(pictures.size("TR_1")).toBeUndefined();
});

test("a decoder that keeps frames back does not hold up the door", () => {
  const { acked, send } = setUp();
  for (let seq = 1; seq <= 8; seq++) send({ seq, key: seq === 1 });
  FakeDecoder.all[0]?.dispatchEvent(new Event("dequeue"));
  expect(acked).toEqual([1, 2, 3, 4]);
});

test("a picture that moves to another tile keeps its canvas", () => {
  const { pictures } = setUp();
  const [tile, stage] = [document.createElement("div"), document.createElement("div")];
  const leaveTile = pictures.mount("TR_1", tile);
  const canvas = tile.firstElementChild;
  pictures.mount("TR_1", stage);
  leaveTile();
  expect(stage.firstElementChild).toBe(canvas);
});

const COPY = [0, 8, 0, 16, 0, 2, 0, 1, 0, 0, 0, 0xfa, 0xff];
const PIXELS = [1, 0, 0, 0, 0, 1, 0, 1, 0, 10, 20, 30, 255];

function patches(payload: number[]): Frame {
  return frame({ seq: 1, content: "patches", width: 64, height: 32, payload: Uint8Array.from(payload) });
}

test("what nobody sees has no decoder after a while, and what only moved keeps it", () => {
  vi.useFakeTimers();
  const { pictures, send } = setUp();
  const gone = pictures.mount("TR_1", document.createElement("div"));
  send({ seq: 1, key: true });
  gone();
  vi.advanceTimersByTime(3000);
  const again = pictures.mount("TR_1", document.createElement("div"));
  vi.advanceTimersByTime(60_000);
  expect(FakeDecoder.all[0]?.state).not.toBe("closed");
  again();
  vi.advanceTimersByTime(60_000);
  expect(FakeDecoder.all[0]?.state).toBe("closed");
  vi.useRealTimers();
});

test("patches are taken apart, and a broken one is none", () => {
  const found = parsePatches(patches([...COPY, ...PIXELS]));
  expect(found?.[0]).toEqual({ x: 8, y: 16, width: 2, height: 1, from: { right: 0, down: -6 } });
  expect([...(found?.[1]?.pixels ?? [])]).toEqual([10, 20, 30, 255]);
  for (let length = 1; length < PIXELS.length; length++) {
    expect(parsePatches(patches(PIXELS.slice(0, length)))).toBeUndefined();
  }
  expect(parsePatches(patches([1, 64, 0, 0, 0, 1, 0, 1, 0, 1, 2, 3, 4]))).toBeUndefined();
  expect(parsePatches(patches([2, ...PIXELS.slice(1)]))).toBeUndefined();
});

test("patches are acknowledged, and without the picture they belong to nothing happens", () => {
  const { acked, pictures, send } = setUp();
  send(patches([...COPY, ...PIXELS]));
  expect(acked).toEqual([1]);
  expect(pictures.size("TR_1")).toBeUndefined();
});
