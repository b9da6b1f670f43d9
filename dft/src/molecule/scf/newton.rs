//! The second-order method: Newton steps of the orbitals within a trust region.
//!
//! Each step minimises `2 g.kappa + kappa.h kappa` by conjugate gradients with `1/(e_a - e_i)` as preconditioner, and ends where the
//! curvature turns negative or the region ends (Steihaug, SIAM J. Numer. Anal. 20, 626 (1983), doi:10.1137/0720042). A step that
//! raises the energy is taken back, so that saddles repel.
//!
//! Near the minimum the energy changes by less than its rounding, though gradients still say whether a step went down: there the
//! trapezoid of the slopes at both ends stands for the change (Hager & Zhang, SIAM J. Optim. 16, 170 (2005), doi:10.1137/030601880).
//! A smaller gradient would be no measure: in the curved valley of a degenerate level that turns, a good step may raise it.

use crate::molecule::matrix::Matrix;
use crate::molecule::scf::fock::{Field, FockBuilder};
use crate::molecule::scf::orbitals::Orbitals;
use crate::molecule::scf::rotation::{Point, Rotation, Symmetry, rotated};

/// The smallest gap that the preconditioner divides by, hartree.
const SMALLEST_GAP: f64 = 0.05;
/// Products with `h` for one step.
const PRODUCTS: usize = 30;
/// The first trust radius.
const FIRST_RADIUS: f64 = 0.4;
/// Where the radius has shrunk to this, rounding decides about everything.
const LAST_RADIUS: f64 = 1e-7;
/// Changes below this part of the energy are taken from the gradients at both ends of a step: a difference of energies is rounding.
const ROUNDING: f64 = 1e-11;

/// Orbitals with their field.
#[derive(Clone, Debug)]
pub(in crate::molecule) struct State {
    pub orbitals: Vec<Orbitals>,
    pub field: Field,
}

impl State {
    /// The field of orbitals, which are made canonical in it, by way of the field of orbitals nearby where one is given. `None` where it
    /// is not finite.
    pub(in crate::molecule) fn new(
        builder: &dyn FockBuilder,
        orbitals: &[Orbitals],
        near: Option<&Self>,
    ) -> Option<Self> {
        let densities: Vec<Matrix> = orbitals.iter().map(Orbitals::density).collect();
        let field = builder.build(&densities, near.map(|state| &state.field));
        let pairs = orbitals.iter().zip(&field.fock);
        let orbitals = pairs.map(|(o, f)| o.canonical(f)).collect::<Option<Vec<_>>>()?;
        field.energies.total_ha().is_finite().then_some(Self { orbitals, field })
    }

    pub(in crate::molecule) fn energy_ha(&self) -> f64 {
        self.field.energies.total_ha()
    }

    /// Orbitals at which rotations are looked at.
    pub(in crate::molecule) fn point<'a>(&'a self, builder: &'a dyn FockBuilder) -> Point<'a> {
        Point::new(builder, &self.orbitals, &self.field.fock)
    }
}

/// Minimises the energy from `state` until the largest entry of `g` is below `tolerance`, calling `tell(state, largest)` after every
/// step; at most `most` steps. Returns the last state and its largest `g`.
pub(in crate::molecule) fn minimise(
    builder: &dyn FockBuilder,
    mut state: State,
    tolerance: f64,
    most: usize,
    mut tell: impl FnMut(&State, f64),
) -> (State, f64) {
    let spins = if state.orbitals.len() == 1 { 2.0 } else { 1.0 };
    let mut radius = FIRST_RADIUS;
    let mut largest = largest_entry(&state.point(builder).gradient());
    for _ in 0..most {
        if largest < tolerance || radius < LAST_RADIUS {
            break;
        }
        let (kappa, predicted) = step(&state.point(builder), radius, tolerance);
        let length = norm(&kappa);
        let turned = rotated(&state.orbitals, &kappa, &builder.core().overlap);
        let Some(next) = State::new(builder, &turned, Some(&state)) else {
            radius = 0.25 * length;
            continue;
        };
        let expected = spins * predicted;
        let mut change = next.energy_ha() - state.energy_ha();
        if expected.abs() < ROUNDING * state.energy_ha().abs() {
            let slopes = [state.point(builder).gradient(), slope(builder, &turned, &next)];
            change = spins * slopes.iter().map(|slope| dot(slope, &kappa)).sum::<f64>();
        }
        let next_largest = largest_entry(&next.point(builder).gradient());
        let good = change < 0.1 * expected;
        if good {
            if change < 0.75 * expected && length > 0.8 * radius {
                radius *= 2.0;
            }
            (state, largest) = (next, next_largest);
        } else {
            radius = 0.25 * length;
        }
        tell(&state, largest);
    }
    (state, largest)
}

/// `g` in the orbitals in which a rotation ended, before they are made canonical: along the rotation it is the energy's slope there.
fn slope(builder: &dyn FockBuilder, turned: &[Orbitals], state: &State) -> Rotation {
    Point::new(builder, turned, &state.field.fock).gradient()
}

/// Steihaug's step within a radius, and the change `2 g.kappa + kappa.h kappa` that it predicts.
fn step(point: &Point<'_>, radius: f64, tolerance: f64) -> (Rotation, f64) {
    let gradient = point.gradient();
    let metric: Rotation = point.gaps().iter().map(|gap| gap.max(SMALLEST_GAP)).collect();
    let n = gradient.len();
    let (mut kappa, mut image) = (vec![0.0; n], vec![0.0; n]);
    let mut residual: Rotation = gradient.iter().map(|g| -g).collect();
    let enough = (0.1 * tolerance).max(norm(&gradient) * norm(&gradient).sqrt().min(0.1));
    let scaled = |r: &[f64]| -> Rotation { r.iter().zip(&metric).map(|(r, m)| r / m).collect() };
    let mut z = scaled(&residual);
    let mut direction = z.clone();
    let mut rz = dot(&residual, &z);
    for _ in 0..PRODUCTS {
        let h_direction = point.hessian(Symmetry::Own, std::slice::from_ref(&direction)).remove(0);
        let curvature = dot(&direction, &h_direction);
        let length = if curvature > 0.0 { rz / curvature } else { f64::INFINITY };
        let to_border = border(&kappa, &direction, radius);
        let (length, ended) = if length < to_border { (length, false) } else { (to_border, true) };
        add(&mut kappa, length, &direction);
        add(&mut image, length, &h_direction);
        add(&mut residual, -length, &h_direction);
        if ended || norm(&residual) < enough {
            break;
        }
        z = scaled(&residual);
        let next = dot(&residual, &z);
        let beta = next / rz;
        rz = next;
        direction = z.iter().zip(&direction).map(|(z, d)| z + beta * d).collect();
    }
    let predicted = 2.0 * dot(&gradient, &kappa) + dot(&kappa, &image);
    (kappa, predicted)
}

/// How far one can go along `direction` until the length is `radius`.
fn border(kappa: &[f64], direction: &[f64], radius: f64) -> f64 {
    let (a, b) = (dot(direction, direction), dot(kappa, direction));
    let c = dot(kappa, kappa) - radius * radius;
    let root = (b * b - a * c).max(0.0).sqrt();
    // the form without cancellation
    if b > 0.0 { -c / (b + root) } else { (root - b) / a }
}

pub(in crate::molecule) fn largest_entry(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |most, x| most.max(x.abs()))
}

pub(in crate::molecule) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(in crate::molecule) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

pub(in crate::molecule) fn add(y: &mut [f64], c: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += c * x);
}
