//! Images: a pixel is the mean over its area of the radiance towards the camera, or of another property of what is seen.

use rayon::prelude::*;

use super::eye::{Eye, Output, View};
use super::flow::{Flow, Run, samples};
use super::path::Random;
use super::wave::{Wave, waves};
use crate::film::Image;
use crate::geometry::Rgb;
use crate::sampler::{Draw, Purpose};
use crate::scene::World;

/// How an image is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// Samples a pixel; powers of two are stratified best.
    pub spp: u32,
    /// Names the random numbers, together with the key.
    pub seed: u64,
    /// Names one draw under the seed: each iteration of an optimizer has another.
    pub key: u64,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { spp: 64, seed: 0, key: 0 }
    }
}

/// The image that a camera of a world sees; a camera's number means its radiance. The same on any number of threads.
///
/// # Panics
/// Where there is no such camera.
pub fn render(world: &World, view: impl Into<View>, options: RenderOptions) -> Image {
    let eye = Eye::new(world, view.into());
    let (width, height) = (eye.camera.width, eye.camera.height);
    let draw = Draw { seed: options.seed, key: options.key, camera: eye.index };
    let mut image = Image::new(width, height);
    image.pixels.par_chunks_mut(width).enumerate().for_each(|(row, pixels)| {
        let first = row * width;
        match eye.output {
            Output::Radiance => radiance(eye, (draw, options.spp), first, pixels),
            _ => properties(eye, (draw, options.spp), first, pixels),
        }
        let scale = f64::from(options.spp).recip();
        pixels.iter_mut().for_each(|sum| *sum = *sum * scale);
    });
    image
}

/// Adds radiance to consecutive pixels.
fn radiance(eye: Eye, (draw, spp): (Draw, u32), first: usize, pixels: &mut [Rgb]) {
    let mut flow = Flow::default();
    let mut runs: Vec<Run> = Vec::new();
    let (most, mut waiting) = (samples(eye), 0);
    for pixel in first..first + pixels.len() {
        for samples in waves(spp) {
            let (start, count) = (samples.start, samples.len());
            if waiting + count > most {
                flow.record(eye, &runs, first, pixels);
                runs.clear();
                waiting = 0;
            }
            let random = Random::new(draw, Purpose::Path, pixel, eye.bounces());
            runs.push(Run { pixel, random, first: start, count });
            waiting += count;
        }
    }
    flow.record(eye, &runs, first, pixels);
}

/// Adds what else the camera records.
fn properties(eye: Eye, (draw, spp): (Draw, u32), first: usize, pixels: &mut [Rgb]) {
    let mut wave = Wave::new();
    for (pixel, sum) in (first..).zip(pixels) {
        let random = Random::new(draw, Purpose::Path, pixel, eye.bounces());
        for samples in waves(spp) {
            for path in wave.look(eye, (pixel, &random), samples) {
                *sum += eye.records(path);
            }
        }
    }
}
