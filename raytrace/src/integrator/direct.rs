//! Images of diffuse surfaces that reflect light once: nothing of a path is kept, for nothing follows. They are, to the bit, those of
//! [`super::wave`].
#![expect(
    clippy::inline_always,
    reason = "what is built in place need not be copied: stores of parts and loads of the whole stall"
)]

use std::ops::Range;

use pulp::{Arch, NullaryFnOnce};

use super::path::{Black, Random, place};
use super::render::{Eye, Output, film_point};
use super::vertex::Vertex;
use super::wave::{Numbers, Rules, draw, sights};
use crate::accel::{Bundle, Coherence, Hit, Segment};
use crate::geometry::{Rgb, V3};
use crate::material::Material;

/// What it takes to see light that is reflected once. It is used again and again, so that it does not allocate.
#[derive(Debug, Default)]
pub(super) struct Direct {
    bundle: Bundle,
    points: [Vec<[f64; 2]>; 5],
    /// Directions of the camera's rays.
    w: Vec<V3>,
    segments: Vec<Segment>,
    hits: Vec<Option<Hit>>,
    /// Light that may be reflected, by number of the sample.
    sights: Vec<(usize, Rgb)>,
    hidden: Vec<bool>,
    /// Radiance that leaves what is seen: emitted, and reflected.
    leaving: Vec<[Rgb; 2]>,
}

struct Leave<'a> {
    direct: &'a mut Direct,
    rules: Rules<'a>,
}

impl NullaryFnOnce for Leave<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        self.direct.leave(self.rules)
    }
}

impl Direct {
    /// Adds what the camera records of some samples of a pixel, one after the other, where all that it sees is diffuse.
    pub(super) fn add(
        &mut self,
        eye: Eye,
        (pixel, random): (usize, &Random),
        samples: Range<u32>,
        sum: &mut Rgb,
    ) -> bool {
        let (world, bounces) = (eye.world, eye.bounces());
        if eye.output != Output::Radiance || bounces > 1 || world.sky.is_some() {
            return false;
        }
        let numbers = Numbers::Samples(random, samples.start);
        let rules = Rules { world, numbers, bounces, black: Black::Skipped };
        for (dimension, points) in (0..=u64::from(bounces)).zip(&mut self.points) {
            draw(random, dimension, samples.start, samples.len(), points);
        }
        self.look(eye, pixel);
        if !Arch::new().dispatch(Leave { direct: self, rules }) {
            return false;
        }
        self.bundle.occluded(&world.bvh, &self.segments, &mut self.hidden);
        for ((number, light), hidden) in self.sights.iter().zip(&self.hidden) {
            if !hidden {
                self.leaving[*number][1] += *light;
            }
        }
        for [emitted, reflected] in &self.leaving {
            *sum += (*emitted + *reflected) * eye.camera.gain;
        }
        true
    }

    /// What the camera sees.
    fn look(&mut self, eye: Eye, pixel: usize) {
        self.segments.clear();
        self.w.clear();
        for u in &self.points[0] {
            let [origin, w] = eye.camera.ray(film_point(eye.camera.width, pixel, *u));
            self.w.push(w);
            *place(&mut self.segments, Segment::EMPTY) = Segment::ray(origin, w, u32::MAX);
        }
        self.bundle.closest(&eye.world.bvh, &self.segments, Coherence::Close, &mut self.hits);
    }

    /// What leaves it, if nothing is in the way of light; false where not all is diffuse.
    #[inline(always)]
    fn leave(&mut self, rules: Rules) -> bool {
        let world = rules.world;
        self.segments.clear();
        self.sights.clear();
        self.leaving.clear();
        for (number, (hit, w)) in self.hits.iter().zip(&self.w).enumerate() {
            self.leaving.push([Rgb::BLACK; 2]);
            let Some(hit) = hit else { continue };
            let vertex = Vertex::new(world, *w, *hit);
            self.leaving[number][0] = vertex.emitted(world);
            let surfel = &vertex.surfel;
            if rules.bounces == 0 || surfel.material.is_dark(surfel.albedo) {
                continue;
            }
            if surfel.material != Material::Diffuse {
                return false;
            }
            sights(
                rules,
                &vertex,
                #[inline(always)]
                |d| self.points[1 + d][number],
                #[inline(always)]
                |connection, segment| {
                    let light = surfel.response(connection.d) * connection.arriving(world);
                    self.sights.push((number, light));
                    *place(&mut self.segments, Segment::EMPTY) = segment;
                },
            );
        }
        true
    }
}
