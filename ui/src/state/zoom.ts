//! How a shared picture lies in its place: whole, or enlarged around a point. Pure; lengths are pixels of the page unless
//! said otherwise.

/** Width and height. */
export interface Extent {
  width: number;
  height: number;
}

/** An enlarged picture; `null` everywhere stands for the whole picture. */
export type View = Zoomed | null;

interface Zoomed {
  /** Pixels of the display for one of the picture; 1 is its actual size. */
  scale: number;
  /** What lies in the middle of the place, as parts of the picture's width and height. */
  x: number;
  y: number;
}

/** What there is to look at, and where. */
export interface Scenery {
  picture: Extent;
  place: Extent;
  /** Pixels of the display for one of the page. */
  density: number;
}

/** Where the picture goes, on whole pixels of the display: letters stay as sharp as they came. */
export interface Lie extends Extent {
  left: number;
  top: number;
  scale: number;
}

/** Nothing is enlarged further: one pixel of the picture as eight by eight. */
const LARGEST = 8;
/** Where every pixel may be told apart, they are drawn as squares. */
export const SQUARES_FROM = 2.5;
/** One press of a button or key. */
export const STEP = 1.25;

/** The scale at which the whole picture fits. */
export function fitting({ picture, place, density }: Scenery): number {
  return Math.min(place.width / picture.width, place.height / picture.height) * density;
}

/** Where the picture goes. */
export function lie(view: View, scenery: Scenery): Lie {
  const { picture, place, density } = scenery;
  const whole = fitting(scenery);
  const { scale, x, y } = view ?? { scale: whole, x: 0.5, y: 0.5 };
  const [width, height] = [(picture.width * scale) / density, (picture.height * scale) / density];
  const onPixel = (length: number): number => Math.round(length * density) / density;
  return {
    left: onPixel(place.width / 2 - x * width),
    top: onPixel(place.height / 2 - y * height),
    width: onPixel(width),
    height: onPixel(height),
    scale,
  };
}

/** Enlarges by a factor and keeps what is at a point of the place; the middle where none is said. */
export function zoomBy(view: View, factor: number, scenery: Scenery, at?: { left: number; top: number }): View {
  return zoomTo(view, lie(view, scenery).scale * factor, scenery, at);
}

/** The same with the scale itself. */
export function zoomTo(view: View, scale: number, scenery: Scenery, at?: { left: number; top: number }): View {
  const { picture, place, density } = scenery;
  const whole = fitting(scenery);
  const wanted = Math.min(Math.max(scale, Math.min(whole, 1)), Math.max(LARGEST, whole));
  // A little beside the whole picture is the whole picture.
  if (Math.abs(wanted / whole - 1) < 0.02) return null;
  const before = lie(view, scenery);
  const point = at ?? { left: place.width / 2, top: place.height / 2 };
  const [u, v] = [(point.left - before.left) / before.width, (point.top - before.top) / before.height];
  const x = u + ((place.width / 2 - point.left) * density) / (picture.width * wanted);
  const y = v + ((place.height / 2 - point.top) * density) / (picture.height * wanted);
  return inside({ scale: wanted, x, y }, scenery);
}

/** Moves the picture by so many pixels of the page. */
export function moveBy(view: View, right: number, down: number, scenery: Scenery): View {
  if (!view) return null;
  const { picture, density } = scenery;
  const x = view.x - (right * density) / (picture.width * view.scale);
  const y = view.y - (down * density) / (picture.height * view.scale);
  return inside({ ...view, x, y }, scenery);
}

/** What was enlarged stays enlarged when the window or the picture changes its size, and never lies beside its place. */
export function inside(view: Zoomed, { picture, place, density }: Scenery): Zoomed {
  const within = (at: number, length: number, room: number): number => {
    const half = (room * density) / (2 * length * view.scale);
    return half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, at));
  };
  return {
    ...view,
    x: within(view.x, picture.width, place.width),
    y: within(view.y, picture.height, place.height),
  };
}
