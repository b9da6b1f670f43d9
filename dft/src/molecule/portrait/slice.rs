//! The density of the electrons in a plane through the nuclei, as an image of bands.

use cotangent_ad::Vec3;
use cotangent_answer::{Figure, Panel};

use crate::molecule::lattice::{Seen, at_points};
use crate::molecule::simulation::MoleculeAnswer;

/// Space beyond the outermost nuclei, bohr.
const MARGIN_BOHR: f64 = 3.0;
/// Points along the longer side.
const POINTS: f64 = 240.0;
/// The least density that has a colour, 1/bohr^3, and bands for each decade.
const LEAST: f64 = 1e-3;
const BANDS_A_DECADE: f64 = 2.0;
/// From low densities to high ones, sRGB: a band each, the last one for all above.
const COLOURS: [[u8; 3]; 9] = [
    [237, 248, 233],
    [204, 235, 197],
    [168, 221, 181],
    [123, 204, 196],
    [78, 179, 211],
    [43, 140, 190],
    [8, 104, 172],
    [8, 64, 129],
    [4, 32, 70],
];
const BELOW: [u8; 3] = [255; 3];
const NUCLEUS: [u8; 3] = [214, 39, 40];

/// A plane through nuclei, with perpendicular axes of length 1.
struct Plane {
    centre: Vec3<f64>,
    axes: [Vec3<f64>; 2],
}

impl Plane {
    /// Through the two nuclei that are furthest apart and the one that is furthest from their line. Where all lie on a line, or there is but one, any
    /// plane through them shows the same.
    fn through(places: &[Vec3<f64>]) -> Self {
        let pairs = places.iter().flat_map(|a| places.iter().map(move |b| *b - *a));
        let along = longest(pairs).unwrap_or(Vec3([1.0, 0.0, 0.0]));
        let across = |d: Vec3<f64>| d - along * along.dot(d);
        let off_line = longest(places.iter().map(|p| across(*p - places[0])));
        let units = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(Vec3);
        let side = off_line.or_else(|| longest(units.into_iter().map(across)));
        let sum = places.iter().fold(Vec3([0.0; 3]), |sum, p| sum + *p);
        let centre = sum * (1.0 / places.len() as f64);
        Self { centre, axes: [along, side.unwrap_or(units[1])] }
    }

    fn seen(&self, place: Vec3<f64>) -> [f64; 2] {
        self.axes.map(|axis| axis.dot(place - self.centre))
    }

    fn point(&self, [x, y]: [f64; 2]) -> [f64; 3] {
        (self.centre + self.axes[0] * x + self.axes[1] * y).0
    }
}

/// The direction of the longest, if it has a length.
fn longest(arrows: impl Iterator<Item = Vec3<f64>>) -> Option<Vec3<f64>> {
    let square = |arrow: &Vec3<f64>| arrow.dot(*arrow);
    let arrow = arrows.reduce(|a, b| if square(&b) > square(&a) { b } else { a })?;
    (square(&arrow) > 1e-12).then(|| arrow * (1.0 / square(&arrow).sqrt()))
}

/// Points of an image, row by row from above.
struct Frame {
    corner: [f64; 2],
    spacing: f64,
    size: [u32; 2],
}

impl Frame {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 241")]
    fn around(places: &[[f64; 2]]) -> Self {
        let of_axis = |k: usize| places.iter().map(move |p| p[k]);
        let low = [0, 1].map(|k| of_axis(k).fold(f64::INFINITY, f64::min) - MARGIN_BOHR);
        let high = [0, 1].map(|k| of_axis(k).fold(f64::NEG_INFINITY, f64::max) + MARGIN_BOHR);
        let spacing = (high[0] - low[0]).max(high[1] - low[1]) / POINTS;
        let size = [0, 1].map(|k| ((high[k] - low[k]) / spacing).round() as u32 + 1);
        Self { corner: [low[0], high[1]], spacing, size }
    }

    fn points(&self) -> impl Iterator<Item = [f64; 2]> {
        let Self { corner: [left, top], spacing, size: [columns, rows] } = *self;
        let row = move |y: u32| {
            (0..columns).map(move |x| [left + f64::from(x) * spacing, top - f64::from(y) * spacing])
        };
        (0..rows).flat_map(row)
    }
}

/// The density at start and answer, side by side.
pub(super) fn densities(fields: &[(&str, MoleculeAnswer)]) -> Option<Figure> {
    let panels: Vec<Panel> = fields.iter().filter_map(|(when, found)| panel(when, found)).collect();
    let title = "Density (1/bohr^3): 0.001 and half decades up";
    let figure = Figure::lines("density", title, ["", ""], Vec::new());
    (!panels.is_empty()).then_some(Figure { panels, ..figure })
}

fn panel(when: &str, MoleculeAnswer { core, scf }: &MoleculeAnswer) -> Option<Panel> {
    let atoms = core.molecule.atoms();
    let places: Vec<Vec3<f64>> = atoms.iter().map(|a| Vec3(a.position_bohr)).collect();
    let plane = Plane::through(&places);
    let seen: Vec<[f64; 2]> = places.iter().map(|place| plane.seen(*place)).collect();
    let frame = Frame::around(&seen);
    let points: Vec<[f64; 3]> = frame.points().map(|p| plane.point(p)).collect();
    let density = at_points(core, scf, &points, &[Seen::Density]).ok()?.pop()?;
    let is_nucleus = |[x, y]: [f64; 2]| {
        let near = |[a, b]: &[f64; 2]| (x - a).abs().max((y - b).abs()) < 1.5 * frame.spacing;
        seen.iter().any(near)
    };
    let pixels: Vec<[u8; 3]> = frame
        .points()
        .zip(&density)
        .map(|(p, n)| if is_nucleus(p) { NUCLEUS } else { colour(*n) })
        .collect();
    let [width, height] = frame.size.map(|n| f64::from(n - 1) * frame.spacing);
    Panel::new(&format!("{when}, {width:.1} by {height:.1} bohr"), frame.size, &pixels).ok()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few bands")]
fn colour(density: f64) -> [u8; 3] {
    let band = BANDS_A_DECADE * (density / LEAST).log10();
    if band >= 0.0 { COLOURS[(band as usize).min(COLOURS.len() - 1)] } else { BELOW }
}

#[cfg(test)]
mod tests {
    use cotangent_ad::Vec3;

    use super::{BELOW, COLOURS, Frame, Plane, colour};

    #[test]
    fn a_plane_holds_three_nuclei_and_keeps_their_distances() {
        let water = [[0.1, 0.2, 0.3], [0.1, 1.6, 1.4], [0.9, -1.4, 1.3]].map(Vec3);
        let plane = Plane::through(&water);
        for place in water {
            let back = Vec3(plane.point(plane.seen(place))) - place;
            assert!(back.dot(back) < 1e-24, "{back:?}");
        }
        let seen = water.map(|place| plane.seen(place));
        let apart = (seen[1][0] - seen[2][0]).hypot(seen[1][1] - seen[2][1]);
        let arm = water[1] - water[2];
        assert!((apart - arm.dot(arm).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn on_a_line_or_alone_a_plane_is_one_all_the_same() {
        let lines =
            [vec![[0.0, 0.0, -2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]], vec![[1.0, 2.0, 3.0]]];
        for places in lines {
            let places: Vec<Vec3<f64>> = places.into_iter().map(Vec3).collect();
            let Plane { centre: _, axes: [a, b] } = Plane::through(&places);
            let products = [a.dot(a) - 1.0, b.dot(b) - 1.0, a.dot(b)];
            assert!(products.iter().all(|p| p.abs() < 1e-15), "{products:?}");
        }
    }

    #[test]
    fn a_frame_has_its_corner_above_on_the_left() {
        let frame = Frame::around(&[[-2.0, 0.0], [2.0, 1.0]]);
        assert_eq!(frame.size, [241, 169]);
        let points: Vec<[f64; 2]> = frame.points().collect();
        assert_eq!((points[0], points.len()), ([-5.0, 4.0], 241 * 169));
        let last = points[points.len() - 1];
        assert!((last[0] - 5.0).abs() < 1e-12 && (last[1] + 3.0).abs() < 1e-12, "{last:?}");
    }

    #[test]
    fn bands_are_half_decades() {
        let found = [0.0, 0.9e-3, 1.1e-3, 3.0e-3, 3.3e-3, 1.1e-2, 9.0, 11.0, 1e4].map(colour);
        let right = [
            BELOW, BELOW, COLOURS[0], COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[7], COLOURS[8],
            COLOURS[8],
        ];
        assert_eq!(found, right);
    }
}
