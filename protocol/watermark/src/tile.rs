//! The cells as a picture to lay over others: white or black, nearly transparent. Pure.
//!
//! White lightens what is dark and black darkens what is light, so there is a difference of [`STRENGTH`] levels on any
//! ground: on white paper only the dark cells show, on a black one only the light ones. Edges of cells are soft, because
//! eyes find edges first.

use protocol::watermark::{MARK_CELLS, MarkCells};

/// Pixels along one side of a cell.
pub const CELL: usize = 16;
/// Pixels along one side of the tile.
pub const SIDE: usize = MARK_CELLS * CELL;
/// How opaque the middle of a cell is, in levels of 255; also how far light and dark cells are apart on any ground.
pub const STRENGTH: u8 = 2;
/// Pixels over which a cell becomes its neighbour.
const SOFT: usize = 7;

/// Black of so many levels of 255 takes one level for each of these that a pixel is above: what [`Tile::blend`] says, in
/// comparisons of bytes instead of products. 255: never.
const STEPS: [[u8; STRENGTH as usize]; STRENGTH as usize + 1] = [[255, 255], [127, 255], [63, 191]];

/// One tile: row by row how much white, or below zero black, lies over a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile(Vec<i8>);

/// Why a tile cannot be written as a picture.
#[derive(Debug, thiserror::Error)]
#[error("the tile was not written: {0}")]
pub struct WriteTile(#[from] png::EncodingError);

impl Tile {
    /// Draws the cells of a viewer.
    #[must_use]
    pub fn draw(cells: &MarkCells) -> Self {
        let field = soft(|column, row| if cells.lighter(column, row) { 1.0 } else { -1.0 });
        Self(field.iter().map(|v| (v * f32::from(STRENGTH)).round() as i8).collect())
    }

    /// How much white (or below zero black) of 255 lies over this pixel of a picture that the tile repeats over.
    #[must_use]
    pub fn over(&self, x: usize, y: usize) -> i8 {
        self.0[y % SIDE * SIDE + x % SIDE]
    }

    /// One channel of a pixel with the tile over it, as a compositor blends it.
    #[must_use]
    pub fn blend(&self, x: usize, y: usize, below: u8) -> u8 {
        let over = self.over(x, y);
        let (alpha, colour) = (u32::from(over.unsigned_abs()), if over > 0 { 255 } else { 0 });
        ((u32::from(below) * (255 - alpha) + colour * alpha + 127) / 255) as u8
    }

    /// Lays the tile over a picture of four bytes a pixel, opacity last, as a compositor does.
    pub fn cover(&self, rgba: &mut [u8], width: usize) {
        let (mut flip, mut steps) = ([0_u8; 4 * SIDE], [[0_u8; 4 * SIDE]; STRENGTH as usize]);
        for (y, tile) in self.0.chunks_exact(SIDE).enumerate() {
            for (n, over) in tile.iter().enumerate() {
                for (steps, at) in steps.iter_mut().zip(STEPS[usize::from(over.unsigned_abs())]) {
                    steps[4 * n..][..4].fill(at);
                }
                let light = if *over > 0 { 255 } else { 0 };
                // What is opaque stays so.
                flip[4 * n..][..4].copy_from_slice(&[light, light, light, 255]);
            }
            let [first, second] = &steps;
            let rows = rgba.chunks_exact_mut(4 * width.max(1)).skip(y).step_by(SIDE);
            for piece in rows.flat_map(|row| row.chunks_mut(4 * SIDE)) {
                for (((channel, flip), first), second) in piece.iter_mut().zip(&flip).zip(first).zip(second) {
                    // White over a level is black over what is missing to the brightest.
                    let below = *channel ^ flip;
                    *channel = (below - u8::from(below > *first) - u8::from(below > *second)) ^ flip;
                }
            }
        }
    }

    /// The tile as a PNG picture with transparency, a few kilobytes.
    ///
    /// # Errors
    /// The library refused; it has no reason to.
    pub fn to_png(&self) -> Result<Vec<u8>, WriteTile> {
        let strength = STRENGTH as usize;
        // Colours in the order of their white: black at its strongest, transparent, white at its strongest.
        let palette: Vec<u8> = (0..=2 * strength).flat_map(|n| [if n > strength { 255 } else { 0 }; 3]).collect();
        let alpha: Vec<u8> = (0..=2 * strength).map(|n| n.abs_diff(strength) as u8).collect();
        let pixels: Vec<u8> = self
            .0
            .chunks_exact(2)
            .map(|pair| {
                let [left, right] = [pair[0], pair[1]].map(|v| (v + STRENGTH as i8) as u8);
                left << 4 | right
            })
            .collect();
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, SIDE as u32, SIDE as u32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Four);
        encoder.set_palette(palette);
        encoder.set_trns(alpha);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()?;
        Ok(out)
    }
}

/// Cells of -1 to 1 as a field of that, their edges soft, one value a pixel of the tile.
pub(crate) fn soft(cell: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let hard: Vec<f32> = (0..SIDE * SIDE).map(|n| cell(n % SIDE / CELL, n / SIDE / CELL)).collect();
    let across = |field: &[f32], (dx, dy): (usize, usize)| -> Vec<f32> {
        let at = |n: usize, back: usize| {
            let (x, y) = (n % SIDE + SIDE + dx * (SOFT / 2) - dx * back, n / SIDE + SIDE + dy * (SOFT / 2) - dy * back);
            field[y % SIDE * SIDE + x % SIDE]
        };
        (0..SIDE * SIDE).map(|n| (0..SOFT).map(|back| at(n, back)).sum::<f32>() / SOFT as f32).collect()
    };
    across(&across(&hard, (1, 0)), (0, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile() -> Tile {
        let mut bits = [0b0110_1001; MarkCells::BYTES];
        bits[5] = 0xFF;
        Tile::draw(&MarkCells::new(bits))
    }

    #[test]
    fn light_and_dark_cells_are_as_far_apart_on_any_ground() {
        let tile = tile();
        let middle = |column: usize| (column * CELL + CELL / 2, CELL / 2);
        let ((dark, y), (light, _)) = (middle(0), middle(1));
        for ground in 0..=255 {
            let apart = tile.blend(light, y, ground) - tile.blend(dark, y, ground);
            assert!((1..=STRENGTH + 1).contains(&apart), "{apart} levels on {ground}");
            let changed =
                tile.blend(light, y, ground).abs_diff(ground).max(tile.blend(dark, y, ground).abs_diff(ground));
            assert!(changed <= STRENGTH, "{ground} changes by {changed}");
        }
        assert_eq!((tile.blend(light, y, 255), tile.blend(dark, y, 255)), (255, 253), "white paper only darkens");
        assert_eq!((tile.blend(light, y, 0), tile.blend(dark, y, 0)), (2, 0), "a black ground only lightens");
    }

    #[test]
    fn the_tile_meets_itself_without_a_seam() {
        let tile = tile();
        for n in 0..SIDE {
            let jump = |a: i8, b: i8| (a - b).abs();
            assert!(jump(tile.over(SIDE - 1, n), tile.over(SIDE, n)) <= 1, "row {n}");
            assert!(jump(tile.over(n, SIDE - 1), tile.over(n, SIDE)) <= 1, "column {n}");
        }
    }

    #[test]
    fn covering_a_picture_blends_every_pixel_and_leaves_it_opaque() {
        let (tile, width, height) = (tile(), 300, 270);
        let ground = |n: usize| [(n % 256) as u8, (n / 7 % 256) as u8, 255, 255];
        let mut picture: Vec<u8> = (0..width * height).flat_map(ground).collect();
        tile.cover(&mut picture, width);
        for (n, pixel) in picture.chunks_exact(4).enumerate() {
            let below = ground(n);
            let want = [0, 1, 2].map(|c| tile.blend(n % width, n / width, below[c]));
            assert_eq!((&pixel[..3], pixel[3]), (&want[..], 255), "pixel {n} over {below:?}");
        }
    }

    #[test]
    fn the_picture_holds_what_was_drawn() {
        let tile = tile();
        let picture = tile.to_png().unwrap();
        assert!(picture.len() < 16 * 1024, "{} bytes", picture.len());
        let mut decoder = png::Decoder::new(std::io::Cursor::new(picture));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (256, 256, png::ColorType::Rgba));
        for (n, pixel) in pixels.chunks_exact(4).enumerate() {
            let over = tile.over(n % SIDE, n / SIDE);
            assert_eq!(pixel[3], over.unsigned_abs(), "pixel {n}");
            assert!(over == 0 || pixel[0] == if over > 0 { 255 } else { 0 }, "pixel {n}");
        }
    }
}
