//! Walks along paths and hands on, at each of their points, the derivative through what moves before it: borders of shadows on
//! light faces ([`super::shadow`]), edges before the sky and before what reflects light itself ([`super::sphere`]), and borders of lamps'
//! shadows ([`super::lamp`]).

use super::lamp::LampBorders;
use super::mirror::Mirrors;
use super::seen::Seen;
use super::shadow::ShadowBorders;
use super::sphere::SphereEdges;
use super::trees::EdgeTrees;
use crate::integrator::{Black, Eye, Path, Random, Wave, waves};
use crate::options::DerivativeOptions;
use crate::sampler::Purpose;
use crate::scene::Wanted;
use crate::sink::Sink;

/// Planes of random numbers beyond those of paths: for the points that a vertex draws.
const BEYOND_PATHS: u64 = 1 << 32;

/// Samples what moves before the points of paths, pixel by pixel.
#[derive(Debug)]
pub(crate) struct Borders<'a> {
    wave: Wave,
    before: Before<'a>,
}

/// What may move before a point.
#[derive(Debug)]
struct Before<'a> {
    eye: Eye<'a>,
    options: &'a DerivativeOptions,
    shadows: ShadowBorders<'a>,
    sphere: SphereEdges<'a>,
    lamps: &'a [LampBorders<'a>],
}

impl<'a> Borders<'a> {
    pub(crate) fn new(
        eye: Eye<'a>,
        wanted: &'a Wanted,
        (trees, mirrors): (&'a EdgeTrees<'a>, &'a Mirrors),
        options: &'a DerivativeOptions,
    ) -> Self {
        let before = Before {
            eye,
            options,
            shadows: ShadowBorders::new(eye, wanted, trees, options),
            sphere: SphereEdges::new(eye, wanted, (trees, mirrors), options),
            lamps: &trees.lamps,
        };
        Self { wave: Wave::new(), before }
    }

    /// Hands on the derivative of one pixel.
    pub(crate) fn pixel(&mut self, pixel: usize, sink: &mut impl Sink) {
        let Before { eye, options, .. } = self.before;
        let draw = options.draw(eye.index);
        let random = Random::new(draw, Purpose::ShadowEdge, pixel, eye.bounces());
        for samples in waves(options.shadow_spp) {
            let rays = (pixel, &random);
            let paths = if eye.bounces() > 1 {
                self.wave.trace(eye, rays, samples.clone(), Black::Skipped)
            } else {
                self.wave.look(eye, rays, samples.clone())
            };
            self.before.paths(paths, (pixel, &random), samples.start, sink);
        }
    }
}

impl Before<'_> {
    /// Hands on what moves before the points of paths.
    fn paths(
        &mut self,
        paths: &[Path],
        (pixel, random): (usize, &Random),
        first: u32,
        sink: &mut impl Sink,
    ) {
        let (eye, terms, seeds) = (self.eye, self.options.terms, sink.seeds(pixel));
        let mut points: Vec<Seen> = Vec::with_capacity(paths.len());
        for (sample, path) in (first..).zip(paths) {
            let mut throughput = eye.camera.gain;
            for (k, link) in path.links.iter().enumerate() {
                let surfel = link.vertex.surfel;
                if throughput.is_black() || surfel.material.is_dark(surfel.albedo) {
                    break;
                }
                if !surfel.material.is_specular() {
                    points.push(Seen { path, sample, k, pixel, throughput, seeds });
                }
                let Some(bounce) = link.bounce else { break };
                throughput = throughput * bounce.factor(&surfel);
            }
        }
        // what the camera sees first lies close together
        points.sort_by_key(|p| p.k);
        if terms.shadows {
            self.shadows.look_from(&points);
        }
        let plane = if eye.bounces() > 1 { BEYOND_PATHS } else { 1 };
        for (number, seen) in points.iter().enumerate() {
            let u = |d: u64| random.point(plane + 4 * seen.k as u64 + d, seen.sample);
            if terms.shadows {
                self.shadows.draw(number, seen, u(0)[0], sink);
            }
            if terms.indirect {
                self.sphere.at(seen, random, [u(1), u(2)], sink);
                for lamp in self.lamps {
                    lamp.at(seen, u(3), self.options, sink);
                }
            }
        }
    }
}
