//! How tiles are laid out: as large as possible, all of one size, on as few pages as possible. Pure.

/** Pixels between tiles. */
const GAP = 10;
/** What turning pages takes of the height. */
const PAGER = 46;
/** So many share a page wherever they are at least {@link LEAST} wide. */
const USUAL = 16;
const LEAST = 150;
/** More do where each still has room for a face and a name. */
const MOST = 25;
const ROOMY = 280;

/** Width and height in pixels of the page. */
export interface Room {
  width: number;
  height: number;
}

/** A grid, and how many pages of it there are. */
export interface Layout {
  columns: number;
  width: number;
  height: number;
  gap: number;
  perPage: number;
  pages: number;
}

/** Lays out so many tiles in a place. */
export function layOut(count: number, room: Room): Layout {
  const cells = Math.max(1, count);
  if (fits(cells, room)) return { ...grid(cells, room), gap: GAP, perPage: cells, pages: 1 };
  const less = { width: room.width, height: room.height - PAGER };
  let perPage = Math.min(cells, MOST);
  while (perPage > 1 && !fits(perPage, less)) perPage -= 1;
  return { ...grid(perPage, less), gap: GAP, perPage, pages: Math.ceil(cells / perPage) };
}

function fits(cells: number, room: Room): boolean {
  if (cells > MOST) return false;
  return cells <= 2 || grid(cells, room).width >= (cells <= USUAL ? LEAST : ROOMY);
}

function grid(cells: number, room: Room): { columns: number; width: number; height: number } {
  const columns = bestColumns(cells, room.width, room.height, GAP);
  const rows = Math.ceil(cells / columns);
  const widest = (room.width - GAP * (columns - 1)) / columns;
  const highest = (room.height - GAP * (rows - 1)) / rows;
  const width = Math.max(80, Math.floor(Math.min(widest, (highest * 16) / 9)));
  // One or two leave much of a window over: theirs may be higher than 16:9.
  const height = cells <= 2 ? Math.min(highest, width / 1.35) : (width * 9) / 16;
  return { columns, width, height: Math.max(45, Math.floor(height)) };
}

/** Columns that make the tiles largest. Widths and heights in pixels; tiles are 16:9. */
export function bestColumns(count: number, width: number, height: number, gap: number): number {
  let best = 1;
  let most = 0;
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    const cellWidth = (width - gap * (columns - 1)) / columns;
    const cellHeight = (height - gap * (rows - 1)) / rows;
    const tile = Math.min(cellWidth, (cellHeight * 16) / 9);
    if (tile > most + 0.5) {
      most = tile;
      best = columns;
    }
  }
  return best;
}
