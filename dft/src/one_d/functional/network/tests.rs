use super::{Architecture, Network, NetworkError};
use crate::one_d::functional::tests::adjoint_agrees_with_differences;
use crate::one_d::{Functional, Grid, Interaction, Mirror, System};

fn small() -> (Grid, Architecture, Vec<f64>) {
    of(Architecture { global_features: 3, hidden: vec![4, 5], ..Architecture::paper() })
}

fn of(architecture: Architecture) -> (Grid, Architecture, Vec<f64>) {
    let grid = Grid::new(41, 0.3).unwrap();
    let architecture = Architecture { grid_spacing_bohr: 0.3, ..architecture };
    let mut parameters = architecture.initial_parameters(7);
    parameters.iter_mut().enumerate().for_each(|(k, p)| *p += 0.1 * (k as f64).sin());
    (grid, architecture, parameters)
}

fn density(grid: &Grid, shift: f64) -> Vec<f64> {
    (0..grid.points()).map(|i| 0.6 * (-(grid.x(i) - shift).powi(2) / 3.0).exp()).collect()
}

#[test]
fn the_paper_s_network_has_1568_parameters() {
    assert_eq!(Architecture::paper().parameter_count(), 1568);
}

#[test]
fn potential_and_density_adjoint_agree_with_differences() {
    let centred = System::molecule(&[(0.3, 1.0)], 1).unwrap();
    for mirror in [None, Mirror::of(&centred, &small().0)] {
        let (grid, architecture, parameters) = small();
        let network = Network::new(architecture, &parameters, &grid).unwrap();
        adjoint_agrees_with_differences(&network, &grid, &density(&grid, 0.4), mirror);
    }
}

#[test]
fn parameter_adjoint_agrees_with_differences() {
    parameters_agree(small());
}

#[test]
fn local_and_semilocal_networks_are_so_and_their_adjoints_agree() {
    for (architecture, reach) in [(Architecture::local(), 0), (Architecture::semilocal(), 1)] {
        let case = of(Architecture { hidden: vec![4, 5], ..architecture });
        let (grid, architecture, parameters) = case.clone();
        let network = Network::new(architecture, &parameters, &grid).unwrap();
        adjoint_agrees_with_differences(&network, &grid, &density(&grid, 0.4), None);
        // eps of a point sees the density `reach` points away and no further, so v sees twice as far, but for the
        // gate, which sees the number of electrons
        let n = density(&grid, 0.4);
        let mut moved = n.clone();
        moved[20] += 1e-3;
        moved[36] -= 1e-3;
        let v = |n: &[f64]| network.evaluate(&grid, n, None);
        let (before, after) = (v(&n), v(&moved));
        let u = |n: &[f64]| Interaction::BAKER.hartree_potential(&grid, n);
        let beta = Network::gate(grid.integral(&n), network.gate_width);
        let local = |i: usize| {
            after.potential_ha[i] - before.potential_ha[i] + beta * (u(&moved)[i] - u(&n)[i])
        };
        let far = local(5);
        assert!((local(20 - 2 * reach) - far).abs() > 1e-9);
        assert!((local(20 - 2 * reach - 1) - far).abs() < 1e-13);
        parameters_agree(case);
    }
}

/// A spin-adapted network, and densities of spin up and spin down.
fn spin_adapted() -> ((Grid, Architecture, Vec<f64>), Vec<f64>) {
    let paper = Architecture::paper();
    let case =
        of(Architecture { global_features: 3, hidden: vec![4, 5], spin_adapted: true, ..paper });
    let down = density(&case.0, -0.5).iter().map(|n| 0.4 * n).collect();
    let both = [density(&case.0, 0.3), down].concat();
    (case, both)
}

#[test]
fn a_spin_adapted_network_s_derivatives_agree_with_differences() {
    let (case, both) = spin_adapted();
    let centred = System::molecule(&[(0.3, 1.0)], 1).unwrap();
    for mirror in [None, Mirror::of(&centred, &case.0)] {
        let (grid, architecture, parameters) = case.clone();
        let network = Network::new(architecture, &parameters, &grid).unwrap();
        adjoint_agrees_with_differences(&network, &grid, &both, mirror);
    }
    parameters_agree_at(&both, case);
}

#[test]
fn spins_may_be_exchanged_and_without_polarisation_there_is_the_restricted_network() {
    let ((grid, architecture, parameters), both) = spin_adapted();
    let network = Network::new(architecture.clone(), &parameters, &grid).unwrap();
    let (up, down) = both.split_at(41);
    let found = network.evaluate(&grid, &both, None);
    let exchanged = network.evaluate(&grid, &[down, up].concat(), None);
    assert!((found.energy_ha - exchanged.energy_ha).abs() < 1e-14);
    assert!((network.energy(&grid, &both, None) - found.energy_ha).abs() < 1e-14);
    for i in 0..41 {
        assert!((found.potential_ha[i] - exchanged.potential_ha[41 + i]).abs() < 1e-13);
        assert!((found.potential_ha[41 + i] - exchanged.potential_ha[i]).abs() < 1e-13);
    }
    let n: Vec<f64> = up.iter().zip(down).map(|(u, d)| u + d).collect();
    let half: Vec<f64> = n.iter().map(|n| 0.5 * n).collect();
    let unpolarised = network.evaluate(&grid, &half.repeat(2), None);
    assert!((unpolarised.energy_ha - found.energy_ha).abs() > 1e-6, "it sees the polarisation");
    // the network of the density alone, its parameters those of the other without what sees the polarisation
    let plain = Architecture { spin_adapted: false, ..architecture };
    let count = plain.parameter_count();
    let mut kept = parameters.clone();
    kept.drain(count - 1..parameters.len() - 1);
    let plain = Network::new(plain, &kept, &grid).unwrap();
    assert!(!plain.takes(2) && network.takes(1) && network.takes(2));
    for other in [plain.evaluate(&grid, &n, None), network.evaluate(&grid, &n, None)] {
        assert!((unpolarised.energy_ha - other.energy_ha).abs() < 1e-14);
        for i in 0..41 {
            for s in [0, 41] {
                assert!((unpolarised.potential_ha[s + i] - other.potential_ha[i]).abs() < 1e-13);
            }
        }
    }
}

fn parameters_agree(case: (Grid, Architecture, Vec<f64>)) {
    parameters_agree_at(&density(&case.0, 0.2), case);
}

fn parameters_agree_at(
    n: &[f64],
    (grid, architecture, parameters): (Grid, Architecture, Vec<f64>),
) {
    let bar: Vec<f64> = (0..n.len()).map(|i| (0.3 * i as f64).sin()).collect();
    let value = |p: &[f64]| {
        let xc = Network::new(architecture.clone(), p, &grid).unwrap().evaluate(&grid, n, None);
        0.7 * xc.energy_ha + xc.potential_ha.iter().zip(&bar).map(|(v, b)| v * b).sum::<f64>()
    };
    let network = Network::new(architecture.clone(), &parameters, &grid).unwrap();
    let mut gradient = vec![0.0; parameters.len()];
    network.adjoint(&grid, n, None, 0.7, &bar, &mut gradient);
    for k in 0..parameters.len() {
        let mut moved = parameters.clone();
        moved[k] += 1e-5;
        let above = value(&moved);
        moved[k] -= 2e-5;
        let fd = (above - value(&moved)) / 2e-5;
        assert!(
            (gradient[k] - fd).abs() < 1e-8 * fd.abs().max(1.0),
            "parameter {k}: {} {fd}",
            gradient[k]
        );
    }
}

#[test]
fn one_electron_has_no_self_interaction() {
    let (grid, architecture, parameters) = small();
    let mut n = density(&grid, 0.0);
    let electrons = grid.integral(&n);
    n.iter_mut().for_each(|n| *n /= electrons);
    let network = Network::new(architecture, &parameters, &grid).unwrap();
    let u =
        Interaction::hartree_energy(&grid, &n, &Interaction::BAKER.hartree_potential(&grid, &n));
    assert!((network.evaluate(&grid, &n, None).energy_ha + u).abs() < 1e-14);
}

#[test]
fn another_grid_or_parameter_count_is_refused() {
    let (_, architecture, parameters) = small();
    let wrong = Network::new(architecture.clone(), &parameters, &Grid::PAPER).unwrap_err();
    assert!(matches!(wrong, NetworkError::GridSpacing { .. }));
    let grid = Grid::new(41, 0.3).unwrap();
    let wrong = Network::new(architecture, &parameters[1..], &grid).unwrap_err();
    assert!(matches!(wrong, NetworkError::ParameterCount { .. }));
}

/// `dft/peers/network_jax.py`: jax 0.10.2, numpy 2.4.6; weights and density are formulas.
#[test]
fn value_potential_and_gradients_match_jax() {
    const POTENTIAL: [(usize, f64); 5] = [
        (200, 0.4370675606022055),
        (230, 0.3942059902828695),
        (256, 0.36283651779432397),
        (270, 0.3747681395018547),
        (300, 0.4243215487447265),
    ];
    const BY_DENSITY: [(usize, f64); 5] = [
        (200, 0.017946253553638408),
        (230, 0.019933946579340035),
        (256, 0.016984707391908736),
        (270, 0.01839909514571907),
        (300, 0.018939457115720645),
    ];
    const BY_PARAMETERS: [(usize, f64); 12] = [
        (0, 0.001052916699534304),
        (7, 0.0032600131310645177),
        (14, -0.003683615743511611),
        (15, 0.28709700548579686),
        (400, -0.0238527946890236),
        (782, 0.10592275381048286),
        (783, 0.018867479522961913),
        (1200, 0.0018198676167196825),
        (1550, 0.011329712695664013),
        (1551, -0.011561271589448623),
        (1566, -0.00576287061861953),
        (1567, -0.4848347644005611),
    ];
    let grid = Grid::PAPER;
    let mut parameters: Vec<f64> =
        (0..1568).map(|k| 0.3 * (1.7 * f64::from(k) + 0.4).sin()).collect();
    parameters[1567] = 0.9;
    let n: Vec<f64> = (0..513)
        .map(|i| {
            let x = grid.x(i);
            0.8 * (-(x - 0.6).powi(2) / 1.5).exp() + 0.5 * (-(x + 0.9).powi(2) / 0.8).exp()
        })
        .collect();
    let bar: Vec<f64> = (0..513).map(|i| (0.11 * f64::from(i)).sin()).collect();
    let mirror = Mirror::of(&System::molecule(&[(0.0, 1.0)], 1).unwrap(), &grid);
    let network = Network::new(Architecture::paper(), &parameters, &grid).unwrap();
    let xc = network.evaluate(&grid, &n, mirror);
    let mut by_parameters = vec![0.0; 1568];
    let by_density = network.adjoint(&grid, &n, mirror, 0.7, &bar, &mut by_parameters);
    let close = |a: f64, b: f64| (a - b).abs() < 1e-10 * b.abs().max(0.1);
    assert!(close(xc.energy_ha, -0.11410323777675432), "{}", xc.energy_ha);
    assert!(close(network.energy(&grid, &n, mirror), xc.energy_ha));
    for (found, golden) in [
        (&xc.potential_ha, &POTENTIAL[..]),
        (&by_density, &BY_DENSITY[..]),
        (&by_parameters, &BY_PARAMETERS[..]),
    ] {
        for &(k, golden) in golden {
            assert!(close(found[k], golden), "{k}: {} {golden}", found[k]);
        }
    }
    let square = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
    assert!(close(square(&by_density), 0.19254938955118278));
    assert!(close(square(&by_parameters), 6.5726882326135065));
}

#[test]
fn the_adjoint_of_what_was_kept_is_the_adjoint() {
    let grid = Grid::new(41, 0.3).unwrap();
    let n = density(&grid, 0.2);
    let bar: Vec<f64> = (0..41).map(|i| (0.4 * f64::from(i)).sin()).collect();
    let mirror = Mirror::of(&System::chain(2, 1.0, 1.2).unwrap(), &grid);
    assert!(mirror.is_some());
    for (features, hidden, spin_adapted) in
        [(2, vec![3, 4], false), (18, vec![17], false), (0, vec![2], true), (3, vec![], false)]
    {
        let architecture = Architecture {
            global_features: features,
            hidden,
            spin_adapted,
            grid_spacing_bohr: 0.3,
            ..Architecture::paper()
        };
        let parameters = architecture.initial_parameters(5);
        let network = Network::new(architecture, &parameters, &grid).unwrap();
        for mirror in [None, mirror] {
            let (xc, kept) = network.evaluate_and_keep(&grid, &n, mirror);
            assert_eq!(xc, network.evaluate(&grid, &n, mirror));
            for bar in [&bar, &vec![0.0; 41]] {
                let mut again = vec![0.0; parameters.len()];
                let mut direct = again.clone();
                let a = network.adjoint_of(&kept, &grid, &n, mirror, 0.7, bar, &mut again);
                let b = network.adjoint(&grid, &n, mirror, 0.7, bar, &mut direct);
                let close = |a: &f64, b: &f64| (a - b).abs() <= 1e-13 * b.abs().max(1.0);
                assert!(a.iter().zip(&b).all(|(a, b)| close(a, b)), "{a:?}\n{b:?}");
                assert!(
                    again.iter().zip(&direct).all(|(a, b)| close(a, b)),
                    "{again:?}\n{direct:?}"
                );
            }
        }
    }
}
