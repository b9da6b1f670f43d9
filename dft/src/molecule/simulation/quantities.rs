//! What goes into a molecule and what comes out.

use cotangent_problem::name::element;
use cotangent_problem::{Quantity, Transform};

use crate::molecule::basis::Basis;
use crate::molecule::geometry::Molecule;
use crate::molecule::scf::{Reference, StabilityCheck};
use crate::molecule::vibrations::number_of_vibrations;

/// Why forces and polarisabilities have no derivative.
const SECOND: &str = "its derivative needs second derivatives of the integrals, which are not there; energy, dipole, charges and levels have one";
const THIRD: &str = "its derivative needs third derivatives of the energy, which are not there; the dipole moment has one";
const VERDICT: &str = "it is a verdict on the orbitals, not a property to optimise";

pub(super) fn inputs(molecule: &Molecule, basis: &Basis) -> Vec<Quantity> {
    let mut inputs = vec![
        Quantity::input("field", "Ha/(e bohr)", &[3], vec![0.0; 3])
            .about("homogeneous electric field")
            .scaled(1e-2)
            .vectors(),
    ];
    for (k, atom) in molecule.atoms().iter().enumerate() {
        let (name, element_of) = (element("atom", "", k), atom.element);
        let position = atom.position_bohr.to_vec();
        inputs.push(
            Quantity::input(format!("{name}.position"), "bohr", &[3], position)
                .about(format!("where the {element_of} stands"))
                .scaled(0.1)
                .positions()
                .vectors(),
        );
        inputs.push(
            Quantity::scalar(format!("{name}.charge"), "e", atom.charge)
                .about(format!("charge of the nucleus of the {element_of}"))
                .within(0.0, f64::INFINITY)
                .scaled(0.1),
        );
    }
    for (k, shell) in basis.shells().iter().enumerate() {
        let name = element("shell", "", k);
        let of = format!(
            "of {} functions on atom[{}], {}",
            ["s", "p", "d", "f"][shell.l],
            shell.atom,
            molecule.atoms()[shell.atom].element
        );
        let length = shell.exponents.len();
        inputs.push(
            Quantity::input(
                format!("{name}.exponents"),
                "1/bohr^2",
                &[length],
                shell.exponents.clone(),
            )
            .about(format!("exponents {of}"))
            .within(1e-6, 1e12)
            .through(Transform::Log)
            .scaled(0.1),
        );
        inputs.push(
            Quantity::input(
                format!("{name}.coefficients"),
                "",
                &[length],
                shell.coefficients.clone(),
            )
            .about(format!("coefficients {of}; the contraction is normalised"))
            .scaled(0.1),
        );
    }
    inputs
}

/// Which output a quantity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Energy,
    Dipole,
    Polarisability,
    SpinSquare,
    /// The lowest curvature by orbitals of their own kind.
    Stability,
    /// The lowest curvature by spins that part.
    Unrestricted,
    /// Levels of a set of orbitals.
    Levels(usize),
    /// Of an atom.
    Force(usize),
    /// Of an atom.
    Mulliken(usize),
    Hessian,
    Frequencies,
    Intensities,
    ZeroPoint,
    Enthalpy,
    Entropy,
    Gibbs,
}

impl Output {
    /// Whether it takes second derivatives by the positions.
    pub(super) fn is_of_vibrations(self) -> bool {
        matches!(
            self,
            Self::Hessian
                | Self::Frequencies
                | Self::Intensities
                | Self::ZeroPoint
                | Self::Enthalpy
                | Self::Entropy
                | Self::Gibbs
        )
    }
}

/// What second derivatives by the positions give; nothing where an element has no mass in the table.
fn vibrational(molecule: &Molecule) -> Vec<(Output, Quantity)> {
    let Ok(vibrations) = number_of_vibrations(molecule) else { return Vec::new() };
    let n = 3 * molecule.atoms().len();
    let hessian = Quantity::output("hessian", "Ha/bohr^2", &[n, n])
        .about("second derivatives of the energy by the positions, atom by atom");
    let mut outputs = vec![(Output::Hessian, hessian)];
    if vibrations > 0 {
        let frequencies = Quantity::output("vibration.frequencies", "1/cm", &[vibrations])
            .about("harmonic vibrations at these positions; imaginary ones are negative");
        let intensities = Quantity::output("vibration.intensities", "km/mol", &[vibrations])
            .about("how strongly each of them absorbs infrared light");
        outputs.extend([(Output::Frequencies, frequencies), (Output::Intensities, intensities)]);
    }
    let energy = |name: &str, what: &str| Quantity::output(name, "Ha", &[]).about(what);
    let entropy = Quantity::output("thermo.entropy", "Ha/K", &[])
        .about("entropy of the ideal gas at thermo.temperature and thermo.pressure");
    outputs.extend([
        (Output::ZeroPoint, energy("thermo.zero_point", "energy of the vibrations at rest")),
        (Output::Enthalpy, energy("thermo.enthalpy", "enthalpy, the electrons' energy included")),
        (Output::Entropy, entropy),
        (Output::Gibbs, energy("thermo.gibbs", "Gibbs' energy, the electrons' energy included")),
    ]);
    outputs.into_iter().map(|(kind, quantity)| (kind, quantity.fixed(THIRD))).collect()
}

pub(super) fn outputs(
    molecule: &Molecule,
    basis: &Basis,
    reference: Reference,
    stability: StabilityCheck,
) -> Vec<(Output, Quantity)> {
    let energy =
        Quantity::output("energy", "Ha", &[]).about("total energy, repulsion of nuclei included");
    let dipole = Quantity::output("dipole", "e bohr", &[3])
        .about("dipole moment about the origin")
        .vectors();
    let polarisability = Quantity::output("polarisability", "bohr^3", &[3, 3])
        .about("static polarisability, the dipole moment's derivative by the field")
        .fixed(THIRD);
    let spin_square = Quantity::output("spin_square", "", &[]).about("<S^2>");
    let mut outputs = vec![
        (Output::Energy, energy),
        (Output::Dipole, dipole),
        (Output::Polarisability, polarisability),
        (Output::SpinSquare, spin_square),
    ];
    if stability == StabilityCheck::On {
        let curvature = Quantity::output("stability.internal", "Ha", &[])
            .about("lowest curvature by the orbitals; a minimum is not below -1e-5")
            .fixed(VERDICT);
        outputs.push((Output::Stability, curvature));
    }
    if stability == StabilityCheck::On && reference == Reference::Restricted {
        let curvature = Quantity::output("stability.unrestricted", "Ha", &[])
            .about("the same for spins that part; below -1e-5 unrestricted orbitals are lower")
            .fixed(VERDICT);
        outputs.push((Output::Unrestricted, curvature));
    }
    let sets: &[&str] = match reference {
        Reference::Restricted => &["orbital.energies"],
        Reference::Unrestricted => &["orbital.up.energies", "orbital.down.energies"],
    };
    for (set, name) in sets.iter().enumerate() {
        let levels = Quantity::output(*name, "Ha", &[basis.len()])
            .about("energies of the orbitals, the occupied ones first");
        outputs.push((Output::Levels(set), levels));
    }
    outputs.extend(vibrational(molecule));
    for (k, atom) in molecule.atoms().iter().enumerate() {
        let (name, element_of) = (element("atom", "", k), atom.element);
        let force = Quantity::output(format!("{name}.force"), "Ha/bohr", &[3])
            .about(format!("force on the {element_of}"))
            .fixed(SECOND)
            .vectors();
        let charge = Quantity::output(format!("{name}.mulliken"), "e", &[])
            .about(format!("Mulliken's charge of the {element_of}"));
        outputs.extend([(Output::Force(k), force), (Output::Mulliken(k), charge)]);
    }
    outputs
}
