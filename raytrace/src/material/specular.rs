//! Surfaces that are perfectly smooth: they send all light of a direction into one or two others, and have no response to a
//! direction drawn by anything else.
//!
//! A mirror is the limit of a rough conductor: `d = 2 (s.w) s - w`, and of the light of `d` the part `F_0 + (1 - F_0) (1 - s.w)^5` goes
//! to `w`. A smooth boundary of a transparent body reflects Fresnel's part `F` and refracts the rest by Snell's law, and what comes from
//! beyond is `(1 - F) / eta^2` of the radiance there; the albedo is a factor of both.

use super::dielectric::{fresnel, refracted};
use super::{Material, ResponseBar, Surfel};
use crate::geometry::{Rgb, V3, ZERO};

/// Which of the directions of a smooth surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lobe {
    /// Back to the eye's side.
    Reflected,
    /// Through the boundary.
    Refracted,
}

/// A direction of a smooth surface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) lobe: Lobe,
    /// Unit vector.
    pub(crate) d: V3,
    /// Part of the radiance of `d` that goes to the eye.
    pub(crate) part: Rgb,
    /// How often this direction is drawn.
    pub(crate) chance: f64,
}

impl Surfel {
    /// A direction of a smooth surface, by chance where there are two; `None` of any other surface, and where the direction does not
    /// leave the face on its side.
    pub(crate) fn send(&self, u: f64) -> Option<Sent> {
        let cos = self.s.dot(self.w);
        let sent = match self.material {
            Material::Mirror => {
                let part = self.reflected_part();
                Sent { lobe: Lobe::Reflected, d: self.reflected(), part, chance: 1.0 }
            }
            Material::Dielectric { roughness: None, .. } => {
                let eta = self.eta();
                let reflected = fresnel(cos.abs(), eta);
                if u < reflected {
                    let part = self.albedo * reflected;
                    Sent { lobe: Lobe::Reflected, d: self.reflected(), part, chance: reflected }
                } else {
                    let chance = 1.0 - reflected;
                    let part = self.albedo * (chance / (eta * eta));
                    let s = self.s * cos.signum();
                    Sent { lobe: Lobe::Refracted, d: refracted(s, self.w, eta), part, chance }
                }
            }
            _ => return None,
        };
        let leaves = self.n.dot(sent.d) > 0.0;
        (leaves == (sent.lobe == Lobe::Reflected)).then_some(sent)
    }

    fn reflected(&self) -> V3 {
        self.s * (2.0 * self.s.dot(self.w)) - self.w
    }

    /// Of a mirror.
    fn reflected_part(&self) -> Rgb {
        let p = (1.0 - self.s.dot(self.w).abs()).max(0.0).powi(5);
        Rgb(self.albedo.0.map(|f| f + (1.0 - f) * p))
    }

    /// Part of the radiance of a direction that was [sent](Self::send) by `lobe`.
    pub(crate) fn part(&self, lobe: Lobe) -> Rgb {
        if self.material == Material::Mirror {
            return self.reflected_part();
        }
        let eta = self.eta();
        let reflected = fresnel(self.s.dot(self.w).abs(), eta);
        match lobe {
            Lobe::Reflected => self.albedo * reflected,
            Lobe::Refracted => self.albedo * ((1.0 - reflected) / (eta * eta)),
        }
    }

    /// Cotangents for those of the part of radiance and of the direction. Of a boundary that refracts only those of the albedo
    /// are made: what moves is not followed through it.
    pub(crate) fn send_pullback(&self, lobe: Lobe, part: Rgb, d: V3) -> ResponseBar {
        let mut bar = ResponseBar::ZERO;
        if self.material != Material::Mirror {
            bar.albedo = part * Self { albedo: Rgb::WHITE, ..*self }.part(lobe);
            return bar;
        }
        let cos = self.s.dot(self.w);
        let p = (1.0 - cos.abs()).max(0.0);
        let by_p = part.dot(Rgb(self.albedo.0.map(|f| 1.0 - f)));
        let by_cos = -5.0 * p.powi(4) * by_p * cos.signum() + 2.0 * self.s.dot(d);
        bar.albedo = part * (1.0 - p.powi(5));
        bar.s = self.w * by_cos + d * (2.0 * cos);
        bar.w = self.s * by_cos - d;
        bar
    }
}

impl ResponseBar {
    /// Nothing.
    pub(crate) const ZERO: Self =
        Self { d: ZERO, n: ZERO, s: ZERO, w: ZERO, albedo: Rgb::BLACK, roughness: 0.0, index: 0.0 };
}
