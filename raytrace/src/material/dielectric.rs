//! The rough boundary of a transparent body: microfacets of Trowbridge & Reitz (GGX) that reflect or refract (Walter, Marschner,
//! Li & Torrance, EGSR 2007), Smith's shadowing and masking with correlated heights.
//!
//! With `eta` the index beyond the boundary over that on the eye's side, and `D V` as in [`conductor`]:
//! * on the eye's side `f = F D V`, with the half vector `h` of `w` and `d`,
//! * beyond `f = (1 - F) D V 4 |h.w| |h.d| / (h.w + eta h.d)^2` of radiance, with `h` along `-(w + eta d)`, on the eye's side.
//!
//! `F` is Fresnel's, unpolarised, of the angle to `h`. At microfacets that stand upright, `s.h = 0`, the second would end
//! abruptly while its value is not small, and with it the radiance where the boundary moves: it fades out where `s.h < 0.1`, that is for
//! microfacets steeper than 84 degrees.

use cotangent_ad::{Dual, Real, Vec3};

use super::conductor;
use crate::geometry::{V3, unit};

/// Cosine at which upright microfacets begin to fade.
const UPRIGHT: f64 = 0.1;

/// Unit vectors to the normal of the shading on the eye's side, to the eye and to the light, and the numbers of the boundary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scattering<R> {
    pub(super) s: Vec3<R>,
    pub(super) w: Vec3<R>,
    pub(super) d: Vec3<R>,
    /// Index beyond the boundary over that on the eye's side.
    pub(super) eta: R,
    pub(super) roughness: R,
}

/// Cotangents of a value of `f`.
pub(super) struct ScatteringBar {
    pub(super) s: V3,
    pub(super) w: V3,
    pub(super) d: V3,
    pub(super) eta: f64,
    pub(super) roughness: f64,
}

/// Fresnel's reflected part of unpolarised light whose direction has the cosine `c > 0` to the normal.
pub(super) fn fresnel<R: Real>(c: R, eta: R) -> R {
    let rest = eta * eta - 1.0 + c * c;
    if rest <= 0.0 {
        return R::lit(1.0); // total reflection
    }
    // eta times the cosine beyond
    let t = rest.sqrt();
    let across = (c - t) / (c + t);
    let within = (eta * eta * c - t) / (eta * eta * c + t);
    (across * across + within * within) * 0.5
}

/// 0 for upright microfacets, 1 for all that lean less than 84 degrees.
fn fade<R: Real>(c: R) -> R {
    if c >= UPRIGHT {
        return R::lit(1.0);
    }
    let t = c * UPRIGHT.recip();
    t * t * (-t * 2.0 + 3.0)
}

fn absolute<R: Real>(x: R) -> R {
    if x < 0.0 { -x } else { x }
}

/// What a direction of light has to do with a microfacet: the half vector on the side of `s`, and the cosines to it of eye and light.
struct Facet<R> {
    s_h: R,
    w_h: R,
    d_h: R,
    beyond: bool,
}

impl<R: Real> Scattering<R> {
    /// The microfacet that turns `d` into `w`; `None` where there is none that the eye sees.
    fn facet(&self) -> Option<Facet<R>> {
        let beyond = self.s.dot(self.d) < 0.0;
        let sum = if beyond { -(self.w + self.d * self.eta) } else { self.w + self.d };
        let size = sum.norm_squared().sqrt();
        if size <= 0.0 {
            return None;
        }
        let h = sum * size.recip();
        let h = if self.s.dot(h) < 0.0 { -h } else { h };
        let [s_h, w_h, d_h] = [self.s, self.w, self.d].map(|v| v.dot(h));
        let seen = w_h > 0.0 && (d_h < 0.0) == beyond;
        seen.then_some(Facet { s_h, w_h, d_h, beyond })
    }

    /// `f`.
    pub(super) fn value(&self) -> R {
        let Some(Facet { s_h, w_h, d_h, beyond }) = self.facet() else { return R::lit(0.0) };
        let [light, eye] = [self.s.dot(self.d), self.s.dot(self.w)].map(absolute);
        let facets = conductor::facets([light, eye, s_h, self.roughness]);
        let reflected = fresnel(w_h, self.eta);
        if !beyond {
            return facets * reflected;
        }
        let optical = w_h + self.eta * d_h;
        facets * (-reflected + 1.0) * fade(s_h) * (w_h * -d_h * 4.0) / (optical * optical)
    }
}

impl Scattering<f64> {
    /// Cotangents for that of `f`.
    pub(super) fn pullback(&self, bar: f64) -> ScatteringBar {
        type D = Dual<f64, 11>;
        let seeded = |v: V3, lane: usize| Vec3([0, 1, 2].map(|k| D::seed(v[k], lane + k)));
        let lanes = Scattering {
            s: seeded(self.s, 0),
            w: seeded(self.w, 3),
            d: seeded(self.d, 6),
            eta: D::seed(self.eta, 9),
            roughness: D::seed(self.roughness, 10),
        };
        let by = lanes.value().eps.map(|e| e * bar);
        let vector = |lane: usize| V3::from([by[lane], by[lane + 1], by[lane + 2]]);
        ScatteringBar { s: vector(0), w: vector(3), d: vector(6), eta: by[9], roughness: by[10] }
    }

    /// Density by solid angle of [`sample`].
    pub(super) fn density(&self) -> f64 {
        let Some(Facet { s_h, w_h, d_h, beyond }) = self.facet() else { return 0.0 };
        let (eye, a2) = (self.s.dot(self.w), self.roughness * self.roughness);
        let spread = s_h * s_h * (a2 - 1.0) + 1.0;
        let masking = eye + (a2 + (1.0 - a2) * eye * eye).sqrt();
        // of the microfacets that the eye sees: G_1 D (h.w) / eye, with G_1 = 2 eye / masking
        let of_facet = a2 / (std::f64::consts::PI * spread * spread) * 2.0 * w_h / masking;
        let reflected = fresnel(w_h, self.eta);
        if !beyond {
            return reflected * of_facet / (4.0 * w_h);
        }
        let optical = w_h + self.eta * d_h;
        (1.0 - reflected) * of_facet * self.eta * self.eta * d_h.abs() / (optical * optical)
    }
}

/// The direction that a visible microfacet reflects or refracts to, for `u` in the unit square and uniform `lobe`; the eye is above the
/// shading's surface. `None` where it is on the wrong side of that: such light would meet another microfacet.
pub(super) fn sample(
    s: V3,
    w: V3,
    [eta, roughness]: [f64; 2],
    u: [f64; 2],
    lobe: f64,
) -> Option<V3> {
    let h = conductor::visible_facet(s, w, roughness, u);
    let c = h.dot(w);
    if lobe < fresnel(c, eta) {
        return Some(h * (2.0 * c) - w).filter(|d| s.dot(*d) > 0.0);
    }
    Some(unit(refracted(h, w, eta))).filter(|d| s.dot(*d) < 0.0)
}

/// The direction beyond a boundary with the normal `h` that light to `w` comes from: Snell's law. There is no total reflection.
pub(super) fn refracted(h: V3, w: V3, eta: f64) -> V3 {
    let c = h.dot(w);
    let beyond = (1.0 - (1.0 - c * c) / (eta * eta)).max(0.0).sqrt();
    h * (c / eta - beyond) - w * eta.recip()
}
