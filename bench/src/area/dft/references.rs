//! Exact energies of H2 from another solver.

use cotangent_dft::one_d::{ExactOptions, Interaction, Model, System, two_electrons};
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
