//! How a surface reflects: from a direction of light to the direction of the eye.
//!
//! [`Surfel::response`] is the reflectance times the cosine, `f(w, d) cos(d)`, times the length of `d`: a function of degree 1 of
//! `d`, so that a vector to a light need not be normalised first.
//!
//! The cosine is that to the normal of the shading `s`. Where this is not the normal `n` of the face, light that the face's plane hides
//! would end abruptly: it fades out instead by Chiang, Li & Burley's softening (SIGGRAPH 2019 talks, "Taming the shadow
//! terminator"), `-G^3 + G^2 + G` with `G = min(1, (n.d) / ((s.d) (n.s)))`. So the response is continuous in all it depends on, and
//! no edge runs where the two normals disagree about the horizon. At the edges of faces `n` jumps, and with it this factor.
#![expect(
    clippy::inline_always,
    reason = "what is built in place need not be copied: stores of parts and loads of the whole stall"
)]

mod conductor;
mod dielectric;
mod specular;

use std::f64::consts::FRAC_1_PI;

use self::conductor::Reflection;
use self::dielectric::Scattering;
pub(crate) use self::specular::Lobe;
use crate::geometry::{Rgb, V3, ZERO, across, circle, length, unit};

/// How a surface reflects, from both its sides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Material {
    /// The same radiance to everywhere: `albedo / pi`.
    #[default]
    Diffuse,
    /// A rough metal; the albedo is its reflectance at normal incidence.
    Conductor {
        /// `alpha` of GGX, not squared, within `[LEAST_ROUGHNESS, 1]`.
        roughness: f64,
    },
    /// A perfect mirror: the limit of a conductor without roughness.
    Mirror,
    /// The boundary of a transparent body, whose faces have their fronts outside. The albedo is a factor at each passage and
    /// reflection.
    Dielectric {
        /// Index of refraction inside over that outside, within `[LEAST_INDEX, MOST_INDEX]`.
        index: f64,
        /// As of a conductor; `None` is smooth.
        roughness: Option<f64>,
    },
}

/// The least index of refraction of a transparent body, and the greatest: at 1 there is no boundary.
pub const LEAST_INDEX: f64 = 1.01;
/// Of two points that are nearer the fourth power of the distance is no number to divide by.
const LEAST_DISTANCE: f64 = 1e-70;

/// See [`LEAST_INDEX`].
pub const MOST_INDEX: f64 = 10.0;

impl Material {
    /// Of microfacets, where it has any.
    pub fn roughness(self) -> Option<f64> {
        match self {
            Self::Conductor { roughness } => Some(roughness),
            Self::Dielectric { roughness, .. } => roughness,
            Self::Diffuse | Self::Mirror => None,
        }
    }

    /// Of refraction, where it is transparent.
    pub fn index(self) -> Option<f64> {
        match self {
            Self::Dielectric { index, .. } => Some(index),
            _ => None,
        }
    }

    /// Whether it sends the light of a direction into one or two others alone.
    pub fn is_specular(self) -> bool {
        matches!(self, Self::Mirror | Self::Dielectric { roughness: None, .. })
    }

    /// Whether a surface of this albedo sends no light on: a metal reflects at grazing incidence in any case.
    #[inline]
    pub(crate) fn is_dark(self, albedo: Rgb) -> bool {
        albedo.is_black() && !matches!(self, Self::Conductor { .. } | Self::Mirror)
    }

    /// The same with another roughness, where it has any.
    pub(crate) fn with_roughness(self, roughness: f64) -> Self {
        match self {
            Self::Conductor { .. } => Self::Conductor { roughness },
            Self::Dielectric { index, roughness: Some(_) } => {
                Self::Dielectric { index, roughness: Some(roughness) }
            }
            other => other,
        }
    }

    /// The same with another index of refraction, where it has any.
    pub(crate) fn with_index(self, index: f64) -> Self {
        match self {
            Self::Dielectric { roughness, .. } => Self::Dielectric { index, roughness },
            other => other,
        }
    }
}

/// A point of a surface as light meets it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surfel {
    /// Unit normal of the face on the side of the eye.
    pub(crate) n: V3,
    /// Unit normal of the shading, on the same side.
    pub(crate) s: V3,
    /// Unit vector to the eye.
    pub(crate) w: V3,
    /// Fraction that is reflected; of a conductor that at normal incidence.
    pub(crate) albedo: Rgb,
    pub(crate) material: Material,
    /// The eye is before the front of the face: outside a transparent body.
    pub(crate) front: bool,
}

/// Cotangents of a response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseBar {
    pub(crate) d: V3,
    pub(crate) n: V3,
    pub(crate) s: V3,
    /// Of the unit vector to the eye.
    pub(crate) w: V3,
    pub(crate) albedo: Rgb,
    pub(crate) roughness: f64,
    pub(crate) index: f64,
}

/// The softened cosine times the length of `d`, with derivatives by `s.d`, `n.d` and `n.s`.
#[inline]
fn cosine(s_d: f64, n_d: f64, n_s: f64) -> (f64, [f64; 3]) {
    if !(s_d > 0.0 && n_d > 0.0) {
        return (0.0, [0.0; 3]);
    }
    let g = n_d / (s_d * n_s);
    if g >= 1.0 {
        return (s_d, [1.0, 0.0, 0.0]);
    }
    let value = g * (1.0 + g * (1.0 - g));
    let slope = 1.0 + g * (2.0 - 3.0 * g);
    (s_d * value, [value - g * slope, slope / n_s, -s_d * g * slope / n_s])
}

impl Surfel {
    /// Of nothing.
    pub(crate) const EMPTY: Self = Self {
        n: ZERO,
        s: ZERO,
        w: ZERO,
        albedo: Rgb::BLACK,
        material: Material::Diffuse,
        front: false,
    };

    /// Whether light from `d` may be sent to the eye: of a surface that is not transparent, from the eye's side. A source that is
    /// where the surface is sends none.
    #[inline(always)]
    pub(crate) fn receives(&self, d: V3) -> bool {
        let away = self.n.dot(d);
        away > LEAST_DISTANCE || (away < -LEAST_DISTANCE && self.is_transparent())
    }

    /// Whether light passes through it.
    #[inline]
    pub(crate) fn is_transparent(&self) -> bool {
        matches!(self.material, Material::Dielectric { .. })
    }

    /// 1 where `d` is on the eye's side, or the surface not transparent; else -1.
    #[inline]
    fn side(&self, d: V3) -> f64 {
        if self.is_transparent() && self.n.dot(d) < 0.0 { -1.0 } else { 1.0 }
    }

    /// The softened cosine times the length of `d`, and its derivatives.
    #[inline(always)]
    fn cosine(&self, d: V3, side: f64) -> (f64, [f64; 3]) {
        let s_d = side * self.s.dot(d);
        if self.n == self.s {
            // nothing to soften, but for rounding
            return if s_d > 0.0 { (s_d, [1.0, 0.0, 0.0]) } else { (0.0, [0.0; 3]) };
        }
        cosine(s_d, side * self.n.dot(d), self.n.dot(self.s))
    }

    /// Index of refraction beyond the surface over that on the eye's side.
    fn eta(&self) -> f64 {
        let index = self.material.index().unwrap_or(1.0);
        if self.front { index } else { index.recip() }
    }

    /// The rough boundary of a transparent body, and light from the unit vector `d`.
    fn scattering(&self, d: V3, roughness: f64) -> Scattering<f64> {
        Scattering { s: self.s, w: self.w, d, eta: self.eta(), roughness }
    }

    /// `f cos |d|` of light from `d`.
    #[inline(always)]
    pub(crate) fn response(&self, d: V3) -> Rgb {
        if self.material == Material::Diffuse {
            let (cos, _) = self.cosine(d, 1.0);
            return self.albedo * (cos * FRAC_1_PI);
        }
        self.glossy_response(d)
    }

    /// The response of a diffuse surface, to the bit, without branches: where there are any, a loop does not become vector instructions.
    #[inline(always)]
    #[expect(
        clippy::needless_bitwise_bool,
        clippy::float_cmp,
        reason = "loops without branches become vector instructions, and normals that are one are the same numbers"
    )]
    pub(crate) fn diffuse_response(&self, d: V3) -> Rgb {
        let (n, s) = (self.n, self.s);
        let (s_d, n_d, n_s) = (s.dot(d), n.dot(d), n.dot(s));
        let flat = (n[0] == s[0]) & (n[1] == s[1]) & (n[2] == s[2]);
        let g = n_d / (s_d * n_s);
        let softened = s_d * (g * (1.0 + g * (1.0 - g)));
        let lit = (s_d > 0.0) & (flat | (n_d > 0.0));
        let cos = if flat | (g >= 1.0) { s_d } else { softened };
        self.albedo * (if lit { cos } else { 0.0 } * FRAC_1_PI)
    }

    /// Of a surface that is not diffuse.
    fn glossy_response(&self, d: V3) -> Rgb {
        let side = self.side(d);
        let (cos, _) = self.cosine(d, side);
        match self.material {
            Material::Conductor { roughness } => match Reflection::new(self.s, self.w, unit(d)) {
                Some(reflection) if cos > 0.0 => {
                    reflection.reflectance(self.albedo, roughness) * cos
                }
                _ => Rgb::BLACK,
            },
            Material::Dielectric { roughness: Some(roughness), .. } if cos > 0.0 => {
                self.albedo * (self.scattering(unit(d), roughness).value() * cos)
            }
            Material::Diffuse | Material::Mirror | Material::Dielectric { .. } => Rgb::BLACK,
        }
    }

    /// Cotangents for that of the response.
    #[inline]
    pub(crate) fn pullback(&self, d: V3, bar: Rgb) -> ResponseBar {
        let side = self.side(d);
        let (cos, [by_sd, by_nd, by_ns]) = self.cosine(d, side);
        let by_cosine = |c: f64| ResponseBar {
            d: (self.s * by_sd + self.n * by_nd) * (side * c),
            n: (d * (side * by_nd) + self.s * by_ns) * c,
            s: (d * (side * by_sd) + self.n * by_ns) * c,
            ..ResponseBar::ZERO
        };
        match self.material {
            Material::Diffuse => ResponseBar {
                albedo: bar * (cos * FRAC_1_PI),
                ..by_cosine(self.albedo.dot(bar) * FRAC_1_PI)
            },
            Material::Conductor { roughness } => {
                self.conductor_pullback(d, bar * cos, roughness, |f| by_cosine(f.dot(bar)))
            }
            Material::Dielectric { roughness: Some(roughness), .. } if cos > 0.0 => {
                self.dielectric_pullback(d, bar, cos, roughness, by_cosine)
            }
            Material::Mirror | Material::Dielectric { .. } => ResponseBar::ZERO,
        }
    }

    /// Of a conductor, for the cotangent `bar` of its reflectance; `by_cosine` is what the cosine adds.
    fn conductor_pullback(
        &self,
        d: V3,
        bar: Rgb,
        roughness: f64,
        by_cosine: impl Fn(Rgb) -> ResponseBar,
    ) -> ResponseBar {
        let (r, e) = (length(d), unit(d));
        let Some(reflection) = Reflection::new(self.s, self.w, e).filter(|_| !bar.is_black())
        else {
            return ResponseBar::ZERO;
        };
        let by = reflection.pullback(self.albedo, roughness, bar);
        let sum = by_cosine(reflection.reflectance(self.albedo, roughness));
        ResponseBar {
            d: sum.d + (by.d - e * e.dot(by.d)) * r.recip(),
            s: sum.s + by.s,
            w: by.w,
            albedo: by.albedo,
            roughness: by.roughness,
            ..sum
        }
    }

    /// Of the rough boundary of a transparent body.
    fn dielectric_pullback(
        &self,
        d: V3,
        bar: Rgb,
        cos: f64,
        roughness: f64,
        by_cosine: impl Fn(f64) -> ResponseBar,
    ) -> ResponseBar {
        let (r, e) = (length(d), unit(d));
        let scattering = self.scattering(e, roughness);
        let (f, white) = (scattering.value(), self.albedo.dot(bar));
        let by = scattering.pullback(white * cos);
        let sum = by_cosine(f * white);
        let index = self.material.index().unwrap_or(1.0);
        let by_index = if self.front { 1.0 } else { -(index * index).recip() };
        ResponseBar {
            d: sum.d + (by.d - e * e.dot(by.d)) * r.recip(),
            s: sum.s + by.s,
            w: by.w,
            albedo: bar * (f * cos),
            roughness: by.roughness,
            index: by.eta * by_index,
            ..sum
        }
    }

    /// Whether it reflects some directions much more than others.
    #[inline]
    pub(crate) fn is_glossy(&self) -> bool {
        self.material != Material::Diffuse
    }

    /// A direction that light may be looked for in, for `u` in the unit square and uniform `lobe`: of a visible microfacet, or in
    /// proportion to the cosine (Malley's method). `None` where what is drawn is no direction of light.
    pub(crate) fn sample(&self, u: [f64; 2], lobe: f64) -> Option<V3> {
        if let Some(roughness) = self.seen_roughness() {
            if self.is_transparent() {
                return dielectric::sample(self.s, self.w, [self.eta(), roughness], u, lobe);
            }
            return Some(conductor::sample(self.s, self.w, roughness, u));
        }
        let side = if self.is_transparent() && lobe < 0.5 { -1.0 } else { 1.0 };
        Some(self.spread(u, side))
    }

    /// A direction in proportion to the cosine, on this side of the shading's surface (Malley's method).
    #[inline(always)]
    pub(crate) fn spread(&self, u: [f64; 2], side: f64) -> V3 {
        let (r, up) = (u[0].sqrt(), (1.0 - u[0]).max(0.0).sqrt());
        let [cos, sin] = circle(u[1]);
        let [a, b] = across(self.s);
        a * (r * cos) + b * (r * sin) + self.s * (side * up)
    }

    /// Density of [`Self::sample`] by solid angle, of the unit vector `d`.
    #[inline(always)]
    pub(crate) fn density(&self, d: V3) -> f64 {
        if self.material == Material::Diffuse {
            return self.s.dot(d).max(0.0) * FRAC_1_PI;
        }
        self.glossy_density(d)
    }

    /// The density of the direction of `d`, over the cube of its length.
    #[inline(always)]
    pub(crate) fn density_along(&self, d: V3) -> f64 {
        if self.material == Material::Diffuse {
            let r2 = d.norm_squared();
            return self.s.dot(d).max(0.0) * FRAC_1_PI / (r2 * r2);
        }
        let r = length(d);
        self.glossy_density(d * r.recip()) / (r * r * r)
    }

    /// Of a surface that is not diffuse.
    fn glossy_density(&self, d: V3) -> f64 {
        let transparent = self.is_transparent();
        match self.seen_roughness() {
            None if transparent => self.s.dot(d).abs() * (0.5 * FRAC_1_PI),
            None => self.s.dot(d).max(0.0) * FRAC_1_PI,
            Some(roughness) if transparent => self.scattering(d, roughness).density(),
            Some(roughness) => {
                Reflection::new(self.s, self.w, d).map_or(0.0, |r| r.density(roughness))
            }
        }
    }

    /// The roughness where the eye is above the shading's surface.
    #[inline]
    fn seen_roughness(&self) -> Option<f64> {
        self.material.roughness().filter(|_| self.s.dot(self.w) > 0.0)
    }
}

#[cfg(test)]
mod tests;
