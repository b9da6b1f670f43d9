//! Grids as they must be: sizes, volumes, weights that move.

use super::{GridError, GridOptions, MolecularGrid, Pruning};
use crate::molecule::geometry::element::Element;
use crate::molecule::geometry::{Atom, Molecule};

fn molecule(atoms: &[(usize, [f64; 3])]) -> Molecule {
    let atom =
        |(number, r): &(usize, [f64; 3])| Atom::new(Element::of_number(*number).unwrap(), *r);
    Molecule::new(atoms.iter().map(atom).collect(), 0, 1).unwrap()
}

fn benzene() -> Molecule {
    let ring = |number: usize, radius: f64| {
        (0..6).map(move |k| {
            let angle = f64::from(k) * std::f64::consts::FRAC_PI_3;
            (number, [radius * angle.cos(), radius * angle.sin(), 0.0])
        })
    };
    molecule(&ring(6, 2.6296).chain(ring(1, 4.6705)).collect::<Vec<_>>())
}

#[test]
fn levels_and_pruning_have_the_sizes_of_pyscf() {
    let size = |pruning| {
        MolecularGrid::new(&benzene(), &GridOptions { pruning, ..GridOptions::default() })
            .unwrap()
            .size()
    };
    assert_eq!(size(Pruning::Nwchem), 143_556); // PySCF adds 4 points of weight 0
    assert_eq!(size(Pruning::None), 6 * (75 * 302 + 50 * 302));
}

#[test]
fn the_unit_of_gaussians_on_every_atom_is_integrated() {
    let water = [(8, [0.0, 0.1, 0.2]), (1, [0.1, 1.4, -0.9]), (1, [-0.1, -1.5, -0.8])];
    let grid = MolecularGrid::new(&molecule(&water), &GridOptions::default()).unwrap();
    for (k, (_, centre)) in water.iter().enumerate() {
        for rate in [0.4_f64, 2.0] {
            let value = |r: &[f64; 3]| {
                let square: f64 = (0..3).map(|x| (r[x] - centre[x]).powi(2)).sum();
                (rate / std::f64::consts::PI).powf(1.5) * (-rate * square).exp()
            };
            let sum: f64 =
                grid.points().iter().zip(grid.weights()).map(|(r, w)| w * value(r)).sum();
            assert!((sum - 1.0).abs() < 3e-5, "{k} {rate}: {sum}");
        }
    }
}

#[test]
fn weights_move_as_differences_say() {
    let at = [(8, [0.0, 0.1, 0.2]), (1, [0.1, 1.4, -0.9]), (17, [-0.3, -1.9, -1.8])];
    let options = GridOptions { level: 0, points: Some([20, 38]), pruning: Pruning::None };
    let grid =
        |atoms: &[(usize, [f64; 3])]| MolecularGrid::new(&molecule(atoms), &options).unwrap();
    // a function that moves with the points, so that only weights change: of the atom and of the distance from it
    let value = |grid: &MolecularGrid, atoms: &[(usize, [f64; 3])]| -> Vec<f64> {
        let each = |(r, atom): (&[f64; 3], &usize)| {
            let centre = atoms[*atom].1;
            let x: [f64; 3] = std::array::from_fn(|k| r[k] - centre[k]);
            (1.0 + 0.3 * *atom as f64 + 0.2 * x[0] - 0.1 * x[1])
                * (-x.map(|x| x * x).iter().sum::<f64>()).exp()
        };
        grid.points().iter().zip(grid.atoms()).map(each).collect()
    };
    let integral = |atoms: &[(usize, [f64; 3])]| {
        let grid = grid(atoms);
        value(&grid, atoms).iter().zip(grid.weights()).map(|(f, w)| f * w).sum::<f64>()
    };
    let here = grid(&at);
    let gradient = here.weights_pullback(&value(&here, &at));
    for atom in 0..3 {
        for axis in 0..3 {
            let along = |t: f64| {
                let mut moved = at;
                moved[atom].1[axis] += t;
                integral(&moved)
            };
            let h = 1e-3;
            let near = (along(h) - along(-h)) / (2.0 * h);
            let difference = (4.0 * near - (along(2.0 * h) - along(-2.0 * h)) / (4.0 * h)) / 3.0;
            let found = gradient[atom][axis];
            assert!((found - difference).abs() < 1e-9, "{atom} {axis}: {found} {difference}");
        }
    }
}

#[test]
fn grids_that_do_not_exist_are_refused() {
    let hydrogen = molecule(&[(1, [0.0; 3]), (1, [0.0, 0.0, 1.4])]);
    let made = |options: GridOptions| MolecularGrid::new(&hydrogen, &options).map(|g| g.size());
    let options = GridOptions { level: 9, ..GridOptions::default() };
    assert_eq!(made(options), Err(GridError::Level { found: 9 }));
    let options = GridOptions { points: Some([50, 300]), ..GridOptions::default() };
    let message = made(options).unwrap_err().to_string();
    assert!(message.contains("302"), "{message}");
    let options = GridOptions { points: Some([0, 302]), ..GridOptions::default() };
    assert_eq!(made(options), Err(GridError::Radial));
}
