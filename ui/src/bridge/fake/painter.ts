//! Paints the rehearsal's pictures and sends them through the frames door as I420, as Rust does for a page without codecs.

import { buildFrame, i420Size } from "../frame";

interface Shown {
  id: string;
  kind: "camera" | "screen";
  who: string;
}

const CAMERA = { width: 320, height: 180, every: 100 } as const;
const SCREEN = { width: 1280, height: 720, every: 1000 } as const;
const SKIES = ["#40566f", "#6d4a3a", "#3d5a49", "#6b5a2f", "#55405f", "#2f5960", "#6a3d50", "#4d4a40"] as const;

/** Paints every track that is shown. */
export class Painter {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #running = new Map<string, ReturnType<typeof setInterval>>();

  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  /** Paints these, and no others, from now on. */
  show(tracks: readonly Shown[]): void {
    for (const [id, timer] of this.#running) {
      if (tracks.some((track) => track.id === id)) continue;
      clearInterval(timer);
      this.#running.delete(id);
      const end = { content: "end", key: false, track: id, seq: 0, time: 0, width: 0, height: 0 } as const;
      this.#send(buildFrame({ ...end, payload: new Uint8Array() }));
    }
    for (const track of tracks) if (!this.#running.has(track.id)) this.#start(track);
  }

  #start(track: Shown): void {
    const { width, height, every } = track.kind === "camera" ? CAMERA : SCREEN;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) return;
    let seq = 0;
    const paint = (): void => {
      seq += 1;
      if (track.kind === "camera") person(context, track.who, seq);
      else slides(context, seq);
      const payload = toI420(context.getImageData(0, 0, width, height).data, width, height);
      this.#send(
        buildFrame({ content: "i420", key: true, track: track.id, seq, time: seq * 3000, width, height, payload }),
      );
    };
    paint();
    this.#running.set(track.id, setInterval(paint, every));
  }
}

function person(c: OffscreenCanvasRenderingContext2D, who: string, seq: number): void {
  const { width, height } = CAMERA;
  const seed = [...who].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0);
  const sway = Math.sin(seq / 9 + seed) * 5;
  const sky = c.createLinearGradient(0, 0, width, height);
  sky.addColorStop(0, SKIES[seed % SKIES.length] ?? "#444444");
  sky.addColorStop(1, "#1d2026");
  c.fillStyle = sky;
  c.fillRect(0, 0, width, height);
  c.fillStyle = "rgb(255 236 196 / 22%)";
  for (let x = 0; x < 4; x++) for (let y = 0; y < 3; y++) c.fillRect(14 + x * 26, 14 + y * 26, 23, 23);
  c.fillStyle = SKIES[(seed + 3) % SKIES.length] ?? "#555555";
  c.beginPath();
  c.ellipse(168 + sway, 196, 88, 68, 0, 0, Math.PI * 2);
  c.fill();
  c.fillStyle = "#e3bd9b";
  c.beginPath();
  c.ellipse(168 + sway * 1.3, 88, 33, 41, 0, 0, Math.PI * 2);
  c.fill();
  c.fillStyle = "#2b2320";
  c.beginPath();
  c.ellipse(168 + sway * 1.3, 66, 37, 28, 0, Math.PI, Math.PI * 2);
  c.fill();
}

function slides(c: OffscreenCanvasRenderingContext2D, seq: number): void {
  const { width, height } = SCREEN;
  c.fillStyle = "#fbfaf7";
  c.fillRect(0, 0, width, height);
  c.fillStyle = "#27476e";
  c.fillRect(0, 0, width, 84);
  c.fillStyle = "#ffffff";
  c.font = "600 36px sans-serif";
  c.fillText("第 3 四半期のふりかえり", 48, 55);
  c.fillStyle = "#2b2f38";
  c.font = "26px sans-serif";
  ["応答時間は 18 % 短くなりました", "問い合わせは先月より 42 件減りました", "次の山は 11 月の更新です"].forEach(
    (line, at) => {
      c.fillText(`・${line}`, 64, 160 + at * 54);
    },
  );
  const bars = [120, 190, 150, 240, 210, 280, 320];
  bars.forEach((bar, at) => {
    c.fillStyle = at === seq % bars.length ? "#b93a21" : "#a9bcd2";
    c.fillRect(80 + at * 110, height - 60 - bar, 70, bar);
  });
}

function toI420(rgba: Uint8ClampedArray, width: number, height: number): Uint8Array {
  const out = new Uint8Array(i420Size(width, height));
  const half = (width + 1) >> 1;
  const u0 = width * height;
  const v0 = u0 + half * ((height + 1) >> 1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      const r = rgba[at] ?? 0;
      const g = rgba[at + 1] ?? 0;
      const b = rgba[at + 2] ?? 0;
      out[y * width + x] = 16 + ((66 * r + 129 * g + 25 * b + 128) >> 8);
      if ((x | y) & 1) continue;
      const chroma = (y >> 1) * half + (x >> 1);
      out[u0 + chroma] = 128 + ((-38 * r - 74 * g + 112 * b + 128) >> 8);
      out[v0 + chroma] = 128 + ((112 * r - 94 * g - 18 * b + 128) >> 8);
    }
  }
  return out;
}
