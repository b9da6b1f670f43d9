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

fn parameters_agree((grid, architecture, parameters): (Grid, Architecture, Vec<f64>)) {
    let n = density(&grid, 0.2);
    let bar: Vec<f64> = (0..41).map(|i| (0.3 * f64::from(i)).sin()).collect();
    let value = |p: &[f64]| {
        let xc = Network::new(architecture.clone(), p, &grid).unwrap().evaluate(&grid, &n, None);
        0.7 * xc.energy_ha + xc.potential_ha.iter().zip(&bar).map(|(v, b)| v * b).sum::<f64>()
    };
    let network = Network::new(architecture.clone(), &parameters, &grid).unwrap();
    let mut gradient = vec![0.0; parameters.len()];
    network.adjoint(&grid, &n, None, 0.7, &bar, &mut gradient);
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
