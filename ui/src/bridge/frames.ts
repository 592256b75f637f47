//! Pictures, downwards: decodes what comes through the frames door and draws it on one canvas per track.
//! A tile borrows the canvas of its track (`mount`), so a picture that moves from tile to stage is never blank.
//! Every frame is acknowledged once it is drawn or thrown away; without that the door stops sending.

import { H264, VP8 } from "./codecs";
import type { Door } from "./door";
import type { Frame } from "./frame";
import { i420ToRgba, parseFrame, parsePatches } from "./frame";
import { Looks } from "./looks";

/** Size of a track's picture, in pixels; `undefined` before the first. */
export interface PictureSize {
  width: number;
  height: number;
}

/** Every picture that is on its way. */
export class Pictures {
  readonly #tracks = new Map<string, Track>();
  readonly #ack: (track: string, seq: number) => void;
  readonly #looks: Looks | undefined;

  /** `looks` hears of every place a picture has, and tells Rust which are seen. */
  constructor(ack: (track: string, seq: number) => void, looks?: Looks) {
    this.#ack = ack;
    this.#looks = looks;
  }

  /** Takes one message of the door. Whatever is in it, nothing is thrown: one tile may die, not the meeting. */
  take(bytes: Uint8Array): void {
    const frame = parseFrame(bytes);
    if (!frame) return;
    if (frame.content === "end") {
      this.#tracks.get(frame.track)?.end();
      return;
    }
    this.#track(frame.track).take(frame);
  }

  /** Puts the track's canvas into `place` until the returned function is called. */
  mount(track: string, place: HTMLElement): () => void {
    const unseen = this.#looks?.add(track, place);
    return this.#track(track).mount(place, () => {
      unseen?.();
      this.#forget(track);
    });
  }

  /** Calls back when the picture's size changes, and at once. */
  watch(track: string, onSize: () => void): () => void {
    const watched = this.#track(track);
    watched.watchers.add(onSize);
    return () => {
      watched.watchers.delete(onSize);
      this.#forget(track);
    };
  }

  /** The size now. */
  size(track: string): PictureSize | undefined {
    return this.#tracks.get(track)?.size;
  }

  #track(name: string): Track {
    let track = this.#tracks.get(name);
    if (!track) {
      track = new Track((seq) => this.#ack(name, seq));
      this.#tracks.set(name, track);
    }
    return track;
  }

  #forget(name: string): void {
    if (this.#tracks.get(name)?.over()) this.#tracks.delete(name);
  }
}

// Milliseconds after which what nobody sees has no decoder any more.
const UNSEEN = 10_000;
// A decoder may keep a few frames back; beyond so many it must not hold up the door.
const HELD_BACK = 4;

class Track {
  readonly canvas = document.createElement("canvas");
  readonly watchers = new Set<() => void>();
  size: PictureSize | undefined;
  readonly #ack: (seq: number) => void;
  readonly #context: CanvasRenderingContext2D | null;
  #decoder: VideoDecoder | undefined;
  #codec: "h264" | "vp8" | undefined;
  #needsKey = true;
  #waiting: number[] = [];
  #ended = false;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(ack: (seq: number) => void) {
    this.#ack = ack;
    this.#context = this.canvas.getContext("2d", { alpha: false });
    this.canvas.setAttribute("aria-hidden", "true");
  }

  take(frame: Frame): void {
    this.#ended = false;
    if (frame.content === "i420") {
      this.#close();
      this.#drawPlain(frame);
      this.#ack(frame.seq);
      return;
    }
    if (frame.content === "patches") {
      this.#patch(frame);
      this.#ack(frame.seq);
      return;
    }
    if (frame.content === "end") return;
    if (frame.key && (this.#codec !== frame.content || !this.#decoder)) this.#open(frame.content);
    if (!this.#decoder || this.#codec !== frame.content || (this.#needsKey && !frame.key)) {
      this.#ack(frame.seq);
      return;
    }
    try {
      this.#needsKey = false;
      this.#waiting.push(frame.seq);
      this.#decoder.decode(
        new EncodedVideoChunk({ type: frame.key ? "key" : "delta", timestamp: frame.seq, data: frame.payload }),
      );
    } catch {
      this.#close();
    }
  }

  mount(place: HTMLElement, onLeft: () => void): () => void {
    clearTimeout(this.#rest);
    place.append(this.canvas);
    return () => {
      // Another tile may have borrowed it in between.
      if (this.canvas.parentElement === place) {
        this.canvas.remove();
        // Rust stopped sending long before, and begins again with a key frame.
        this.#rest = setTimeout(() => this.#close(), UNSEEN);
      }
      onLeft();
    };
  }

  end(): void {
    this.#close();
    this.#ended = true;
    this.#resize(undefined);
    this.#context?.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** Nobody shows it and nothing comes any more. */
  over(): boolean {
    return this.#ended && this.watchers.size === 0 && this.canvas.parentElement === null;
  }

  #open(codec: "h264" | "vp8"): void {
    this.#close();
    if (typeof VideoDecoder === "undefined") return;
    try {
      const decoder = new VideoDecoder({
        output: (picture) => this.#drawn(decoder, picture),
        error: () => {
          if (this.#decoder === decoder) this.#close();
        },
      });
      decoder.addEventListener("dequeue", () => this.#dequeued(decoder));
      decoder.configure({
        codec: codec === "h264" ? H264 : VP8,
        hardwareAcceleration: "no-preference",
        optimizeForLatency: true,
      });
      this.#decoder = decoder;
      this.#codec = codec;
    } catch {
      this.#close();
    }
  }

  #close(): void {
    const decoder = this.#decoder;
    this.#decoder = undefined;
    this.#codec = undefined;
    this.#needsKey = true;
    for (const seq of this.#waiting.splice(0)) this.#ack(seq);
    if (decoder && decoder.state !== "closed") decoder.close();
  }

  #drawn(decoder: VideoDecoder, picture: VideoFrame): void {
    try {
      if (this.#decoder === decoder) this.#draw(picture);
    } finally {
      const seq = picture.timestamp;
      picture.close();
      if (this.#decoder === decoder) this.#release(seq);
    }
  }

  // Everything up to this frame is done with: a decoder answers in order here (no B frames).
  #release(seq: number): void {
    const at = this.#waiting.indexOf(seq);
    if (at < 0) return;
    for (const done of this.#waiting.splice(0, at + 1)) this.#ack(done);
  }

  #dequeued(decoder: VideoDecoder): void {
    if (this.#decoder !== decoder || decoder.decodeQueueSize > 0) return;
    while (this.#waiting.length > HELD_BACK) {
      const seq = this.#waiting.shift();
      if (seq !== undefined) this.#ack(seq);
    }
  }

  #draw(picture: VideoFrame): void {
    this.#resize({ width: picture.displayWidth, height: picture.displayHeight });
    this.#context?.drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
  }

  #drawPlain(frame: Frame): void {
    const { width, height } = frame;
    if (width === 0 || height === 0) return;
    if (typeof VideoFrame === "undefined") {
      this.#resize({ width, height });
      this.#context?.putImageData(new ImageData(i420ToRgba(frame.payload, width, height), width, height), 0, 0);
      return;
    }
    try {
      const picture = new VideoFrame(frame.payload, {
        format: "I420",
        codedWidth: width,
        codedHeight: height,
        timestamp: frame.seq,
        colorSpace: { primaries: "smpte170m", transfer: "smpte170m", matrix: "smpte170m", fullRange: false },
      });
      this.#draw(picture);
      picture.close();
    } catch {
      // A picture that cannot be drawn is one missing picture; the next one has its own chance.
    }
  }

  // The door sends patches only after the picture they belong to.
  #patch(frame: Frame): void {
    const context = this.#context;
    if (!context || this.size?.width !== frame.width || this.size.height !== frame.height) return;
    for (const { x, y, width, height, from, pixels } of parsePatches(frame) ?? []) {
      if (from) {
        context.drawImage(this.canvas, x + from.right, y + from.down, width, height, x, y, width, height);
      } else if (pixels) {
        context.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), x, y);
      }
    }
  }

  #resize(size: PictureSize | undefined): void {
    if (this.size?.width === size?.width && this.size?.height === size?.height) return;
    this.size = size;
    if (size) {
      this.canvas.width = size.width;
      this.canvas.height = size.height;
    }
    for (const watcher of this.watchers) watcher();
  }
}

/** Opens the frames door of `door`. `ready` is called first, so that tiles can be mounted before frames come. */
export async function openPictures(door: Door, ready: (pictures: Pictures) => void): Promise<void> {
  const looks = new Looks((shown) => {
    // Rust keeps the last word it heard; the next change says everything again.
    door.call("look_at", { pictures: shown }).catch((reason: unknown) => console.warn("looks", reason));
  });
  const pictures = new Pictures((track, seq) => door.ackFrame(track, seq), looks);
  ready(pictures);
  // A page shows nothing before its first picture; said first, so that nothing is sent in vain.
  looks.start();
  await door.openFrames((bytes) => pictures.take(bytes));
}
