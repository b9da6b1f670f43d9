//! What a functional trained on H2 says of systems that it has never seen.

use cotangent_dft::one_d::{
    ExactOptions, Lda, Model, Prepared, ScfOptions, System, Training, ground_state,
    self_consistent_field, two_electrons,
};
use rayon::prelude::*;

use crate::report::{Item, Proof};

/// Separation in bohr, electronic energy in hartree without the repulsion of the nuclei. DMRG of Li et al., Phys. Rev. Lett.
/// 126, 036401 (2021), as published with Kalita et al., J. Phys. Chem. Lett. 13, 2540 (2022).
const H4: [(f64, f64); 8] = [
    (1.04, -5.868620974175939),
    (1.52, -5.258868979808263),
    (2.00, -4.717215467194881),
    (2.48, -4.269262586116703),
    (2.96, -3.9117673462505254),
    (3.44, -3.6336466276601818),
    (4.40, -3.2615468717593763),
    (5.84, -2.974568729484749),
];

/// Two molecules of bond length 1.52 bohr, by the gap between them; of the same origin.
const H2H2: [(f64, f64); 7] = [
    (1.12, -5.442994874370632),
    (2.08, -5.025262048658216),
    (3.04, -4.7060745090506515),
    (4.00, -4.480735624620996),
    (4.96, -4.32669317879388),
    (5.92, -4.223029284148662),
    (7.84, -4.107410522875474),
];

const H2_PLUS: [f64; 8] = [0.64, 1.28, 2.40, 3.20, 3.84, 4.80, 6.40, 8.00];

/// A system with its exact electronic energy in hartree.
struct Known {
    label: String,
    system: System,
    exact_ha: f64,
}

fn known(model: &Model, label: String, nuclei: &[(f64, f64)], exact_ha: f64, n: usize) -> Known {
    let system = System::molecule(nuclei, n).expect("a system").on_grid(&model.grid);
    Known { label, system, exact_ha }
}

fn molecules(model: &Model) -> Vec<(&'static str, Vec<Known>)> {
    let h4 = |(r, e): &(f64, f64)| {
        let nuclei: Vec<_> = [-1.5, -0.5, 0.5, 1.5].map(|k| (k * r, 1.0)).to_vec();
        known(model, format!("{r:.2}"), &nuclei, *e, 4)
    };
    let pair = |(gap, e): &(f64, f64)| {
        let (near, far) = (0.5 * gap, 0.5 * gap + 1.52);
        let nuclei = [(-far, 1.0), (-near, 1.0), (near, 1.0), (far, 1.0)];
        known(model, format!("{gap:.2}"), &nuclei, *e, 4)
    };
    let ion = |r: &f64| {
        let nuclei = [(-0.5 * r, 1.0), (0.5 * r, 1.0)];
        let mut found = known(model, format!("{r:.2}"), &nuclei, 0.0, 1);
        found.exact_ha = ground_state(model, &found.system).expect("one electron").energy_ha;
        found
    };
    vec![
        ("H4", H4.iter().map(h4).collect()),
        ("H2 + H2", H2H2.iter().map(pair).collect()),
        ("H2+", H2_PLUS.iter().map(ion).collect()),
    ]
}

fn unseen(model: &Model) -> Vec<Known> {
    let systems: [(&str, &[(f64, f64)]); 5] = [
        ("HeH+", &[(-0.8, 2.0), (0.72, 1.0)]),
        ("H3+", &[(-1.6, 1.0), (0.0, 1.0), (1.6, 1.0)]),
        ("charges 1.2 and 0.8", &[(-0.96, 1.2), (0.96, 0.8)]),
        ("H2, 6 bohr off the centre", &[(5.24, 1.0), (6.76, 1.0)]),
        ("He", &[(0.0, 2.0)]),
    ];
    let solve = |(label, nuclei): &(&str, &[(f64, f64)])| {
        let mut found = known(model, (*label).into(), nuclei, 0.0, 2);
        let exact = two_electrons(model, &found.system, &ExactOptions::default());
        found.exact_ha = exact.expect("it converges").energy_ha;
        found
    };
    systems.par_iter().map(solve).collect()
}

/// Errors in mHa of the LDA, and of each functional in turn; infinite where there is no field.
fn errors(training: &Training, functionals: &[&[f64]], case: &Known) -> Vec<f64> {
    let model = training.model();
    let Ok(prepared) = Prepared::new(model, &case.system) else { return vec![f64::INFINITY] };
    let lda =
        self_consistent_field(model, &prepared, &Lda::default(), &ScfOptions::converged()).ok();
    let trained = functionals.iter().map(|x| training.apply(x, &prepared).ok());
    let error = |scf: Option<f64>| scf.map_or(f64::INFINITY, |e| 1e3 * (e - case.exact_ha));
    std::iter::once(lda).chain(trained).map(|scf| error(scf.map(|s| s.energy_ha()))).collect()
}

/// The errors of functionals trained on H2 at two separations.
pub(super) fn table(training: &Training, functionals: &[&[f64]]) -> Vec<Item> {
    let mut items = Vec::new();
    let must = || "every field ends in an energy; the errors are as found".to_owned();
    for (name, cases) in molecules(training.model()) {
        let each: Vec<Vec<f64>> =
            cases.par_iter().map(|case| errors(training, functionals, case)).collect();
        let mean = |k: usize| each.iter().map(|e| e[k].abs()).sum::<f64>() / each.len() as f64;
        let most = |k: usize| each.iter().map(|e| e[k].abs()).fold(0.0, f64::max);
        let seeds: Vec<String> =
            (1..=functionals.len()).map(|k| format!("{:.1} / {:.1}", mean(k), most(k))).collect();
        let separations: Vec<&str> = cases.iter().map(|c| c.label.as_str()).collect();
        items.push(Item::Proof(Proof {
            what: format!(
                "trained on H2, asked of {name} at {} bohr: mean / largest error by seed, mHa",
                separations.join(", ")
            ),
            must: must(),
            measured: format!("{}; the LDA's {:.1} / {:.1}", seeds.join(", "), mean(0), most(0)),
            holds: each.iter().flatten().all(|e| e.is_finite()),
        }));
    }
    for case in unseen(training.model()) {
        let found = errors(training, functionals, &case);
        let trained: Vec<String> = found[1..].iter().map(|e| format!("{e:+.1}")).collect();
        items.push(Item::Proof(Proof {
            what: format!("trained on H2, asked of {}: error by seed, mHa", case.label),
            must: must(),
            measured: format!("{}; the LDA's {:+.1}", trained.join(", "), found[0]),
            holds: found.iter().all(|e| e.is_finite()),
        }));
    }
    items
}
