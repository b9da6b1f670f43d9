//! Harmonic vibrations, and the thermochemistry of an ideal gas of rigid rotors that vibrate so.
//!
//! Second derivatives are central differences of fourth order of analytic gradients. Masses are those of the commonest isotopes. Translations and
//! rotations are projected out (Eckart's conditions), so that frequencies of a geometry that is nearly stationary are clean.
//!
//! # Source
//! Wilson, Decius & Cross, *Molecular Vibrations* (1955), ch. 2; McQuarrie, *Statistical Mechanics* (1976), ch. 5, 6 and 8. Masses: Wang et al.,
//! Chin. Phys. C 41, 030003 (2017); constants: CODATA 2018.

use thiserror::Error;

use crate::molecule::geometry::Molecule;
use crate::molecule::matrix::Matrix;

/// Masses of the commonest isotopes from H to Ar, unified atomic mass units.
const MASSES_U: [f64; 18] = [
    1.007_825_032_23,
    4.002_603_254_13,
    7.016_003_436_6,
    9.012_183_065,
    11.009_305_36,
    12.0,
    14.003_074_004_43,
    15.994_914_619_57,
    18.998_403_162_73,
    19.992_440_176_2,
    22.989_769_282_0,
    23.985_041_697,
    26.981_538_53,
    27.976_926_534_65,
    30.973_761_998_42,
    31.972_071_174_4,
    34.968_852_682,
    39.962_383_123_7,
];
/// Electron masses in a unified atomic mass unit.
const ELECTRON_MASSES_PER_U: f64 = 1_822.888_486_209;
/// 1/cm in a hartree.
const PER_CM: f64 = 219_474.631_363_2;
/// Hartree per kelvin.
const BOLTZMANN: f64 = 3.166_811_563e-6;
/// Pascal in hartree/bohr^3.
const PASCAL: f64 = 2.942_101_569_7e13;
/// Integrated absorption of a mode whose dipole moment changes by one elementary charge per square root of u, km/mol: `N_A/(12 eps_0 c^2)`
/// (Wilson, Decius & Cross, ch. 7).
const KM_PER_MOL: f64 = 974.880_1;
/// What is left of a rotation, relative to a translation, where the atoms stand on its axis.
const ON_AXIS: f64 = 1e-4;

/// How far atoms are moved for second derivatives, bohr: the difference's own error is then below 1e-7 of stiff bonds, and forces that are
/// right to 1e-9 are enough.
const STEP_BOHR: f64 = 0.01;

/// Why there are no vibrations or no thermochemistry.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum VibrationError {
    /// No mass.
    #[error("atom {atom} has no mass in the table, which goes from H to Ar")]
    NoMass {
        /// Its place, from 0.
        atom: usize,
    },
    /// The second derivatives are not finite.
    #[error("the second derivatives are not finite")]
    NonFinite,
    /// An imaginary frequency.
    #[error(
        "the geometry is no minimum: {count} frequencies are imaginary, the first {first_per_cm:.1}i per cm; optimise it, or go down along that mode"
    )]
    NoMinimum {
        /// How many.
        count: usize,
        /// The largest of them.
        first_per_cm: f64,
    },
}

/// `d2E/dR2` from gradients at moved positions, hartree/bohr^2, symmetrised; coordinates atom by atom.
///
/// # Errors
/// What `gradient` gives.
pub fn hessian_by_differences<E>(
    molecule: &Molecule,
    mut gradient: impl FnMut(&[[f64; 3]]) -> Result<Vec<[f64; 3]>, E>,
) -> Result<Matrix, E> {
    let positions: Vec<[f64; 3]> = molecule.atoms().iter().map(|a| a.position_bohr).collect();
    let n = 3 * positions.len();
    let mut rows = Matrix::zeros(n, n);
    for k in 0..n {
        for (steps, weight) in [(1.0, 8.0), (-1.0, -8.0), (2.0, -1.0), (-2.0, 1.0)] {
            let mut moved = positions.clone();
            moved[k / 3][k % 3] += steps * STEP_BOHR;
            let found = gradient(&moved)?;
            let row = &mut rows.entries_mut()[k * n..(k + 1) * n];
            for (entry, g) in row.iter_mut().zip(found.as_flattened()) {
                *entry += weight * g / (12.0 * STEP_BOHR);
            }
        }
    }
    Ok(rows.plus(1.0, &rows.transposed()).scaled(0.5))
}

/// Harmonic vibrations.
#[derive(Clone, Debug, PartialEq)]
pub struct Vibrations {
    /// Wave numbers, rising, 1/cm: of an imaginary frequency the negative of its size.
    pub frequencies_per_cm: Vec<f64>,
    /// What each mode moves, mass-weighted and normalised, coordinates by modes.
    pub modes: Matrix,
    masses_u: Vec<f64>,
    /// Moments of inertia that are not 0, u bohr^2.
    moments: Vec<f64>,
}

/// A temperature, a pressure, and how often a molecule comes upon itself when it turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// Kelvin.
    pub temperature_k: f64,
    /// Pascal.
    pub pressure_pa: f64,
    /// 2 for H2O, 12 for CH4, 1 without symmetry.
    pub symmetry_number: f64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { temperature_k: 298.15, pressure_pa: 101_325.0, symmetry_number: 1.0 }
    }
}

/// What heat adds to the electrons' energy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thermochemistry {
    /// Zero-point energy, hartree.
    pub zero_point_ha: f64,
    /// Enthalpy above the electrons' energy, zero-point energy included, hartree.
    pub enthalpy_ha: f64,
    /// Entropy, hartree/K.
    pub entropy_ha_per_k: f64,
    /// Gibbs' energy above the electrons' energy, hartree.
    pub gibbs_ha: f64,
}

impl Vibrations {
    /// Vibrations of a molecule with second derivatives of its energy, hartree/bohr^2.
    ///
    /// # Errors
    /// [`VibrationError`].
    ///
    /// # Panics
    /// Unless the second derivatives are of the molecule's coordinates.
    pub fn new(molecule: &Molecule, hessian: &Matrix) -> Result<Self, VibrationError> {
        let masses_u = masses_u(molecule)?;
        let n = 3 * masses_u.len();
        assert_eq!((hessian.rows(), hessian.columns()), (n, n), "of all coordinates");
        let external = external(molecule, &masses_u);
        // the coordinates that are left: eigenvalue 1 of what projects the others out
        let mut projector = Matrix::zeros(n, n);
        (0..n).for_each(|k| projector.entries_mut()[k * n + k] = 1.0);
        for v in &external {
            for (at, entry) in projector.entries_mut().iter_mut().enumerate() {
                *entry -= v[at / n] * v[at % n];
            }
        }
        let (_, vectors) = projector.eigen().ok_or(VibrationError::NonFinite)?;
        let internal = vectors.column_range(external.len()..n);
        let mut weighted = hessian.clone();
        for (at, entry) in weighted.entries_mut().iter_mut().enumerate() {
            *entry /= (masses_u[at / n / 3] * masses_u[at % n / 3]).sqrt();
        }
        let reduced = internal.transposed().times(&weighted).times(&internal);
        let (values, modes) = reduced.eigen().ok_or(VibrationError::NonFinite)?;
        let frequency =
            |value: &f64| (value.abs() / ELECTRON_MASSES_PER_U).sqrt().copysign(*value) * PER_CM;
        Ok(Self {
            frequencies_per_cm: values.iter().map(frequency).collect(),
            modes: internal.times(&modes),
            moments: moments(molecule, &masses_u).ok_or(VibrationError::NonFinite)?,
            masses_u,
        })
    }

    /// Infrared intensities of the modes in the double harmonic approximation, `|d mu/dQ|^2`, km/mol, from the derivatives of the dipole
    /// moment's three components by the positions, e.
    ///
    /// # Panics
    /// Unless there are derivatives by every atom's position.
    pub fn intensities_km_per_mol(&self, dipole_by_positions: &[Vec<[f64; 3]>; 3]) -> Vec<f64> {
        let strength = |mode: usize| {
            let along = dipole_by_positions.iter().map(|by| {
                assert_eq!(by.len(), self.masses_u.len(), "a derivative for every atom");
                let entries = by.as_flattened().iter().enumerate();
                let scaled =
                    entries.map(|(k, d)| d * self.modes.at(k, mode) / self.masses_u[k / 3].sqrt());
                scaled.sum::<f64>()
            });
            KM_PER_MOL * along.map(|d| d * d).sum::<f64>()
        };
        (0..self.frequencies_per_cm.len()).map(strength).collect()
    }

    /// Thermochemistry of an ideal gas of rigid rotors with these vibrations, in the electrons' ground state.
    ///
    /// # Errors
    /// [`VibrationError::NoMinimum`].
    pub fn thermochemistry(
        &self,
        multiplicity: usize,
        conditions: &Conditions,
    ) -> Result<Thermochemistry, VibrationError> {
        use std::f64::consts::PI;
        let imaginary = self.frequencies_per_cm.iter().filter(|f| **f <= 0.0).count();
        if imaginary > 0 {
            let first_per_cm = -self.frequencies_per_cm[0];
            return Err(VibrationError::NoMinimum { count: imaginary, first_per_cm });
        }
        let heat = BOLTZMANN * conditions.temperature_k;
        let rotations = self.moments.len() as f64;
        let mut energy = 1.5 * heat + 0.5 * rotations * heat;
        // entropies in units of Boltzmann's constant
        let mass = self.masses_u.iter().sum::<f64>() * ELECTRON_MASSES_PER_U;
        let volume = heat / (conditions.pressure_pa / PASCAL);
        let mut entropy = 2.5 + ((mass * heat / (2.0 * PI)).powf(1.5) * volume).ln();
        entropy += (multiplicity as f64).ln();
        if !self.moments.is_empty() {
            let product: f64 =
                self.moments.iter().map(|i| 2.0 * i * ELECTRON_MASSES_PER_U * heat).product();
            let states = match self.moments.len() {
                // two equal moments, of which one counts
                2 => product.sqrt(),
                _ => (PI * product).sqrt(),
            };
            entropy += 0.5 * rotations + (states / conditions.symmetry_number).ln();
        }
        let mut zero_point_ha = 0.0;
        for frequency in &self.frequencies_per_cm {
            let quantum = frequency / PER_CM;
            let x = quantum / heat;
            zero_point_ha += 0.5 * quantum;
            energy += quantum / x.exp_m1();
            entropy += x / x.exp_m1() - (-(-x).exp()).ln_1p();
        }
        let enthalpy_ha = zero_point_ha + energy + heat;
        let entropy_ha_per_k = BOLTZMANN * entropy;
        let gibbs_ha = enthalpy_ha - conditions.temperature_k * entropy_ha_per_k;
        Ok(Thermochemistry { zero_point_ha, enthalpy_ha, entropy_ha_per_k, gibbs_ha })
    }
}

/// How many vibrations a molecule has: one more where it is linear, with a rotation less.
///
/// # Errors
/// [`VibrationError::NoMass`].
pub fn number_of_vibrations(molecule: &Molecule) -> Result<usize, VibrationError> {
    let masses = masses_u(molecule)?;
    Ok(3 * masses.len() - external(molecule, &masses).len())
}

fn masses_u(molecule: &Molecule) -> Result<Vec<f64>, VibrationError> {
    let mass = |(atom, a): (usize, &crate::molecule::Atom)| {
        MASSES_U.get(a.element.number() - 1).copied().ok_or(VibrationError::NoMass { atom })
    };
    molecule.atoms().iter().enumerate().map(mass).collect()
}

/// Positions about the centre of mass.
fn centred(molecule: &Molecule, masses: &[f64]) -> Vec<[f64; 3]> {
    let total: f64 = masses.iter().sum();
    let atoms = molecule.atoms();
    let centre = [0, 1, 2].map(|k| {
        atoms.iter().zip(masses).map(|(a, m)| m * a.position_bohr[k]).sum::<f64>() / total
    });
    atoms.iter().map(|a| [0, 1, 2].map(|k| a.position_bohr[k] - centre[k])).collect()
}

/// Translations and rotations, mass-weighted, orthonormal.
fn external(molecule: &Molecule, masses: &[f64]) -> Vec<Vec<f64>> {
    let positions = centred(molecule, masses);
    let size = positions.as_flattened().iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let mut found: Vec<Vec<f64>> = Vec::new();
    for axis in 0..6 {
        let displacement = |r: &[f64; 3]| -> [f64; 3] {
            let mut e = [0.0; 3];
            e[axis % 3] = 1.0;
            if axis < 3 {
                return e;
            }
            [e[1] * r[2] - e[2] * r[1], e[2] * r[0] - e[0] * r[2], e[0] * r[1] - e[1] * r[0]]
        };
        let moved = positions.iter().zip(masses);
        let mut v: Vec<f64> =
            moved.flat_map(|(r, m)| displacement(r).map(|d| d * m.sqrt())).collect();
        for _ in 0..2 {
            for other in &found {
                let overlap: f64 = v.iter().zip(other).map(|(a, b)| a * b).sum();
                v.iter_mut().zip(other).for_each(|(a, b)| *a -= overlap * b);
            }
        }
        let left = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let unit = masses.iter().sum::<f64>().sqrt() * if axis < 3 { 1.0 } else { size };
        if left > ON_AXIS * unit {
            v.iter_mut().for_each(|x| *x /= left);
            found.push(v);
        }
    }
    found
}

/// Moments of inertia that are not 0, u bohr^2.
fn moments(molecule: &Molecule, masses: &[f64]) -> Option<Vec<f64>> {
    let mut inertia = Matrix::zeros(3, 3);
    for (r, m) in centred(molecule, masses).iter().zip(masses) {
        let square: f64 = r.iter().map(|x| x * x).sum();
        for i in 0..3 {
            for j in 0..3 {
                let diagonal = if i == j { square } else { 0.0 };
                inertia.entries_mut()[3 * i + j] += m * (diagonal - r[i] * r[j]);
            }
        }
    }
    let (values, _) = inertia.eigen()?;
    let largest = values[2];
    Some(values.into_iter().filter(|i| *i > ON_AXIS * ON_AXIS * largest && *i > 0.0).collect())
}
