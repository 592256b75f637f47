//! Which pictures are seen, and how large: Rust has only those sent, and no larger than they are shown.
//! A picture is seen while its place is laid out, inside everything that scrolls, and the window is not minimised.
//! Says everything each time, a moment after something changed, and nothing twice.

import type { ShownPicture } from "./generated/bridge";

/** Several places change together: a panel opens, a window is drawn larger. */
const GATHERS = 60;
/** What is about to scroll into sight may come already. */
const NEAR = "48px";
/** As much as a number of the bridge can say. */
const LARGEST = 65535;

interface Spot {
  track: string;
  seen: boolean;
  width: number;
  height: number;
}

/** Every place of a picture on this page. */
export class Looks {
  readonly #tell: (pictures: ShownPicture[]) => void;
  readonly #spots = new Map<Element, Spot>();
  readonly #sight: IntersectionObserver;
  readonly #size: ResizeObserver;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #told = "";
  #started = false;

  constructor(tell: (pictures: ShownPicture[]) => void) {
    this.#tell = tell;
    this.#sight = new IntersectionObserver((entries) => this.#saw(entries), { rootMargin: NEAR });
    this.#size = new ResizeObserver((entries) => this.#sized(entries));
    document.addEventListener("visibilitychange", () => this.#soon());
    // The same place has other pixels on another monitor, and at another zoom.
    window.addEventListener("resize", () => this.#soon());
  }

  /** From now on Rust is told; at once the first time. */
  start(): void {
    this.#started = true;
    this.#say();
  }

  /** A track's picture has this place until the returned function is called. */
  add(track: string, place: Element): () => void {
    const { width, height } = place.getBoundingClientRect();
    // A place that was just made is taken to be seen; the observer says otherwise in a moment.
    this.#spots.set(place, { track, seen: true, width, height });
    this.#sight.observe(place);
    this.#size.observe(place);
    this.#soon();
    return () => {
      this.#spots.delete(place);
      this.#sight.unobserve(place);
      this.#size.unobserve(place);
      this.#soon();
    };
  }

  #saw(entries: IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const spot = this.#spots.get(entry.target);
      if (spot) spot.seen = entry.isIntersecting;
    }
    this.#soon();
  }

  #sized(entries: ResizeObserverEntry[]): void {
    for (const entry of entries) {
      const spot = this.#spots.get(entry.target);
      if (spot) [spot.width, spot.height] = [entry.contentRect.width, entry.contentRect.height];
    }
    this.#soon();
  }

  #soon(): void {
    if (!this.#started || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#say();
    }, GATHERS);
  }

  #say(): void {
    const shown = document.visibilityState === "hidden" ? [] : this.#shown();
    const words = JSON.stringify(shown);
    if (words === this.#told) return;
    this.#told = words;
    this.#tell(shown);
  }

  #shown(): ShownPicture[] {
    const pixels = (length: number): number =>
      Math.min(LARGEST, Math.max(1, Math.round(length * (window.devicePixelRatio || 1))));
    return [...this.#spots.values()]
      .filter((spot) => spot.seen)
      .map(({ track, width, height }) => ({ track, width: pixels(width), height: pixels(height) }))
      .sort((a, b) => (a.track < b.track ? -1 : a.track > b.track ? 1 : 0));
  }
}
