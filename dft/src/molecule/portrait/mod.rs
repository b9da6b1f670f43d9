//! What a run leaves of a molecule: its levels, how its field converged, its density, its spectrum, a bond's curve; its orbitals as files.

mod bonds;
mod slice;

use std::sync::Arc;

use cotangent_ad::Vec3;
use cotangent_answer::{Extras, Figure, Look, Mark, Portrait, Series, Volume, VolumeField};
use cotangent_problem::{Simulation, output_values, with_inputs};

use self::bonds::balls_and_sticks;
use self::slice::densities;
use super::basis::Basis;
use super::geometry::Molecule;
use super::geometry::xyz::to_xyz;
use super::internal::WithCoordinates;
use super::lattice::{Lattice, Seen, on_lattice};
use super::molden::molden;
use super::scf::{Scf, ScfStatus, StabilityCheck, orbitals_to_json};
use super::simulation::{MoleculeAnswer, MoleculeOptions, MoleculeSimulation, ReferenceChoice};

/// Levels below this are those of cores, hartree: they would press the others together.
const CORE_HA: f64 = -2.0;
/// Empty levels that are drawn.
const EMPTY: usize = 6;
/// Full width at half height of a line of a spectrum, 1/cm.
const WIDTH_PER_CM: f64 = 20.0;
/// Points of a spectrum.
const SPECTRUM_POINTS: usize = 800;

/// The lattice on which densities and orbitals are exported.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Distance of neighbouring points, bohr.
    pub spacing_bohr: f64,
    /// Space beyond the outermost nuclei, bohr.
    pub margin_bohr: f64,
    /// Orbitals on each side of the gap.
    pub orbitals: usize,
}

/// A bond along which the energy is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Scan {
    /// The atom that stands, and the one that moves away from it.
    pub atoms: [usize; 2],
    /// The last distance, bohr.
    pub to_bohr: f64,
    /// Points of the curve.
    pub points: usize,
}

/// Shows a molecule.
#[derive(Clone, Debug)]
pub struct MoleculePortrait {
    /// The molecule.
    pub molecule: Molecule,
    /// Its basis.
    pub basis: Basis,
    /// How its field is computed.
    pub options: MoleculeOptions,
    /// What moves the atoms, where that is not their positions alone.
    pub coordinates: Option<WithCoordinates>,
    /// Whether its vibrations are spoken of, which cost many fields.
    pub vibrates: bool,
    /// The bond along which its energy is drawn.
    pub scan: Option<Scan>,
    /// Where densities and orbitals are exported.
    pub extent: Extent,
}

impl Portrait for MoleculePortrait {
    fn figures(&self, start: &[Vec<f64>], answer: &[Vec<f64>]) -> Vec<Figure> {
        let simulation = self.simulation(self.options.reference);
        let Ok(answer) = self.of_molecule(answer) else { return Vec::new() };
        let start = self.of_molecule(start).ok();
        let fields: Vec<(&str, MoleculeAnswer)> =
            [("start", start.as_deref()), ("answer", Some(&answer[..]))]
                .into_iter()
                .filter_map(|(when, inputs)| Some((when, simulation.answer(inputs?).ok()?)))
                .collect();
        let mut figures = vec![levels(&fields)];
        figures.extend(fields.last().map(|(_, found)| convergence(&found.scf)));
        figures.extend(densities(&fields));
        if self.vibrates {
            figures.extend(self.spectrum(&answer));
        }
        figures.extend(self.scan.and_then(|scan| self.curve(scan, &answer)));
        figures
    }

    fn extras(&self, answer: &[Vec<f64>]) -> Extras {
        let simulation = self.simulation(self.options.reference);
        let inputs = self.of_molecule(answer).ok();
        let Some(found) = inputs.and_then(|inputs| simulation.answer(&inputs).ok()) else {
            return Extras::default();
        };
        let comment = format!("energy_ha={}", found.scf.energy_ha());
        let mut files = vec![
            ("orbitals.json".into(), orbitals_to_json(&found.scf.orbitals).into_bytes()),
            ("answer.xyz".into(), to_xyz(&found.core.molecule, &comment).into_bytes()),
        ];
        let mut warnings: Vec<String> = found.scf.advice().into_iter().collect();
        match molden(&found.core, &found.scf) {
            Ok(text) => files.push(("orbitals.molden".into(), text.into_bytes())),
            Err(error) => warnings.push(format!("there is no orbitals.molden: {error}")),
        }
        Extras { files, warnings }
    }

    /// The atoms and their bonds.
    fn looks(&self, inputs: &[Vec<f64>]) -> Result<Vec<Look>, String> {
        let simulation = self.simulation(self.options.reference);
        let inputs = self.of_molecule(inputs)?;
        let names = simulation.inputs().iter().map(|q| q.name.as_str());
        let is_position = |name: &str| name.starts_with("atom[") && name.ends_with(".position");
        let positions = names.zip(&inputs).filter(|(name, _)| is_position(name));
        let places: Vec<Vec3<f64>> = positions.map(|(_, x)| Vec3([x[0], x[1], x[2]])).collect();
        let bodies = balls_and_sticks(self.molecule.atoms(), &places);
        let name = "molecule".into();
        Ok(vec![Look { name, unit: "bohr", up: 2, times: vec![0.0], bodies }])
    }

    /// Density, spin density where spins have orbitals of their own, and the orbitals around the gap.
    fn volumes(&self, inputs: &[Vec<f64>]) -> Result<Vec<Volume>, String> {
        let simulation = self.simulation(self.options.reference);
        let inputs = self.of_molecule(inputs)?;
        let found = simulation.answer(&inputs).map_err(|e| e.to_string())?;
        let Extent { spacing_bohr, margin_bohr, orbitals } = self.extent;
        let molecule = &found.core.molecule;
        let lattice = Lattice::around(molecule, spacing_bohr, margin_bohr);
        let lattice = lattice.map_err(|e| format!("{e} (volume.spacing, volume.margin)"))?;
        let shown = shown(&found.scf, orbitals);
        let seen: Vec<Seen> = shown.iter().map(|(seen, _)| *seen).collect();
        let values = on_lattice(&found.core, &found.scf, &lattice, &seen);
        let values = values.map_err(|e| e.to_string())?;
        let fields = shown
            .into_iter()
            .zip(values)
            .map(|((_, field), values)| VolumeField { values, ..field });
        Ok(vec![Volume {
            name: "molecule-volume".into(),
            unit: "bohr",
            origin: lattice.origin_bohr,
            spacing: lattice.spacing_bohr,
            counts: lattice.counts,
            nuclei: molecule
                .atoms()
                .iter()
                .map(|a| (a.element.number(), a.charge, a.position_bohr))
                .collect(),
            fields: fields.collect(),
        }])
    }
}

/// What a volume shows of a field, with `orbitals` levels on each side of the gap.
fn shown(scf: &Scf, orbitals: usize) -> Vec<(Seen, VolumeField)> {
    let field =
        |name: String, unit, about: String| VolumeField { name, unit, about, values: Vec::new() };
    let of_density = "1/bohr^3";
    let mut shown = vec![(
        Seen::Density,
        field("density".into(), of_density, "density of the electrons".into()),
    )];
    let two = scf.orbitals.len() == 2;
    if two {
        let about = "density of spin up less that of spin down".into();
        shown.push((Seen::SpinDensity, field("spin-density".into(), of_density, about)));
    }
    for (set, (levels, spin)) in scf.orbitals.iter().zip(["-up", "-down"]).enumerate() {
        let spin = if two { spin } else { "" };
        let first = levels.occupied.saturating_sub(orbitals);
        let last = (levels.occupied + orbitals).min(levels.energies_ha.len());
        for index in first..last {
            let kind = if index < levels.occupied { "occupied" } else { "empty" };
            let about = format!(
                "{kind} orbital {index}{} at {} Ha",
                spin.replace('-', " "),
                levels.energies_ha[index]
            );
            let seen = Seen::Orbital { set, index };
            shown.push((seen, field(format!("orbital-{index}{spin}"), "bohr^-1.5", about)));
        }
    }
    shown
}

impl MoleculePortrait {
    fn simulation(&self, reference: ReferenceChoice) -> MoleculeSimulation {
        let options = MoleculeOptions { reference, ..self.options.clone() };
        MoleculeSimulation::new(self.molecule.clone(), self.basis.clone(), options)
    }

    /// Infrared absorption by the harmonic modes, each a Lorentzian.
    fn spectrum(&self, inputs: &[Vec<f64>]) -> Option<Figure> {
        let simulation = self.simulation(self.options.reference);
        let simulation = Arc::new(with_inputs(&simulation, inputs).ok()?);
        let place = |name: &str| simulation.outputs().iter().position(|q| q.name == name);
        let picked = [place("vibration.frequencies")?, place("vibration.intensities")?];
        let values = output_values(&simulation, &picked).ok()?;
        let [frequencies, intensities] = &values[..] else { return None };
        let lines: Vec<(f64, f64)> =
            frequencies.iter().copied().zip(intensities.iter().copied()).collect();
        let half = 0.5 * WIDTH_PER_CM;
        let shape = |nu: f64, centre: f64| {
            half / (std::f64::consts::PI * ((nu - centre).powi(2) + half * half))
        };
        let highest = frequencies.iter().fold(1000.0_f64, |most, f| most.max(*f));
        let last = 1.1 * highest;
        let step = last / SPECTRUM_POINTS as f64;
        // the tops of lines are drawn too, which may lie between the points
        let mut at: Vec<f64> = (0..=SPECTRUM_POINTS).map(|k| k as f64 * step).collect();
        at.extend(frequencies.iter().filter(|f| **f > 0.0));
        at.sort_by(f64::total_cmp);
        let curve = at.iter().map(|nu| {
            (*nu, lines.iter().map(|(centre, strength)| strength * shape(*nu, *centre)).sum())
        });
        let tops = lines.iter().filter(|(centre, _)| *centre > 0.0);
        let tops = tops.map(|(centre, strength)| (*centre, strength * shape(*centre, *centre)));
        let series = vec![
            Series::new("spectrum", Mark::Line, curve),
            Series::new("modes", Mark::Circles, tops),
        ];
        let title = format!("Infrared spectrum, lines {WIDTH_PER_CM} per cm wide");
        let labels = ["wave number (1/cm)", "absorption (km/mol cm)"];
        Some(Figure::lines("spectrum", &title, labels, series))
    }

    /// Values of the molecule's own inputs.
    fn of_molecule(&self, inputs: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, String> {
        match &self.coordinates {
            None => Ok(inputs.to_vec()),
            Some(coordinates) => coordinates.molecule_inputs(inputs).map_err(|e| e.to_string()),
        }
    }

    /// The energy along a bond with shared and with separate orbitals.
    fn curve(&self, scan: Scan, inputs: &[Vec<f64>]) -> Option<Figure> {
        let simulation = self.simulation(ReferenceChoice::Unrestricted);
        let place = |k: usize| {
            let name = format!("atom[{k}].position");
            simulation.inputs().iter().position(|q| q.name == name)
        };
        let [standing, moving] = [place(scan.atoms[0])?, place(scan.atoms[1])?];
        let arm: Vec<f64> =
            inputs[moving].iter().zip(&inputs[standing]).map(|(a, b)| a - b).collect();
        let length = arm.iter().map(|x| x * x).sum::<f64>().sqrt();
        let first = 0.6 * length;
        // in equal ratios: the curve bends where the distance is short
        let ratio = (scan.to_bohr / first).powf(1.0 / (scan.points.max(2) - 1) as f64);
        let energy = |simulation: &MoleculeSimulation, distance: f64| {
            let mut moved = inputs.to_vec();
            for (x, (origin, arm)) in
                moved[moving].iter_mut().zip(inputs[standing].iter().zip(&arm))
            {
                *x = origin + distance / length * arm;
            }
            simulation.answer(&moved).ok().map(|found| (distance, found.scf.energy_ha()))
        };
        let curve = |label: &str, mark, reference| {
            let mut options = self.options.clone();
            // a restricted curve is drawn as it is; an unrestricted one goes down to where spins part
            let restricted = reference == ReferenceChoice::Restricted;
            options.reference = reference;
            options.scf.stability =
                if restricted { StabilityCheck::Off } else { StabilityCheck::On };
            options.scf.follow_down = !restricted;
            let simulation =
                MoleculeSimulation::new(self.molecule.clone(), self.basis.clone(), options);
            let at = (0..scan.points).map(|k| first * ratio.powf(k as f64));
            Series::new(label, mark, at.filter_map(|d| energy(&simulation, d)))
        };
        let mut series = vec![curve("unrestricted", Mark::Line, ReferenceChoice::Unrestricted)];
        if self.molecule.multiplicity() == 1 {
            series.push(curve("restricted", Mark::Dashes, ReferenceChoice::Restricted));
        }
        let [a, b] = scan.atoms.map(|k| format!("{} {k}", self.molecule.atoms()[k].element));
        let title = format!("Energy along the bond of {a} and {b}");
        Some(Figure::lines("bond", &title, ["distance (bohr)", "energy (Ha)"], series))
    }
}

/// Levels as points, a column for each field and spin.
fn levels(fields: &[(&str, MoleculeAnswer)]) -> Figure {
    let (mut occupied, mut empty, mut columns) = (Vec::new(), Vec::new(), Vec::new());
    for (when, MoleculeAnswer { scf, .. }) in fields {
        for (set, spin) in scf.orbitals.iter().zip(["up", "down"]) {
            let column = (columns.len() + 1) as f64;
            let of_spin = if scf.orbitals.len() == 2 { format!(" {spin}") } else { String::new() };
            columns.push(format!("{column}: {when}{of_spin}"));
            let shown = set.energies_ha.iter().enumerate().take(set.occupied + EMPTY);
            for (k, energy) in shown.filter(|(_, energy)| **energy > CORE_HA) {
                let kind = if k < set.occupied { &mut occupied } else { &mut empty };
                kind.push((column, *energy));
            }
        }
    }
    let series = vec![
        Series::new("occupied", Mark::Circles, occupied),
        Series::new("empty", Mark::Crosses, empty),
    ];
    let title = format!("Orbital energies above {CORE_HA} Ha");
    Figure::lines("levels", &title, [&columns.join(", "), "energy (Ha)"], series)
}

/// How the field of the answer became self-consistent.
fn convergence(scf: &Scf) -> Figure {
    let last = scf.energy_ha();
    let steps = || scf.iterations.iter().enumerate().map(|(k, step)| ((k + 1) as f64, step));
    let energies = steps().map(|(k, step)| (k, (step.energy_ha - last).abs()));
    let gradients = steps().map(|(k, step)| (k, step.gradient_ha));
    let series = vec![
        Series::new("energy above the last", Mark::Line, energies),
        Series::new("largest orbital gradient", Mark::Dashes, gradients),
    ];
    let verdict = match scf.status {
        ScfStatus::Minimum(_) => "a minimum",
        _ => "stationary",
    };
    let title = format!("Self-consistent field of the answer: {verdict}");
    let figure = Figure::lines("field", &title, ["iteration", "Ha"], series);
    Figure { log_y: true, ..figure }
}
