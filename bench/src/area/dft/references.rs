//! Exact energies of H2 from another solver.

use cotangent_dft::one_d::{ExactOptions, Interaction, Model, System, ground_state, two_electrons};
use rayon::prelude::*;

use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// Separation in bohr, electronic energy in hartree (without the repulsion of the nuclei). Davidson's method in numpy on
/// the same product grid to a residual of 1e-9, in the eigenbasis of the one-electron Hamiltonian; checked there against
/// LOBPCG on the sparse product grid to 1e-12. `peers/exact1d.py` gives any of them again.
const H2: [(f64, f64); 72] = [
    (0.32, -2.2241583221),
    (0.40, -2.2167265255),
    (0.48, -2.2078450665),
    (0.56, -2.1976131594),
    (0.64, -2.1861352992),
    (0.72, -2.1735186425),
    (0.80, -2.1598708954),
    (0.88, -2.1452986547),
    (0.96, -2.1299061427),
    (1.04, -2.1137942733),
    (1.12, -2.0970599944),
    (1.20, -2.0797958515),
    (1.28, -2.0620897284),
    (1.36, -2.0440247252),
    (1.44, -2.0256791392),
    (1.52, -2.0071265230),
    (1.60, -1.9884357952),
    (1.68, -1.9696713865),
    (1.76, -1.9508934071),
    (1.84, -1.9321578215),
    (1.92, -1.9135166247),
    (2.00, -1.8950180102),
    (2.08, -1.8767065257),
    (2.16, -1.8586232136),
    (2.24, -1.8408057323),
    (2.32, -1.8232884588),
    (2.40, -1.8061025724),
    (2.48, -1.7892761192),
    (2.56, -1.7728340629),
    (2.64, -1.7567983214),
    (2.72, -1.7411877966),
    (2.80, -1.7260184006),
    (2.88, -1.7113030837),
    (2.96, -1.6970518719),
    (3.04, -1.6832719167),
    (3.12, -1.6699675653),
    (3.20, -1.6571404531),
    (3.28, -1.6447896233),
    (3.36, -1.6329116739),
    (3.44, -1.6215009322),
    (3.52, -1.6105496549),
    (3.60, -1.6000482496),
    (3.68, -1.5899855128),
    (3.76, -1.5803488774),
    (3.84, -1.5711246655),
    (3.92, -1.5622983361),
    (4.00, -1.5538547250),
    (4.08, -1.5457782695),
    (4.16, -1.5380532142),
    (4.24, -1.5306637947),
    (4.32, -1.5235943973),
    (4.40, -1.5168296945),
    (4.48, -1.5103547554),
    (4.56, -1.5041551334),
    (4.64, -1.4982169319),
    (4.72, -1.4925268514),
    (4.80, -1.4870722187),
    (4.88, -1.4818410023),
    (4.96, -1.4768218148),
    (5.04, -1.4720039066),
    (5.12, -1.4673771507),
    (5.20, -1.4629320225),
    (5.28, -1.4586595742),
    (5.36, -1.4545514076),
    (5.44, -1.4505996441),
    (5.52, -1.4467968939),
    (5.60, -1.4431362257),
    (5.68, -1.4396111362),
    (5.76, -1.4362155207),
    (5.84, -1.4329436449),
    (5.92, -1.4297901181),
    (6.00, -1.4267498676),
];

#[expect(clippy::unnecessary_wraps, reason = "a measurement")]
pub(super) fn exact_energies(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let model = Model::default();
    let solve = |r: f64| {
        let system = System::chain(2, 1.0, r).expect("H2 is a system").on_grid(&model.grid);
        let state = two_electrons(&model, &system, &ExactOptions::default());
        let repulsion = Interaction::BAKER.energy(r);
        (r, state.map_or(f64::NAN, |s| s.energy_ha), repulsion)
    };
    let found: Vec<(f64, f64, f64)> = H2.par_iter().map(|(r, _)| solve(*r)).collect();
    let worst = found.iter().zip(&H2).map(|((_, e, _), (_, reference))| (e - reference).abs());
    let worst = worst.fold(0.0, |a: f64, b| if b.is_nan() { b } else { a.max(b) });
    let lowest = found.iter().map(|(r, e, n)| (*r, e + n)).min_by(|a, b| a.1.total_cmp(&b.1));
    let (r, energy) = lowest.expect("there are separations");
    Ok(vec![
        Item::Proof(Proof {
            what: format!("exact H2 against another solver at {} separations", H2.len()),
            must: "1e-8 Ha".into(),
            measured: format!("{worst:.1e} Ha"),
            holds: worst <= 1e-8,
        }),
        Item::Proof(Proof {
            what: "minimum of the exact H2 curve on the grid".into(),
            must: "R = 1.52, -1.440671 Ha".into(),
            measured: format!("R = {r:.2}, {energy:.6} Ha"),
            holds: (r - 1.52).abs() < 1e-9 && (energy + 1.440671).abs() < 1e-6,
        }),
    ])
}

/// A system, and what another source says: label, nuclei, electrons, energy in hartree, what the sources may differ by.
struct Case {
    label: &'static str,
    nuclei: &'static [(f64, f64)],
    electrons: usize,
    energy_ha: f64,
    within_ha: f64,
}

/// One electron: dense eigh in numpy 2.4.6 (`dft/peers`), five-point stencil. Two: Davidson on the product grid in numpy. Three and
/// four: DMRG of Kalita et al., J. Phys. Chem. Lett. 13, 2540 (2022), and of Li et al. (2021) for H4; below full CI, which is
/// an upper bound.
#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { label: "H", nuclei: &[(0.0, 1.0)], electrons: 1, energy_ha: -0.6699723367783043, within_ha: 1e-9 },
    Case { label: "He+", nuclei: &[(0.0, 2.0)], electrons: 1, energy_ha: -1.4827789550665031, within_ha: 1e-9 },
    Case { label: "Li++", nuclei: &[(0.0, 3.0)], electrons: 1, energy_ha: -2.3346607592524817, within_ha: 1e-9 },
    Case { label: "Be+++", nuclei: &[(0.0, 4.0)], electrons: 1, energy_ha: -3.2088629706612513, within_ha: 1e-9 },
    Case { label: "H2+ 1.28", nuclei: &[(-0.64, 1.0), (0.64, 1.0)], electrons: 1, energy_ha: -1.3731915954698732, within_ha: 1e-9 },
    Case { label: "H2+ 4.80", nuclei: &[(-2.4, 1.0), (2.4, 1.0)], electrons: 1, energy_ha: -0.8822757660512388, within_ha: 1e-9 },
    Case { label: "H2+ 8.00", nuclei: &[(-4.0, 1.0), (4.0, 1.0)], electrons: 1, energy_ha: -0.7155601104444854, within_ha: 1e-9 },
    Case { label: "He", nuclei: &[(0.0, 2.0)], electrons: 2, energy_ha: -2.237781851831784, within_ha: 1e-8 },
    Case { label: "Li+", nuclei: &[(0.0, 3.0)], electrons: 2, energy_ha: -3.8934314232793215, within_ha: 1e-8 },
    Case { label: "Be++", nuclei: &[(0.0, 4.0)], electrons: 2, energy_ha: -5.6134721476913, within_ha: 1e-8 },
    Case { label: "Li", nuclei: &[(0.0, 3.0)], electrons: 3, energy_ha: -4.216253973082987, within_ha: 1e-7 },
    Case { label: "Be+", nuclei: &[(0.0, 4.0)], electrons: 3, energy_ha: -6.459283981008818, within_ha: 1.2e-7 },
    Case { label: "Be", nuclei: &[(0.0, 4.0)], electrons: 4, energy_ha: -6.81058259865708, within_ha: 4e-7 },
    Case { label: "H4 1.04", nuclei: &[(-1.52, 1.0), (-0.48, 1.0), (0.56, 1.0), (1.6, 1.0)], electrons: 4, energy_ha: -5.868620974175939, within_ha: 5e-7 },
    Case { label: "H4 2.48", nuclei: &[(-3.68, 1.0), (-1.2, 1.0), (1.28, 1.0), (3.76, 1.0)], electrons: 4, energy_ha: -4.269262586116703, within_ha: 3.6e-6 },
    Case { label: "H4 4.40", nuclei: &[(-6.56, 1.0), (-2.16, 1.0), (2.24, 1.0), (6.64, 1.0)], electrons: 4, energy_ha: -3.2615468717593763, within_ha: 3.6e-6 },
];

#[expect(clippy::unnecessary_wraps, reason = "a measurement")]
pub(super) fn few_electrons(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let model = Model::default();
    let item = |case: &Case| {
        let system = System::molecule(case.nuclei, case.electrons).expect("a system");
        let found = ground_state(&model, &system);
        let (energy, stated) = found.map_or((f64::NAN, f64::NAN), |s| (s.energy_ha, s.error_ha));
        let off = energy - case.energy_ha;
        Item::Proof(Proof {
            what: format!("ground state of {} against another source", case.label),
            must: format!("{:.1e} Ha", case.within_ha),
            measured: format!("{off:+.1e} Ha; error stated {stated:.1e} Ha"),
            holds: off.abs() <= case.within_ha,
        })
    };
    Ok(CASES.par_iter().map(item).collect())
}
