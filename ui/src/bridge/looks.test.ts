//! What Rust is told of pictures: which are seen, how large in pixels of the display, and not too often.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ShownPicture } from "./generated/bridge";
import { Looks } from "./looks";

type Saw = (entries: { target: Element; isIntersecting: boolean }[]) => void;
type Sized = (entries: { target: Element; contentRect: { width: number; height: number } }[]) => void;

let saw: Saw;
let sized: Sized;
let told: ShownPicture[][];
let looks: Looks;

beforeEach(() => {
  vi.useFakeTimers();
  const observer = (keep: (callback: never) => void) =>
    class {
      constructor(callback: never) {
        keep(callback);
      }
      observe(): void {}
      unobserve(): void {}
    };
  vi.stubGlobal(
    "IntersectionObserver",
    observer((callback) => (saw = callback)),
  );
  vi.stubGlobal(
    "ResizeObserver",
    observer((callback) => (sized = callback)),
  );
  vi.stubGlobal("devicePixelRatio", 1.5);
  told = [];
  looks = new Looks((shown) => told.push(shown));
  looks.start();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const place = (): HTMLElement => document.createElement("div");
const settle = (): void => void vi.advanceTimersByTime(200);

describe("Looks", () => {
  it("begins with nothing and says sizes in pixels of the display", () => {
    expect(told).toEqual([[]]);
    const tile = place();
    looks.add("TR_a", tile);
    sized([{ target: tile, contentRect: { width: 320, height: 180 } }]);
    settle();
    expect(told.at(-1)).toEqual([{ track: "TR_a", width: 480, height: 270 }]);
  });

  it("leaves out what is scrolled away, and says it once", () => {
    const [tile, other] = [place(), place()];
    looks.add("TR_a", tile);
    looks.add("TR_b", other);
    settle();
    saw([{ target: tile, isIntersecting: false }]);
    settle();
    expect(told.at(-1)?.map((shown) => shown.track)).toEqual(["TR_b"]);
    const words = told.length;
    saw([{ target: tile, isIntersecting: false }]);
    settle();
    expect(told.length).toBe(words);
  });

  it("says nothing of a picture that moved to another place in between", () => {
    const gone = looks.add("TR_a", place());
    settle();
    const words = told.length;
    gone();
    looks.add("TR_a", place());
    settle();
    expect(told.length).toBe(words);
  });

  it("sees nothing while the window is minimised", () => {
    looks.add("TR_a", place());
    settle();
    const hidden = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    document.dispatchEvent(new Event("visibilitychange"));
    settle();
    expect(told.at(-1)).toEqual([]);
    hidden.mockReturnValue("visible");
    document.dispatchEvent(new Event("visibilitychange"));
    settle();
    expect(told.at(-1)?.length).toBe(1);
  });
});
