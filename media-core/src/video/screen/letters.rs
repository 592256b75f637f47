//! The letters both ends know, and how they are named: a letter that came before is a number and a place, a new one is told
//! sample by sample, once. Pure; the number of letters is bounded, the oldest go.

use std::collections::HashMap;

use super::model::Model;
use super::pieces::{LARGEST, MOST, Piece};
use super::plane::Plane;
use super::range::{Chance, Coder};
use super::text::ReadText;

/// Bits of a letter's number.
const BITS: u32 = 13;
const LETTERS: usize = 1 << BITS;

/// A known letter.
#[derive(Debug, Clone)]
struct Letter {
    width: usize,
    paper: u8,
    samples: Vec<u8>,
    /// Its top, from the line it stood on last.
    rise: i32,
    /// Which letter followed it last.
    next: u32,
}

/// The letters known.
pub(super) struct Letters {
    known: Vec<Letter>,
    /// The number the next one gets.
    next: usize,
    /// Where the writer finds them again.
    found: HashMap<Look, u32>,
    odds: Odds,
}

type Look = (usize, u8, Vec<u8>);

struct Odds {
    more: Chance,
    is_new: [Chance; 2],
    follows: Chance,
    number: Vec<Chance>,
    same_line: Chance,
    gap: [Number; 2],
    line: Number,
    rise: [Number; 2],
    size: [Number; 2],
}

/// Where the last letter stood.
#[derive(Debug, Clone, Copy)]
struct Pen {
    /// Right of it.
    x: i32,
    line: i32,
    /// Letters of this line so far.
    count: usize,
    letter: Option<usize>,
    was_new: bool,
}

impl Letters {
    /// None.
    pub(super) fn new() -> Self {
        Self {
            known: Vec::new(),
            next: 0,
            found: HashMap::new(),
            odds: Odds {
                more: Chance::EVEN,
                is_new: [Chance::EVEN; 2],
                follows: Chance::EVEN,
                number: vec![Chance::EVEN; LETTERS],
                same_line: Chance::EVEN,
                gap: [Number::new(), Number::new()],
                line: Number::new(),
                rise: [Number::new(), Number::new()],
                size: [Number::new(), Number::new()],
            },
        }
    }

    /// Does the other end know this letter?
    pub(super) fn knows(&self, piece: &Piece, paper: u8) -> bool {
        self.found.contains_key(&(piece.width, paper, piece.samples.clone()))
    }

    /// Writes letters onto the plane; `pieces` says which, for the writer.
    pub(super) fn code<C: Coder>(
        &mut self,
        coder: &mut C,
        model: &mut Model,
        plane: &mut Plane,
        paper: u8,
        pieces: Option<&[Piece]>,
    ) -> Result<(), ReadText> {
        let mut pen = Pen { x: 0, line: 0, count: 0, letter: None, was_new: false };
        let mut told = 0;
        for count in 0..=MOST {
            let piece = pieces.and_then(|pieces| pieces.get(count));
            if !coder.bit(piece.is_some(), &mut self.odds.more) {
                return Ok(());
            }
            let number = piece.and_then(|p| self.found.get(&(p.width, paper, p.samples.clone())).copied());
            let is_new = coder.bit(number.is_none(), &mut self.odds.is_new[usize::from(pen.was_new)]);
            let letter = if is_new {
                let letter = self.tell(coder, model, paper, piece)?;
                told += letter.samples.len();
                if told > plane.width() * plane.height() {
                    return Err(ReadText::Broken);
                }
                self.learn(letter, pieces.is_some())
            } else {
                self.name(coder, pen, number.unwrap_or(0))?
            };
            self.put(coder, plane, &mut pen, (letter, is_new), piece)?;
            pen.was_new = is_new;
        }
        Err(ReadText::Broken)
    }

    /// Which of those that are known.
    fn name<C: Coder>(&mut self, coder: &mut C, pen: Pen, wanted: u32) -> Result<usize, ReadText> {
        let guess = pen.letter.map(|last| self.known[last].next);
        if let Some(guess) = guess
            && coder.bit(wanted == guess, &mut self.odds.follows)
        {
            return Some(guess as usize).filter(|n| *n < self.known.len()).ok_or(ReadText::Broken);
        }
        let mut node = 1_usize;
        for shift in (0..BITS).rev() {
            let bit = coder.bit(wanted >> shift & 1 == 1, &mut self.odds.number[node]);
            node = node << 1 | usize::from(bit);
        }
        Some(node - LETTERS).filter(|n| *n < self.known.len()).ok_or(ReadText::Broken)
    }

    /// A letter nobody saw before.
    fn tell<C: Coder>(
        &mut self,
        coder: &mut C,
        model: &mut Model,
        paper: u8,
        piece: Option<&Piece>,
    ) -> Result<Letter, ReadText> {
        let mut side = |i: usize, wanted: usize, most: usize| {
            let read = self.odds.size[i].code(coder, wanted as i32);
            usize::try_from(read).ok().filter(|n| (1..=most).contains(n)).ok_or(ReadText::Broken)
        };
        let width = side(0, piece.map_or(0, |p| p.width), LARGEST.0)?;
        let height = side(1, piece.map_or(0, |p| p.height), LARGEST.1)?;
        let mut desk = Plane::new(width, height, paper);
        for y in 0..height {
            for x in 0..width {
                let wanted = piece.map_or(0, |p| p.samples[y * width + x]);
                let at = desk.at(x, y);
                desk.samples_mut()[at] = model.sample(coder, &desk, at, 0, wanted);
            }
        }
        let samples = (0..height).flat_map(|y| desk.line(0, y, width).iter().copied()).collect();
        Ok(Letter { width, paper, samples, rise: -(height as i32), next: 0 })
    }

    fn learn(&mut self, letter: Letter, writes: bool) -> usize {
        let number = self.next;
        self.next = (number + 1) % LETTERS;
        if writes {
            let look = |l: &Letter| (l.width, l.paper, l.samples.clone());
            if let Some(old) = self.known.get(number) {
                self.found.remove(&look(old));
            }
            self.found.insert(look(&letter), number as u32);
        }
        match self.known.get_mut(number) {
            Some(old) => *old = letter,
            None => self.known.push(letter),
        }
        number
    }

    /// Where it stands; puts its ink there.
    fn put<C: Coder>(
        &mut self,
        coder: &mut C,
        plane: &mut Plane,
        pen: &mut Pen,
        (number, is_new): (usize, bool),
        piece: Option<&Piece>,
    ) -> Result<(), ReadText> {
        let letter = &mut self.known[number];
        let height = (letter.samples.len() / letter.width) as i32;
        let (want_x, want_y) = piece.map_or((0, 0), |p| (p.x as i32, p.y as i32));
        let goes_on = pen.count > 0 && want_x >= pen.x - 8 && (want_y - pen.line - letter.rise).abs() < 24;
        let new = usize::from(is_new);
        let (x, y);
        if coder.bit(goes_on, &mut self.odds.same_line) {
            x = pen.x + self.odds.gap[0].code(coder, want_x - pen.x);
            let error = self.odds.rise[new].code(coder, want_y - pen.line - letter.rise);
            y = pen.line + letter.rise + error;
            if pen.count == 1 {
                pen.line += error;
            } else {
                letter.rise += error;
            }
            pen.count += 1;
        } else {
            x = self.odds.gap[1].code(coder, want_x);
            let line = pen.line + self.odds.line.code(coder, want_y - letter.rise - pen.line);
            y = line + letter.rise;
            (pen.line, pen.count) = (line, 1);
        }
        let fits =
            x >= 0 && y >= 0 && x as usize + letter.width <= plane.width() && (y + height) as usize <= plane.height();
        if !fits {
            return Err(ReadText::Broken);
        }
        for (line, ink) in letter.samples.chunks_exact(letter.width).enumerate() {
            for (to, ink) in plane.line_mut(x as usize, y as usize + line, letter.width).iter_mut().zip(ink) {
                if *ink != letter.paper {
                    *to = *ink;
                }
            }
        }
        pen.x = x + letter.width as i32;
        if let Some(last) = pen.letter.replace(number) {
            self.known[last].next = number as u32;
        }
        Ok(())
    }
}

/// Numbers that are small mostly: how many bits they have, then those.
struct Number {
    length: [Chance; 14],
    bits: [[Chance; 128]; 14],
    sign: Chance,
}

impl Number {
    const fn new() -> Self {
        Self { length: [Chance::EVEN; 14], bits: [[Chance::EVEN; 128]; 14], sign: Chance::EVEN }
    }

    /// From -16383 to 16383.
    fn code<C: Coder>(&mut self, coder: &mut C, value: i32) -> i32 {
        let size = value.unsigned_abs();
        let wanted = (32 - size.leading_zeros()) as usize;
        let mut length = 0;
        while length < self.length.len() && coder.bit(length < wanted, &mut self.length[length]) {
            length += 1;
        }
        if length == 0 {
            return 0;
        }
        let mut read = 1;
        for shift in (0..length - 1).rev() {
            // Of long ones only the front is learned.
            let place = if read < 128 { read as usize } else { 0 };
            read = read << 1 | u32::from(coder.bit(size >> shift & 1 == 1, &mut self.bits[length - 1][place]));
        }
        let read = read as i32;
        if coder.bit(value < 0, &mut self.sign) { -read } else { read }
    }
}
