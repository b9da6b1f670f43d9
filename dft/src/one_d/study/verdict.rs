//! Judging and drawing a trained functional.

use std::fmt::Write as _;

use cotangent_answer::{Conclusion, Criterion, Figure, Finished, Mark, Series};
use cotangent_problem::{Finding, Must};
use rayon::prelude::*;

use super::figures::{densities, exact_in_band, on_grid, potentials};
use super::training::{Known, ReadyTraining};
use crate::one_d::family::{Family, members};
use crate::one_d::field::scf::{Scf, ScfOptions, self_consistent_field};
use crate::one_d::functional::file::FunctionalFile;
use crate::one_d::functional::lda::Lda;
use crate::one_d::task::inversion::{InversionOptions, invert};

/// What a molecule is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Purpose {
    Training,
    Validation,
    Test,
    /// To draw a curve through; no verdict sees it.
    Drawing,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Drawing => "drawing",
        }
    }
}

/// Total energies of one molecule in hartree; what has no field has no energy.
struct Point<'a> {
    known: &'a Known,
    purpose: Purpose,
    exact: f64,
    lda: f64,
    trained: f64,
    /// Of the functional that the training started from, where it was a trained one.
    before: Option<f64>,
    /// Of the trained functional's field.
    warnings: Vec<String>,
}

impl Point<'_> {
    fn error_mha(&self, energy: f64) -> f64 {
        1e3 * (energy - self.exact)
    }
    fn separation(&self) -> f64 {
        self.known.member.separation
    }
}

impl ReadyTraining<'_> {
    fn lda(&self, known: &Known) -> Result<Scf, String> {
        let mirror_symmetric = self.study.options.scf.mirror_symmetric;
        let options = ScfOptions { mirror_symmetric, ..ScfOptions::converged() };
        let prepared = known.molecule.prepared();
        self_consistent_field(&self.study.model, prepared, &Lda::default(), &options)
            .map_err(|e| e.to_string())
    }

    fn point<'k>(&self, known: &'k Known, purpose: Purpose, run: &Finished) -> Point<'k> {
        let total = |electronic: f64| electronic + known.repulsion_ha;
        let with = |x: &[f64]| self.training.apply(x, known.molecule.prepared()).ok();
        let energy = |scf: Option<&Scf>| scf.map_or(f64::INFINITY, |s| total(s.energy_ha()));
        let trained = with(run.answer);
        let label = known.member.label();
        let model = &self.study.model;
        let doubts = trained.as_ref().map_or_else(Vec::new, |scf| scf.warnings(model));
        Point {
            known,
            purpose,
            exact: total(known.molecule.reference().energy_ha),
            lda: self.lda(known).map_or(f64::INFINITY, |s| total(s.energy_ha())),
            trained: energy(trained.as_ref()),
            before: self.study.file.as_ref().map(|_| energy(with(run.start).as_ref())),
            warnings: doubts.into_iter().map(|w| format!("{label}: {w}")).collect(),
        }
    }

    /// The whole of the verdict: criteria, figures, and the functional as a file.
    pub(super) fn judge(&self, run: &Finished) -> Result<Conclusion, String> {
        let study = self.study;
        let test = study.all_known(&study.test)?;
        let between = study.all_known(&self.between())?;
        let all = [
            (&self.train, Purpose::Training),
            (&self.validation, Purpose::Validation),
            (&test, Purpose::Test),
            (&between, Purpose::Drawing),
        ];
        let all: Vec<(&Known, Purpose)> =
            all.into_iter().flat_map(|(list, p)| list.iter().map(move |k| (k, p))).collect();
        let mut points: Vec<Point> =
            all.par_iter().map(|(known, purpose)| self.point(known, *purpose, run)).collect();
        points.sort_by(|a, b| a.separation().total_cmp(&b.separation()));
        let mut figures = Vec::new();
        for (k, list) in study.test.iter().enumerate() {
            let name = list.formula.to_string();
            let curve: Vec<&Point> =
                points.iter().filter(|p| p.known.member.formula == list.formula).collect();
            if curve.len() > 2 {
                figures.push(curve_figure(k, &name, &curve));
                figures.push(error_figure(k, &name, &curve));
            }
        }
        let first: Vec<&Known> =
            test.iter().filter(|k| k.member.formula == test[0].member.formula).collect();
        let mut shown = vec![first[0], first[first.len() / 2], first[first.len() - 1]];
        shown.dedup_by(|a, b| a.member == b.member);
        for known in &shown {
            figures.push(self.density_figure(known, run.answer)?);
        }
        if let Some(known) = shown.last() {
            figures.extend(self.potential_figure(known, run.answer)?);
        }
        let architecture = self.training.architecture().clone();
        let functional = FunctionalFile { architecture, parameters: run.answer.to_vec() };
        let (criteria, findings) = self.verdict(run, &points);
        Ok(Conclusion {
            criteria,
            findings,
            warnings: judged(&points).flat_map(|p| p.warnings.clone()).collect(),
            figures,
            artifacts: vec![
                ("errors.csv".to_owned(), table(&points).into_bytes()),
                ("functional.npy".to_owned(), functional.to_bytes()),
            ],
            ..Conclusion::default()
        })
    }

    /// Separations between those that are judged, for each formula of the test whose exact states are cheap: a curve is drawn
    /// through what was computed, at steps of a 24th of its length or less.
    fn between(&self) -> Vec<Family> {
        const CHEAP_ELECTRONS: usize = 2;
        const STEPS: f64 = 24.0;
        let h = self.study.model.grid.spacing_bohr();
        let on_grid = |r: f64| (r / h).round() * h;
        let drawn = |list: &Family| {
            let all = self.train.iter().chain(&self.validation).map(|known| &known.member);
            let same = all.filter(|member| member.formula == list.formula);
            let mut known: Vec<f64> =
                same.map(|m| m.separation).chain(list.separations.iter().copied()).collect();
            known.sort_by(f64::total_cmp);
            let stride = on_grid((known[known.len() - 1] - known[0]) / STEPS).max(h);
            let mut separations = Vec::new();
            for gap in known.windows(2) {
                let steps = ((gap[1] - gap[0]) / stride - 1e-6).ceil();
                let mut step = 1.0;
                while step < steps {
                    separations.push(on_grid(gap[0] + (gap[1] - gap[0]) * step / steps));
                    step += 1.0;
                }
            }
            separations.retain(|r| known.iter().all(|k| (k - r).abs() > 0.5 * h));
            separations.dedup_by(|a, b| (*a - *b).abs() < 0.5 * h);
            Family { formula: list.formula.clone(), separations }
        };
        let cheap = |list: &&Family| {
            list.formula.is_free()
                && list.formula.electrons() <= CHEAP_ELECTRONS
                && list.separations.len() > 2
        };
        self.study.test.iter().filter(cheap).map(drawn).collect()
    }

    /// The goals in words and, where they have a number, as numbers.
    fn verdict(&self, run: &Finished, points: &[Point]) -> (Vec<Criterion>, Vec<Finding>) {
        let study = self.study;
        let (start, end) = (run.start_value, run.answer_value);
        let reduction = start / end;
        let mut criteria = vec![Criterion {
            what: "training loss falls".into(),
            must: format!("by a factor of {} or more", study.loss_reduction),
            measured: format!("{start:.3e} -> {end:.3e}, a factor of {reduction:.1}"),
            met: Some(reduction >= study.loss_reduction),
        }];
        let asked = Some(Must::AtLeast(study.loss_reduction));
        let mut findings =
            vec![Finding::new("loss reduction", &criteria[0].what, "", asked, reduction)];
        for (k, list) in study.test.iter().enumerate() {
            let tested: Vec<&Point> = points
                .iter()
                .filter(|p| p.purpose == Purpose::Test && p.known.member.formula == list.formula)
                .collect();
            let errors = |energy: &dyn Fn(&Point) -> f64| -> (f64, f64) {
                let each = tested.iter().map(|p| p.error_mha(energy(p)).abs());
                let (sum, most) = each.fold((0.0, 0.0), |(s, m), e| (s + e, f64::max(m, e)));
                (sum / tested.len() as f64, most)
            };
            let (mean, most) = errors(&|p| p.trained);
            let mut measured = format!("mean {mean:.2} mHa, largest {most:.2} mHa");
            if study.file.is_some() {
                let (mean, most) = errors(&|p| p.before.unwrap_or(f64::NAN));
                let _ = write!(measured, "; before the training {mean:.2} and {most:.2}");
            }
            let (mean, most_lda) = errors(&|p| p.lda);
            let _ = write!(measured, "; the LDA's {mean:.2} and {most_lda:.2}");
            let must = study.largest_error_mha.get(k).copied().filter(|m| *m > 0.0);
            let what = format!("error of {} at {} test geometries", list.formula, members_of(list));
            let (label, asked) =
                (format!("largest error of {}", list.formula), must.map(Must::AtMost));
            findings.push(Finding::new(&label, &what, "mHa", asked, most));
            criteria.push(Criterion {
                what,
                must: must.map_or(String::new(), |m| format!("at most {m} mHa")),
                measured,
                met: must.map(|m| most <= m),
            });
        }
        // a molecule without a field has no energy, and JSON no infinity
        findings.retain(|found| found.measured.is_finite());
        (criteria, findings)
    }

    fn density_figure(&self, known: &Known, x: &[f64]) -> Result<Figure, String> {
        let grid = &self.study.model.grid;
        let label = known.member.label();
        let trained =
            self.training.apply(x, known.molecule.prepared()).map_err(|e| e.to_string())?;
        let lda = self.lda(known)?;
        let reach = reach(known);
        let line = |label: &str, mark, f: &[f64]| on_grid(label, mark, grid, f, reach);
        let series = vec![
            line("exact", Mark::Line, &known.molecule.reference().density),
            line("LDA", Mark::Dashes, &lda.total_density()),
            line("trained", Mark::Dots, &trained.total_density()),
        ];
        let name = format!("density-{}", label.replace(' ', ""));
        Ok(densities(&name, &format!("Density of {label}"), series))
    }

    /// Exchange-correlation potentials: the exact one where the density's inversion succeeds.
    fn potential_figure(&self, known: &Known, x: &[f64]) -> Result<Option<Figure>, String> {
        let (study, prepared) = (self.study, known.molecule.prepared());
        let model = &study.model;
        let density = &known.molecule.reference().density;
        let Ok(exact) = invert(model, prepared, density, &InversionOptions::default()) else {
            return Ok(None);
        };
        let trained = self.training.apply(x, prepared).map_err(|e| e.to_string())?;
        let lda = self.lda(known)?;
        let xc = |scf: &Scf| -> Vec<f64> {
            let step = scf.last();
            let hartree = model.interaction.hartree_potential(&model.grid, &step.density_in);
            let outside = prepared.external_ha.iter().zip(&hartree);
            step.potential_ha.iter().zip(outside).map(|(v, (e, u))| v - e - u).collect()
        };
        let label = known.member.label();
        let electrons = model.grid.integral(density);
        // a constant means nothing, so each has the mean 0 over the density
        let line = |name: &str, mark, f: &[f64]| {
            let weighted: Vec<f64> = f.iter().zip(density).map(|(v, n)| v * n).collect();
            let mean = model.grid.integral(&weighted) / electrons;
            let shape: Vec<f64> = f.iter().map(|v| v - mean).collect();
            on_grid(name, mark, &model.grid, &shape, reach(known))
        };
        let series = vec![
            line("exact", Mark::Line, &exact.exchange_correlation_ha),
            line("LDA", Mark::Dashes, &xc(&lda)),
            line("trained", Mark::Dots, &xc(&trained)),
        ];
        let name = format!("potential-{}", label.replace(' ', ""));
        let title =
            format!("Exchange-correlation potential of {label}, less its mean over the density");
        Ok(Some(potentials(&name, &title, series)))
    }
}

/// The points that a verdict sees.
fn judged<'p, 'k>(points: &'p [Point<'k>]) -> impl Iterator<Item = &'p Point<'k>> {
    points.iter().filter(|p| p.purpose != Purpose::Drawing)
}

/// Points from which on they are joined by lines: fewer are no curve.
const CURVE: usize = 12;

/// A line, or marks where there are too few points for one.
fn mark_for(points: &[&Point], line: Mark, few: Mark) -> Mark {
    if points.len() < CURVE { few } else { line }
}

fn members_of(list: &Family) -> usize {
    members(std::slice::from_ref(list)).len()
}

/// Half the width of a picture of a molecule in bohr.
fn reach(known: &Known) -> f64 {
    let Known { member, .. } = known;
    0.5 * member.formula.spacings_bohr(member.separation).iter().sum::<f64>() + 6.0
}

/// `dissociation` of the first formula, `dissociation-2` of the next.
fn numbered(name: &str, k: usize) -> String {
    if k == 0 { name.into() } else { format!("{name}-{}", k + 1) }
}

fn along(label: &str, mark: Mark, points: &[&Point], value: &dyn Fn(&Point) -> f64) -> Series {
    Series::new(label, mark, points.iter().map(|p| (p.separation(), value(p))))
}

fn curve_figure(k: usize, formula: &str, points: &[&Point]) -> Figure {
    let exact: Vec<(f64, f64)> = points.iter().map(|p| (p.separation(), p.exact)).collect();
    let trained_on: Vec<&Point> =
        points.iter().filter(|p| p.purpose == Purpose::Training).copied().collect();
    let mark = |line| mark_for(points, line, Mark::Circles);
    let mut series = if points.len() < CURVE {
        vec![Series::new("exact", Mark::Crosses, exact)]
    } else {
        exact_in_band(&exact).to_vec()
    };
    series.push(along("LDA", mark(Mark::Dashes), points, &|p| p.lda));
    series.push(along("trained", mark(Mark::Dots), points, &|p| p.trained));
    if points.iter().any(|p| p.before.is_some()) {
        let before = |p: &Point| p.before.unwrap_or(f64::NAN);
        series.push(along("before the training", Mark::Crosses, points, &before));
    }
    if !trained_on.is_empty() {
        series.push(along("trained on", Mark::Circles, &trained_on, &|p| p.exact));
    }
    let title = format!("Total energy of {formula}");
    Figure::lines(&numbered("dissociation", k), &title, ["R (bohr)", "total energy (Ha)"], series)
}

/// Errors over decades: the LDA's and those of interest differ by two.
fn error_figure(k: usize, formula: &str, points: &[&Point]) -> Figure {
    let size = |energy: &dyn Fn(&Point) -> f64, p: &Point| p.error_mha(energy(p)).abs().max(1e-3);
    let mark = |line| mark_for(points, line, Mark::Circles);
    let mut series = vec![
        along("", Mark::Line, &[], &|p| p.exact), // so that colours are those of the curves
        along("LDA", mark(Mark::Dashes), points, &|p| size(&|p| p.lda, p)),
        along("trained", mark(Mark::Dots), points, &|p| size(&|p| p.trained, p)),
    ];
    if points.iter().any(|p| p.before.is_some()) {
        let before = |p: &Point| size(&|p| p.before.unwrap_or(f64::NAN), p);
        series.push(along("before the training", Mark::Crosses, points, &before));
    }
    series.push(along("1.6 mHa (chemical accuracy)", Mark::Thin, points, &|_| 1.6));
    let title = format!("Error of the total energy of {formula}");
    let labels = ["R (bohr)", "size of the error (mHa)"];
    Figure { log_y: true, ..Figure::lines(&numbered("errors", k), &title, labels, series) }
}

fn table(points: &[Point]) -> String {
    let mut text = String::from(
        "molecule,purpose,exact_ha,exact_uncertainty_ha,lda_ha,trained_ha,before_ha,lda_error_mha,trained_error_mha\n",
    );
    for p in judged(points) {
        let before = p.before.map_or(String::new(), |e| format!("{e:.10}"));
        let _ = writeln!(
            text,
            "{},{},{:.10},{:.1e},{:.10},{:.10},{before},{:.4},{:.4}",
            p.known.member.label(),
            p.purpose.name(),
            p.exact,
            p.known.molecule.reference().error_ha,
            p.lda,
            p.trained,
            p.error_mha(p.lda),
            p.error_mha(p.trained)
        );
    }
    text
}
