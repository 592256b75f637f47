//! RNNoise 0.2's network (Valin 2018; Xiph, BSD-3-Clause): two layers that look at the last blocks, three that remember,
//! and one that says how much of each band is voice.
//! Pure; allocates only when made, and works the same time on every block.
//!
//! What goes from layer to layer lies between -1 and 1 and is rounded to a byte on the way, as the weights of the large
//! layers are; the network was trained so.

use super::bands::Bands;
use super::products::{Column, Matrix, ROW, round};
use super::weights::{FIRST, FRAMES, INPUTS, MEMORIES, STATE, Scale, TOLD, Weights};

/// What the network is told about a block.
pub(super) type Features = [f32; INPUTS];

/// Rows of a layer that remembers: how much stays, how much is asked for, what is new.
const GATES: usize = 3 * STATE;

/// The network and what it remembers.
pub(super) struct Network {
    weights: Weights,
    heard: [f32; INPUTS * FRAMES],
    said: Column,
    states: [[f32; STATE]; MEMORIES],
    /// The states, rounded.
    kept: [Column; MEMORIES],
}

impl Network {
    /// Has heard nothing.
    pub(super) fn new() -> Self {
        Self {
            weights: Weights::new(),
            heard: [0.0; INPUTS * FRAMES],
            said: [0; ROW],
            states: [[0.0; STATE]; MEMORIES],
            kept: [[0; ROW]; MEMORIES],
        }
    }

    /// How much of each band is voice.
    pub(super) fn hear(&mut self, features: &Features) -> Bands {
        let Self { weights, heard, said, states, kept } = self;
        heard.copy_within(INPUTS.., 0);
        heard[INPUTS * (FRAMES - 1)..].copy_from_slice(features);
        let first = weights.first.of(heard).map(tanh);
        said.copy_within(FIRST.., 0);
        round(&first, &mut said[FIRST * (FRAMES - 1)..]);

        let mut told = [0.0; TOLD];
        let (second, rest) = told.split_at_mut(STATE);
        layer(&weights.second, said, second);
        for out in second.iter_mut() {
            *out = tanh(*out);
        }
        let mut column = [0; ROW];
        round(second, &mut column);
        for (n, memory) in weights.memories.iter().enumerate() {
            let (mut new, mut old) = ([0.0; GATES], [0.0; GATES]);
            layer(&memory.told, &column, &mut new);
            layer(&memory.kept, &kept[n], &mut old);
            for (old, own) in old.chunks_exact_mut(STATE).zip(memory.own.chunks_exact(STATE)) {
                for ((old, own), state) in old.iter_mut().zip(own).zip(&states[n]) {
                    *old += own * state;
                }
            }
            remember(&new, &old, &mut states[n]);
            round(&states[n], &mut kept[n]);
            column = kept[n];
            rest[n * STATE..][..STATE].copy_from_slice(&states[n]);
        }
        weights.gains.of(&told).map(sigmoid)
    }
}

/// A large layer.
fn layer((matrix, scale): &(Matrix, Scale), column: &Column, into: &mut [f32]) {
    let mut products = [0; GATES];
    matrix.times(column, &mut products[..into.len()]);
    for (((into, product), step), bias) in into.iter_mut().zip(products).zip(&scale.step).zip(&scale.bias) {
        *into = product as f32 * step + bias;
    }
}

/// A state becomes partly what is new.
fn remember(new: &[f32; GATES], old: &[f32; GATES], state: &mut [f32; STATE]) {
    for (n, state) in state.iter_mut().enumerate() {
        let stays = sigmoid(new[n] + old[n]);
        let asked = sigmoid(new[STATE + n] + old[STATE + n]);
        let said = tanh(new[2 * STATE + n] + old[2 * STATE + n] * asked);
        *state = stays * *state + (1.0 - stays) * said;
    }
}

/// A rational function for the hyperbolic tangent, wrong by less than 1e-4, and the one the network was rounded for.
fn tanh(x: f32) -> f32 {
    let square = x * x;
    let above = (0.608_630_4 * square + 96.392_36) * square + 952.528;
    let below = (11.886_009 * square + 413.368) * square + 952.724;
    (x * above / below).clamp(-1.0, 1.0)
}

fn sigmoid(x: f32) -> f32 {
    0.5 + 0.5 * tanh(0.5 * x)
}
