//! LDA and LSDA energies and densities against an SCF that shares no code with the crate: `peers/scf_lda.py`, numpy 2.4.6, dense
//! eigh, linear mixing to 1e-11 electrons.

use cotangent_dft::one_d::{
    Grid, Lda, Model, Prepared, ScfOptions, ScfStatus, System, minimise_energy,
    self_consistent_field,
};

struct Case {
    name: &'static str,
    nuclei: &'static [(f64, f64)],
    electrons: usize,
    energy_ha: f64,
    /// At [`POINTS`].
    density: [f64; 5],
    /// Of a polarised system: spin up minus spin down.
    spin: Option<[f64; 5]>,
}

const POINTS: [usize; 5] = [226, 244, 256, 261, 290];

#[rustfmt::skip]
const CASES: [Case; 13] = [
    Case { name: "H2 1.28", nuclei: &[(-0.64, 1.0), (0.64, 1.0)], electrons: 2, energy_ha: -2.0265035897502877, density: [0.08028972839719024, 0.4850103983609422, 0.6994276951927009, 0.6641881788914112, 0.047348759776898876], spin: None },
    Case { name: "H2 3.84", nuclei: &[(-1.92, 1.0), (1.92, 1.0)], electrons: 2, energy_ha: -1.517788017196481, density: [0.29243164939289423, 0.28530642142559903, 0.22898855400007742, 0.23933609744202317, 0.2321760141291167], spin: None },
    Case { name: "H2 6.00", nuclei: &[(-3.0, 1.0), (3.0, 1.0)], electrons: 2, energy_ha: -1.3160986822839442, density: [0.28583481612401906, 0.10416604133404439, 0.07500475432186836, 0.07983786291431234, 0.32988470412553345], spin: None },
    Case { name: "H2+ 2.40", nuclei: &[(-1.2, 1.0), (1.2, 1.0)], electrons: 1, energy_ha: -1.1362080325485788, density: [0.04803218350566635, 0.2515455112350806, 0.28784680377151833, 0.28321160571144843, 0.02590899697892634], spin: None },
    Case { name: "He", nuclei: &[(0.0, 2.0)], electrons: 2, energy_ha: -2.19634438733074, density: [0.052579022089034436, 0.4559940340858637, 0.8947489045027498, 0.7731157422886721, 0.028926725834816584], spin: None },
    Case { name: "Li", nuclei: &[(0.0, 3.0)], electrons: 3, energy_ha: -4.165759119930753, density: [0.17853052799690328, 0.5723191157028843, 1.088113135958445, 0.9274853624079735, 0.1416641548861954], spin: None },
    Case { name: "Be", nuclei: &[(0.0, 4.0)], electrons: 4, energy_ha: -6.786030977444746, density: [0.2816774899788186, 0.7908280934656542, 1.2394729848493544, 1.086860865896247, 0.20934358044341347], spin: None },
    Case { name: "H4 2.08", nuclei: &[(-3.12, 1.0), (-1.04, 1.0), (1.04, 1.0), (3.12, 1.0)], electrons: 4, energy_ha: -4.603685450323833, density: [0.5153480578422907, 0.47016715559591865, 0.3762775071850338, 0.39746682454068516, 0.5130533889589483], spin: None },
    Case { name: "HeH+", nuclei: &[(-0.8, 2.0), (0.72, 1.0)], electrons: 2, energy_ha: -3.462147612612982, density: [0.07823700381360685, 0.7469547199387457, 0.7319104930404732, 0.5665780480429005, 0.008263823750772266], spin: None },
    Case { name: "H3+", nuclei: &[(-1.6, 1.0), (0.08, 1.0), (1.76, 1.0)], electrons: 2, energy_ha: -2.9111750104803713, density: [0.1072515880488034, 0.4414030238912699, 0.5835845779433457, 0.5631971122198233, 0.08187587145838766], spin: None },
    Case { name: "H polarised", nuclei: &[(0.0, 1.0)], electrons: 1, energy_ha: -0.6433438868813681, density: [0.03491125221274766, 0.23587387680743815, 0.38562720278806445, 0.3486902928122707, 0.020048134082596227], spin: Some([0.03491125221274766, 0.23587387680743815, 0.38562720278806445, 0.3486902928122707, 0.020048134082596227]) },
    Case { name: "Li polarised", nuclei: &[(0.0, 3.0)], electrons: 3, energy_ha: -4.182524080746141, density: [0.18613234275063975, 0.5686704008503021, 1.0930971082736103, 0.9292604649874043, 0.1471991711214395], spin: Some([0.1652836154415138, 0.14262343338427014, -0.02219715983336823, 0.023159212635680104, 0.1370317128402468]) },
    Case { name: "H3 polarised", nuclei: &[(-1.6, 1.0), (0.08, 1.0), (1.76, 1.0)], electrons: 3, energy_ha: -3.3707312105582736, density: [0.3017111488308484, 0.5371378185015326, 0.5629266109104007, 0.5549144908073476, 0.26183433959165936], spin: Some([0.19498241561336224, 0.10516095482121743, -0.030295143074198116, -0.015201139745635361, 0.1773676973831495]) },
];

#[test]
fn energies_and_densities_match_another_scf() {
    let model = Model::default();
    let options = ScfOptions { tol_density: 1e-10, ..ScfOptions::converged() };
    for case in &CASES {
        let system = System::molecule(case.nuclei, case.electrons).unwrap();
        let make = if case.spin.is_some() { Prepared::polarised } else { Prepared::new };
        let prepared = make(&model, &system).unwrap();
        let lda = Lda::default();
        let mut found = vec![self_consistent_field(&model, &prepared, &lda, &options).unwrap()];
        if prepared
            .occupations
            .iter()
            .all(|f| f.windows(2).all(|f| f[0].to_bits() == f[1].to_bits()))
        {
            found.push(minimise_energy(&model, &prepared, &lda, &options).unwrap());
        }
        for scf in found {
            assert_eq!(scf.status, ScfStatus::Converged, "{}", case.name);
            let error = scf.energy_ha() - case.energy_ha;
            assert!(error.abs() < 1e-9, "{}: {error:.1e} Ha", case.name);
            let (density, spin) = (scf.total_density(), scf.spin_density());
            for (k, i) in POINTS.into_iter().enumerate() {
                let error = density[i] - case.density[k];
                assert!(error.abs() < 1e-9, "{} at {i}: {error:.1e}", case.name);
                let error = spin[i] - case.spin.map_or(0.0, |s| s[k]);
                assert!(error.abs() < 1e-9, "{} spin at {i}: {error:.1e}", case.name);
            }
            assert!((model.grid.integral(&density) - case.electrons as f64).abs() < 1e-12);
        }
    }
}

#[test]
fn a_long_chain_on_a_wide_grid_has_its_field() {
    // ten electrons at 1.52 bohr on 801 points: five orbitals close to each other
    let model = Model { grid: Grid::new(801, 0.08).unwrap(), ..Model::default() };
    let prepared = Prepared::new(&model, &System::chain(10, 1.0, 1.52).unwrap()).unwrap();
    let lda = Lda::default();
    let scf = self_consistent_field(&model, &prepared, &lda, &ScfOptions::converged()).unwrap();
    assert_eq!(scf.status, ScfStatus::Converged);
    let direct = minimise_energy(&model, &prepared, &lda, &ScfOptions::converged()).unwrap();
    let apart = scf.energy_ha() - direct.energy_ha();
    assert!(apart.abs() < 1e-9, "{apart:.1e} Ha from the minimum of the energy");
    assert!(scf.warnings(&model).is_empty(), "{:?}", scf.warnings(&model));
}
