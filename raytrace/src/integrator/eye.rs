//! Cameras, and what they record of paths.

use super::path::Path;
use crate::geometry::Rgb;
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
