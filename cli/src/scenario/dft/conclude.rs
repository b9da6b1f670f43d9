//! Judging and drawing a trained functional.

use std::fmt::Write as _;

use cotangent_dft::one_d::{
    Functional, FunctionalFile, Lda, Molecule, Prepared as Atoms, Scf, ScfOptions,
    self_consistent_field,
};
use rayon::prelude::*;

use super::{Ready, Study};
use crate::plot::{Figure, Mark, Series};
use crate::run::{Conclusion, Criterion, Finished};

/// Energies of one separation, nuclear repulsion included, in hartree.
struct Point {
    separation: f64,
    exact: f64,
    lda: f64,
    trained: f64,
}

impl Point {
    fn trained_error_mha(&self) -> f64 {
        1e3 * (self.trained - self.exact)
    }
    fn lda_error_mha(&self) -> f64 {
        1e3 * (self.lda - self.exact)
    }
}

impl Study {
    fn scf(
        &self,
        atoms: &Atoms,
        functional: &dyn Functional,
        options: &ScfOptions,
    ) -> Result<Scf, String> {
        self_consistent_field(&self.model, atoms, functional, options).map_err(|e| e.to_string())
    }

    fn lda(&self, molecule: &Molecule) -> Result<Scf, String> {
        let options = ScfOptions {
            mirror_symmetric: self.options.scf.mirror_symmetric,
            ..ScfOptions::converged()
        };
        self.scf(molecule.prepared(), &Lda::default(), &options)
    }
}

impl Ready<'_> {
    fn point(&self, separation: f64, x: &[f64]) -> Result<Point, String> {
        let molecule = self.study.molecule(separation)?;
        let repulsion =
            self.study.system(separation)?.nuclear_repulsion_ha(self.study.model.interaction);
        let trained = self.training.apply(x, molecule.prepared()).map_err(|e| e.to_string())?;
        Ok(Point {
            separation,
            exact: molecule.reference().energy_ha + repulsion,
            lda: self.study.lda(&molecule)?.energy_ha() + repulsion,
            trained: trained.energy_ha() + repulsion,
        })
    }

    /// The whole of the verdict: criteria, figures, and the functional as a file.
    pub(super) fn judge(&self, run: &Finished) -> Result<Conclusion, String> {
        let (study, x) = (self.study, run.answer);
        let mut separations: Vec<f64> =
            [&study.train, &study.validate, &study.test].into_iter().flatten().copied().collect();
        separations.sort_by(f64::total_cmp);
        let points: Vec<Result<Point, String>> =
            separations.par_iter().map(|r| self.point(*r, x)).collect();
        let points: Vec<Point> = points.into_iter().collect::<Result<_, _>>()?;
        let mut figures = vec![self.curve(&points), Self::errors(&points)];
        for separation in self.three_separations() {
            figures.push(self.densities(separation, x)?);
        }
        let mut artifacts = vec![("dissociation.csv".to_owned(), table(&points).into_bytes())];
        artifacts.push(("functional.npy".to_owned(), self.functional_file(x)));
        Ok(Conclusion {
            criteria: self.criteria(run.start_value, run.answer_value, &points),
            figures,
            artifacts,
        })
    }

    fn criteria(&self, start: f64, end: f64, points: &[Point]) -> Vec<Criterion> {
        let study = self.study;
        let reduction = start / end;
        let mut criteria = vec![Criterion {
            what: "training loss falls".into(),
            must: format!("by a factor of {} or more", study.loss_reduction),
            measured: format!("{start:.3e} -> {end:.3e}, a factor of {reduction:.0}"),
            met: reduction >= study.loss_reduction,
        }];
        if study.better_than_lda {
            let (low, high) = study
                .train
                .iter()
                .fold((f64::INFINITY, 0.0_f64), |(l, h), r| (l.min(*r), h.max(*r)));
            let between: Vec<&Point> = points
                .iter()
                .filter(|p| {
                    p.separation > low && p.separation < high && study.test.contains(&p.separation)
                })
                .collect();
            let worst =
                |f: &dyn Fn(&Point) -> f64| between.iter().map(|p| f(p).abs()).fold(0.0, f64::max);
            criteria.push(Criterion {
                what: "better than the LDA at every test separation between the training ones"
                    .into(),
                must: "|error| below the LDA's at each".into(),
                measured: format!(
                    "largest error {:.2} mHa, the LDA's {:.2} mHa, over {} separations",
                    worst(&Point::trained_error_mha),
                    worst(&Point::lda_error_mha),
                    between.len()
                ),
                met: !between.is_empty()
                    && between
                        .iter()
                        .all(|p| p.trained_error_mha().abs() < p.lda_error_mha().abs()),
            });
        }
        criteria
    }

    fn curve(&self, points: &[Point]) -> Figure {
        let line = |label: &str, mark, value: &dyn Fn(&Point) -> f64| Series {
            label: label.into(),
            mark,
            points: points.iter().map(|p| (p.separation, value(p))).collect(),
        };
        let marked = |p: &&Point| self.study.train.contains(&p.separation);
        Figure {
            name: "dissociation".into(),
            title: "Dissociation curve".into(),
            x_label: "separation (bohr)".into(),
            y_label: "total energy (Ha)".into(),
            log_y: false,
            series: vec![
                line("exact", Mark::Line, &|p| p.exact),
                line("LDA", Mark::Dashes, &|p| p.lda),
                line("trained", Mark::Dots, &|p| p.trained),
                Series {
                    label: "trained on".into(),
                    mark: Mark::Circles,
                    points: points.iter().filter(marked).map(|p| (p.separation, p.exact)).collect(),
                },
            ],
            panels: Vec::new(),
        }
    }

    fn errors(points: &[Point]) -> Figure {
        let chemical = |sign: f64| Series {
            label: if sign > 0.0 { "+-1.6 mHa (chemical accuracy)".into() } else { String::new() },
            mark: Mark::Thin,
            points: points.iter().map(|p| (p.separation, sign * 1.6)).collect(),
        };
        let line = |label: &str, mark, value: &dyn Fn(&Point) -> f64| Series {
            label: label.into(),
            mark,
            points: points.iter().map(|p| (p.separation, value(p))).collect(),
        };
        Figure {
            name: "errors".into(),
            title: "Error of the total energy".into(),
            x_label: "separation (bohr)".into(),
            y_label: "error (mHa)".into(),
            log_y: false,
            series: vec![
                line("LDA", Mark::Dashes, &Point::lda_error_mha),
                line("trained", Mark::Crosses, &Point::trained_error_mha),
                chemical(1.0),
                chemical(-1.0),
            ],
            panels: Vec::new(),
        }
    }

    /// The shortest, the middle and the longest test separation.
    fn three_separations(&self) -> Vec<f64> {
        let mut test = self.study.test.clone();
        test.sort_by(f64::total_cmp);
        let mut chosen = vec![test[0], test[test.len() / 2], test[test.len() - 1]];
        chosen.dedup();
        chosen
    }

    fn densities(&self, separation: f64, x: &[f64]) -> Result<Figure, String> {
        let molecule = self.study.molecule(separation)?;
        let grid = self.study.model.grid;
        let trained = self.training.apply(x, molecule.prepared()).map_err(|e| e.to_string())?;
        let lda = self.study.lda(&molecule)?;
        let reach = 0.5 * separation + 6.0;
        let line = |label: &str, mark, density: &[f64]| Series {
            label: label.into(),
            mark,
            points: (0..grid.points())
                .filter(|&i| grid.x(i).abs() < reach)
                .map(|i| (grid.x(i), density[i]))
                .collect(),
        };
        Ok(Figure {
            name: format!("density-{separation:.2}"),
            title: format!("Density at a separation of {separation:.2} bohr"),
            x_label: "x (bohr)".into(),
            y_label: "density (1/bohr)".into(),
            log_y: false,
            series: vec![
                line("exact", Mark::Line, &molecule.reference().density),
                line("LDA", Mark::Dashes, &lda.density),
                line("trained", Mark::Dots, &trained.density),
            ],
            panels: Vec::new(),
        })
    }

    /// Architecture and parameters, so that another run can load the functional.
    fn functional_file(&self, x: &[f64]) -> Vec<u8> {
        let architecture = self.training.architecture().clone();
        FunctionalFile { architecture, parameters: x.to_vec() }.to_bytes()
    }
}

fn table(points: &[Point]) -> String {
    let mut text = String::from(
        "separation_bohr,exact_ha,lda_ha,trained_ha,lda_error_mha,trained_error_mha\n",
    );
    for p in points {
        let _ = writeln!(
            text,
            "{},{:.10},{:.10},{:.10},{:.4},{:.4}",
            p.separation,
            p.exact,
            p.lda,
            p.trained,
            p.lda_error_mha(),
            p.trained_error_mha()
        );
    }
    text
}
