//! Where derivatives of pixels are handed to, cotangent by cotangent.

use crate::geometry::{Rgb, V3};

/// A pixel, and which of its seeds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) pixel: usize,
    pub(crate) lane: usize,
}

/// At most three weights of the channels of a pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeds {
    seeds: [Rgb; 3],
    count: usize,
}

impl Seeds {
    /// One for each channel.
    pub(crate) const CHANNELS: Self = Self {
        seeds: [Rgb([1.0, 0.0, 0.0]), Rgb([0.0, 1.0, 0.0]), Rgb([0.0, 0.0, 1.0])],
        count: 3,
    };

    pub(crate) fn one(seed: Rgb) -> Self {
        Self { seeds: [seed, Rgb::BLACK, Rgb::BLACK], count: 1 }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rgb> {
        self.seeds[..self.count].iter()
    }

    pub(crate) fn are_black(&self) -> bool {
        self.iter().all(|s| s.is_black())
    }

    /// The places of a pixel with the products of their seeds with a colour, where these are not 0.
    pub(crate) fn times(&self, pixel: usize, rgb: Rgb) -> impl Iterator<Item = (Place, f64)> {
        let products = self.seeds.map(|s| s.dot(rgb));
        let places = (0..self.count).map(move |lane| (Place { pixel, lane }, products[lane]));
        places.filter(|p| p.1 != 0.0)
    }
}

/// Takes cotangents: the seed's weighted sum of a pixel's channels changes by their product with the motion of a leaf.
pub(crate) trait Sink {
    /// The seeds of a pixel.
    fn seeds(&self, pixel: usize) -> Seeds;
    /// The cotangent of a point.
    fn point(&mut self, place: Place, vertex: u32, bar: V3);
    /// The cotangent of a normal for shading.
    fn normal(&mut self, place: Place, normal: u32, bar: V3);
    /// The cotangent of a slot.
    fn vector(&mut self, place: Place, slot: u32, bar: V3);
    /// The cotangent of a slot that is a colour.
    fn colour(&mut self, place: Place, slot: u32, bar: Rgb) {
        self.vector(place, slot, V3::from(bar.0));
    }
}
