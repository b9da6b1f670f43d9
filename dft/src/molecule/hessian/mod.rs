//! Second derivatives of a Hartree-Fock energy by the positions of the nuclei, by response.
//!
//! `d2E/dx dy = E^xy[P, W] + sum over spins tr(P^y F^x) - tr(W^y S^x)`: the second derivatives of the integrals at fixed densities
//! (`fixed`), and the changes of the densities with the first derivatives of Fock and overlap matrices at fixed densities (`first`). The orbitals
//! answer a nucleus that moves by `P^y = C_v kappa C_o^T + C_o kappa^T C_v^T - P S^y P`, whose `kappa` is that of the coupled-perturbed equations with
//! `B = F^y - G[P S^y P] - S^y P F` as the perturbation; `W^y` follows from `W = P F P`. The dipole moment's derivatives come from the same changes.
//!
//! Pople, Krishnan, Schlegel & Binkley, Int. J. Quantum Chem. Symp. 13, 225 (1979), doi:10.1002/qua.560160825; for integrals as sums of Hermite
//! Gaussians see [`crate::molecule::integrals`].

mod first;
mod fixed;
mod kets;
mod slopes;

use crate::molecule::gradient::energy_weighted;
use crate::molecule::matrix::Matrix;
use crate::molecule::response::ResponseError;
use crate::molecule::response::coupled_perturbed::solve;
use crate::molecule::scf::rotation::Point;
use crate::molecule::scf::{FockBuilder, HartreeFock, Scf};
use first::{OneElectron, TwoElectron};

/// Second derivatives of the energy, and what the dipole moment does meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct SecondDerivatives {
    /// `d2E/dx dy`, hartree/bohr^2, coordinates atom by atom.
    pub hessian: Matrix,
    /// `d mu_k/dR`, e: for each component of the dipole moment its derivatives by the positions of all nuclei.
    pub dipole_by_positions: [Vec<[f64; 3]>; 3],
}

/// First derivatives at fixed densities by one coordinate.
struct Motion {
    overlap: Matrix,
    /// `F^y`, by set of orbitals.
    fock: Vec<Matrix>,
    /// `<a|r|b>^y`, by component.
    dipole: [Matrix; 3],
}

/// Changes to first order by one coordinate.
struct Answer {
    /// Of the densities of one spin, by set.
    densities: Vec<Matrix>,
    /// Of `W`, both spins.
    energy_weighted: Matrix,
}

impl SecondDerivatives {
    /// Of a Hartree-Fock energy at a stationary field, with shared or separate orbitals of the spins.
    ///
    /// # Errors
    /// [`ResponseError`]: a field that is not stationary or no minimum, or equations that do not converge.
    pub fn hartree_fock(builder: &HartreeFock, scf: &Scf) -> Result<Self, ResponseError> {
        scf.check_stationary()?;
        let densities = scf.densities();
        let (total, weighted) = (scf.total_density(), energy_weighted(scf));
        let mut hessian = fixed::one_electron(builder.core(), &total, &weighted);
        let mut motions = Vec::new();
        for atom in 0..builder.core().molecule.atoms().len() {
            let one = OneElectron::new(builder.core(), atom);
            let two = TwoElectron::new(builder.repulsion(), &total, &densities, atom);
            hessian.add_columns(atom, &two.mixed);
            motions.extend(motions_of(one, two));
        }
        fixed::add_repulsion(builder, &total, &densities, &mut hessian);
        let answers = answers(builder, scf, &motions)?;
        let spins = scf.reference.spins_per_set();
        let n = motions.len();
        let mut hessian = hessian.into_matrix();
        for (x, motion) in motions.iter().enumerate() {
            for (y, answer) in answers.iter().enumerate() {
                let pairs = answer.densities.iter().zip(&motion.fock);
                let of_density = spins * pairs.map(|(p, f)| p.dot(f)).sum::<f64>();
                hessian.entries_mut()[x * n + y] +=
                    of_density - answer.energy_weighted.dot(&motion.overlap);
            }
        }
        let hessian = hessian.plus(1.0, &hessian.transposed()).scaled(0.5);
        let dipole_by_positions = dipole_by_positions(builder, &total, &motions, &answers);
        Ok(Self { hessian, dipole_by_positions })
    }
}

/// The derivatives by the three coordinates of one nucleus.
fn motions_of(one: OneElectron, two: TwoElectron) -> impl Iterator<Item = Motion> {
    let of_axis = |(overlap, (hamiltonian, (dipole, repulsion)))| {
        let add = |fock: Matrix| fock.plus(1.0, &hamiltonian);
        let fock: Vec<Matrix> = Vec::into_iter(repulsion).map(add).collect();
        Motion { overlap, fock, dipole }
    };
    let rest = one.dipole.into_iter().zip(two.fock);
    one.overlap.into_iter().zip(one.hamiltonian.into_iter().zip(rest)).map(of_axis)
}

/// How the densities answer every motion.
fn answers(
    builder: &HartreeFock,
    scf: &Scf,
    motions: &[Motion],
) -> Result<Vec<Answer>, ResponseError> {
    let point = Point::new(builder, &scf.orbitals, &scf.fock);
    let densities = scf.densities();
    // what keeps the orbitals orthonormal: -P S^y P
    let kept: Vec<Vec<Matrix>> = motions
        .iter()
        .map(|m| densities.iter().map(|p| p.times(&m.overlap).times(p).scaled(-1.0)).collect())
        .collect();
    let repelled = builder.response(&densities, &kept);
    let sources: Vec<_> = motions
        .iter()
        .zip(&repelled)
        .map(|(motion, repelled)| {
            let of_set = |set: usize| {
                let sum = motion.fock[set].plus(1.0, &repelled[set]);
                sum.plus(-1.0, &motion.overlap.times(&densities[set]).times(&scf.fock[set]))
            };
            point.project(&(0..densities.len()).map(of_set).collect::<Vec<_>>())
        })
        .collect();
    let rotations = solve(&point, &sources)?;
    let changes: Vec<Vec<Matrix>> = rotations
        .iter()
        .zip(&kept)
        .map(|(kappa, kept)| {
            let turned = point.density_change(kappa);
            turned.iter().zip(kept).map(|(turned, kept)| turned.plus(1.0, kept)).collect()
        })
        .collect();
    let repelled = builder.response(&densities, &changes);
    let spins = scf.reference.spins_per_set();
    let answer = |((changes, repelled), motion): ((Vec<Matrix>, Vec<Matrix>), &Motion)| {
        let n = densities[0].rows();
        let mut energy_weighted = Matrix::zeros(n, n);
        for (set, p) in densities.iter().enumerate() {
            let half = changes[set].times(&scf.fock[set]).times(p);
            energy_weighted.add(spins, &half);
            energy_weighted.add(spins, &half.transposed());
            let fock = motion.fock[set].plus(1.0, &repelled[set]);
            energy_weighted.add(spins, &p.times(&fock).times(p));
        }
        Answer { densities: changes, energy_weighted }
    };
    Ok(changes.into_iter().zip(repelled).zip(motions).map(answer).collect())
}

/// `d mu_k/dy = Z - tr(D^y r_k) - tr(D r_k^y)`.
fn dipole_by_positions(
    builder: &HartreeFock,
    total: &Matrix,
    motions: &[Motion],
    answers: &[Answer],
) -> [Vec<[f64; 3]>; 3] {
    let core = builder.core();
    [0, 1, 2].map(|component| {
        let of_atom = |(atom, of): (usize, &crate::molecule::Atom)| {
            [0, 1, 2].map(|axis| {
                let (motion, answer) = (&motions[3 * atom + axis], &answers[3 * atom + axis]);
                let last = &answer.densities[answer.densities.len() - 1];
                let change = answer.densities[0].plus(1.0, last);
                let nucleus = if axis == component { of.charge } else { 0.0 };
                nucleus - change.dot(&core.dipole[component]) - total.dot(&motion.dipole[component])
            })
        };
        core.molecule.atoms().iter().enumerate().map(of_atom).collect()
    })
}
