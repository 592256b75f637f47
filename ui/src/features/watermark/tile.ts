//! The visible watermark as a picture that repeats: two lines of text, turned, pale on any ground. Pure.

/** A turned tile as an SVG document, and its size in CSS pixels. */
export interface Tile {
  svg: string;
  width: number;
  height: number;
}

/** Degrees against the lines of what lies below: text that runs along with them would be read as part of it. */
const TURN = -22;
/** CSS pixels. */
const LETTER = { large: 15, small: 11 } as const;

/** Draws lines of text. `size`: for a shared screen or for a small picture of a camera. */
export function drawTile(lines: readonly string[], size: keyof typeof LETTER): Tile {
  const letter = LETTER[size];
  const longest = Math.max(1, ...lines.map((line) => width(line)));
  // Turned text needs less width and more height; a quarter more of each keeps neighbours apart.
  const long = Math.round((longest + 6) * letter);
  const high = Math.round(letter * 9 + long * 0.36);
  const text = lines
    .map((line, at) => `<text x="0" y="${(at - (lines.length - 1) / 2) * letter * 1.35}">${escaped(line)}</text>`)
    .join("");
  const block = (x: number, y: number): string =>
    `<g transform="translate(${Math.round(x)} ${Math.round(y)}) rotate(${TURN})">${text}</g>`;
  // Every second row is moved by half, so that no straight gap is left to crop along.
  const blocks = [
    block(long * 0.25, high * 0.25),
    block(long * 1.25, high * 0.25),
    block(long * 0.75, high * 0.75),
    block(-long * 0.25, high * 0.75),
  ];
  // White with a dark rim: one of the two shows on any ground.
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${long}" height="${high}" font-family="sans-serif" ` +
    `font-size="${letter}" font-weight="600" text-anchor="middle" dominant-baseline="central" fill="#fff" ` +
    `fill-opacity=".24" stroke="#000" stroke-opacity=".15" stroke-width="2" paint-order="stroke">` +
    `${blocks.join("")}</svg>`;
  return { svg, width: long, height: high };
}

/** About how many letters wide: those of Chinese, Japanese and Korean fill a square, others a little more than half. */
function width(line: string): number {
  return [...line].reduce((sum, letter) => sum + ((letter.codePointAt(0) ?? 0) > 0x2e80 ? 1 : 0.6), 0);
}

function escaped(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (letter) => names[letter] ?? letter);
}

/** As the value of `background-image`. */
export function asBackground(svg: string): string {
  // Brackets and quotes are left alone by it, and not by everything that reads style sheets.
  const safe = encodeURIComponent(svg).replace(/[()']/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
  return `url("data:image/svg+xml,${safe}")`;
}
