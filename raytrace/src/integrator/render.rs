//! Images: a pixel is the mean over its area of the radiance towards the camera, or of another property of what is seen.

use rayon::prelude::*;

use super::flow::{Flow, Run, samples};
use super::path::{Path, Random};
use super::wave::{Wave, waves};
use crate::film::Image;
use crate::geometry::Rgb;
use crate::sampler::{Draw, Purpose};
use crate::scene::World;
use crate::sensor::{Camera, FilmPoint};

/// What a camera records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Linear radiance, times exposure and white balance.
    #[default]
    Radiance,
    /// The part of a pixel that is covered by meshes, in every channel.
    Alpha,
    /// Distance along the view's axis, in every channel; 0 where nothing is seen.
    Depth,
    /// Place in world coordinates; 0 where nothing is seen.
    Position,
    /// Unit normal of the shading on the camera's side, in world coordinates; 0 where nothing is seen.
    Normal,
}

/// A camera, and what it records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Number of the camera.
    pub camera: usize,
    /// What it records.
    pub output: Output,
}

impl From<usize> for View {
    fn from(camera: usize) -> Self {
        Self { camera, output: Output::Radiance }
    }
}

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

/// A world as one of its cameras sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eye<'a> {
    pub(crate) world: &'a World,
    pub(crate) camera: &'a Camera,
    /// Number of the camera.
    pub(crate) index: usize,
    pub(crate) output: Output,
}

impl<'a> Eye<'a> {
    /// # Panics
    /// Where there is no such camera.
    pub(crate) fn new(world: &'a World, view: View) -> Self {
        let View { camera: index, output } = view;
        Self { world, camera: &world.cameras[index], index, output }
    }

    /// Reflections that light may make on its way.
    pub(crate) fn bounces(&self) -> u32 {
        match self.output {
            Output::Radiance => self.world.transport.bounces(),
            _ => 0,
        }
    }

    /// What the camera records of a path.
    pub(crate) fn records(&self, path: &Path) -> Rgb {
        let first = path.links.first().map(|l| &l.vertex);
        match (self.output, first) {
            (Output::Radiance, _) => path.radiance(self.world) * self.camera.gain,
            (_, None) => Rgb::BLACK,
            (Output::Alpha, Some(_)) => Rgb::WHITE,
            (Output::Depth, Some(v)) => Rgb([self.camera.depth(v.x); 3]),
            (Output::Position, Some(v)) => Rgb(v.x.0),
            (Output::Normal, Some(v)) => Rgb(v.surfel.s.0),
        }
    }
}

/// The film point of a sample of a pixel.
#[inline]
pub(crate) fn film_point(width: usize, pixel: usize, u: [f64; 2]) -> FilmPoint {
    [(pixel % width) as f64 + u[0], (pixel / width) as f64 + u[1]]
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
