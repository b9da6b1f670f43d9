//! Lists of molecules: `"H R H: 1.28, 3.84"` is two hydrogen molecules, `"Li"` an atom.

use std::fmt::Write as _;

use cotangent_dft::one_d::{Formula, Grid, Model, System};

use super::super::document::Settings;
use super::super::keys::{Key, Named};
use super::{MARGIN_BOHR, too_large};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

/// A formula, with values of its free distance.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Molecules {
    pub formula: Formula,
    /// In bohr, ascending; one, of no meaning, where no distance is free.
    pub separations: Vec<f64>,
}

/// One molecule of a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub formula: Formula,
    pub separation: f64,
}

impl Member {
    /// The formula with its numbers.
    pub(super) fn label(&self) -> String {
        let number = format!("{:.2}", self.separation);
        let word = |w: &str| if w == "R" { number.clone() } else { w.to_owned() };
        self.formula.to_string().split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// Whether both are one system, whatever its text: moved, mirrored or written otherwise.
    fn is_same(&self, other: &Self) -> bool {
        let system = |m: &Self| m.formula.system(m.separation).ok();
        system(self).zip(system(other)).is_some_and(|(a, b)| a.is_congruent(&b))
    }

    /// Its system, on the grid.
    pub(super) fn system(&self, grid: &Grid) -> Result<System, String> {
        let system = self.formula.system(self.separation).map_err(|e| e.to_string())?;
        Ok(system.on_grid(grid))
    }
}

impl Molecules {
    /// Every molecule.
    pub(super) fn members(&self) -> impl Iterator<Item = Member> + '_ {
        let member = |&separation: &f64| Member { formula: self.formula.clone(), separation };
        self.separations.iter().map(member)
    }
}

/// All molecules of these lists.
pub(super) fn members(lists: &[Molecules]) -> Vec<Member> {
    lists.iter().flat_map(Molecules::members).collect()
}

fn parse(text: &str) -> Result<Molecules, (String, String)> {
    let (formula, numbers) = text.split_once(':').map_or((text, None), |(f, n)| (f, Some(n)));
    let help = || "write it as \"H R H: 1.28, 3.84\", or an atom as \"Li\"".to_owned();
    let formula: Formula = formula.parse().map_err(|e| (format!("in \"{text}\": {e}"), help()))?;
    let mut separations = Vec::new();
    for word in numbers.unwrap_or("").split(',').map(str::trim).filter(|w| !w.is_empty()) {
        match word.parse::<f64>() {
            Ok(r) if r.is_finite() && r > 0.0 => separations.push(r),
            _ => return Err((format!("in \"{text}\": \"{word}\" is no distance in bohr"), help())),
        }
    }
    separations.sort_by(f64::total_cmp);
    match (formula.is_free(), separations.is_empty()) {
        (true, true) => Err((format!("\"{text}\" has no values of R"), help())),
        (false, false) => {
            Err((format!("\"{text}\" has values, but no distance R that they are of"), help()))
        }
        (false, true) => Ok(Molecules { formula, separations: vec![0.0] }),
        (true, false) => Ok(Molecules { formula, separations }),
    }
}

/// The list of `key`, with what is wrong with it added to `problems`.
pub(super) fn read(
    s: &Settings,
    key: Key<[String]>,
    model: &Model,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Molecules> {
    let mut lists = Vec::new();
    for text in s.get(key) {
        match parse(text) {
            Ok(list) => lists.push(list),
            Err((message, help)) => {
                problems.push(s.problem("cotangent::scenario::molecule", key, message, help));
            }
        }
    }
    if s.get(key).is_empty() {
        let help = "name at least one molecule";
        problems.push(s.problem(CONTRADICTION, key, format!("`{}` is empty", key.path()), help));
    }
    for list in &lists {
        let all = list.members().filter_map(|member| misfit(s, key, model, &member)).collect();
        problems.extend(one_of_a_kind(all));
    }
    lists
}

/// The first problem of each code, with the number of others that it stands for.
fn one_of_a_kind(problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kinds: Vec<(Diagnostic, usize)> = Vec::new();
    for problem in problems {
        match kinds.iter_mut().find(|(first, _)| first.code == problem.code) {
            Some((_, more)) => *more += 1,
            None => kinds.push((problem, 0)),
        }
    }
    let told = |(mut first, more): (Diagnostic, usize)| {
        if more > 0 {
            let _ = write!(first.message, " (and {more} more of its list)");
        }
        first
    };
    kinds.into_iter().map(told).collect()
}

/// Why a molecule does not fit the grid, the box or the exact solvers.
fn misfit(s: &Settings, key: Key<[String]>, model: &Model, member: &Member) -> Option<Diagnostic> {
    let (label, grid) = (member.label(), &model.grid);
    let h = grid.spacing_bohr();
    let spacings = member.formula.spacings_bohr(member.separation);
    let off = spacings.iter().find(|r| (*r / h - (*r / h).round()).abs() > 1e-6);
    if let Some(r) = off {
        let message =
            format!("\"{label}\": a distance of {r} bohr does not fit a grid of {h} bohr");
        let near = (r / h).round() * h;
        let help = format!(
            "nuclei must lie on grid points, or the energy jumps; the nearest is {near:.4}"
        );
        return Some(s.problem("cotangent::scenario::off_grid", key, message, help));
    }
    let width = grid.half_width_bohr();
    if 0.5 * spacings.iter().sum::<f64>() > width - MARGIN_BOHR {
        let message = format!(
            "\"{label}\" comes within {MARGIN_BOHR} bohr of the end of the box (+-{width:.2} bohr)"
        );
        let help = "use more grid points";
        return Some(s.problem("cotangent::scenario::outside_box", key, message, help));
    }
    if member.formula.electrons() > 4 {
        let message = format!("\"{label}\" has {} electrons", member.formula.electrons());
        let help = "exact references are computed for at most 4 electrons";
        return Some(s.problem("cotangent::scenario::electrons", key, message, help));
    }
    too_large(s, model, &member.formula)
}

/// Systems that stand in two of these lists: nothing that is judged may have been seen.
pub(super) fn overlaps(s: &Settings, lists: &[(Key<[String]>, &[Molecules])]) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (k, (key, list)) in lists.iter().enumerate() {
        for (earlier, other) in &lists[..k] {
            let (path, earlier) = (key.path(), earlier.path());
            let seen = members(other);
            for member in members(list) {
                let twin = seen.iter().find(|m| m.is_same(&member));
                let Some(twin) = twin.map(Member::label) else { continue };
                let label = member.label();
                let message = if twin == label {
                    format!("\"{label}\" stands in both `{earlier}` and `{path}`")
                } else {
                    format!(
                        "\"{label}\" in `{path}` is the same system as \"{twin}\" in `{earlier}`"
                    )
                };
                let help = "training, validation and test molecules must differ: nothing that is judged may have been seen";
                problems.push(s.problem(CONTRADICTION, *key, message, help));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::{Member, parse};

    #[test]
    fn systems_are_compared_and_not_texts() {
        let one = |text: &str| parse(text).unwrap().members().next().unwrap();
        assert!(one("H R H: 1.28").is_same(&one("H 1.280 H")));
        assert!(one("H R H: 1.28").is_same(&one("Z1 R Z1: 1.28")));
        assert!(one("He R H +: 1.52").is_same(&one("H R He +: 1.52")));
        assert!(one("Li +").is_same(&one("Z3 +1")));
        assert!(!one("He R H +: 1.52").is_same(&one("H R He +: 1.6")));
        assert!(!one("Li").is_same(&one("Li +")));
    }

    #[test]
    fn lists_are_read_and_labelled() {
        let h2 = parse("H R H: 3.84, 1.28").unwrap();
        let labels: Vec<String> = h2.members().map(|m: Member| m.label()).collect();
        assert_eq!(labels, ["H 1.28 H", "H 3.84 H"]);
        assert_eq!(parse("Li +").unwrap().members().next().unwrap().label(), "Li +");
        for wrong in ["H R H", "H R H:", "H 1.5 H: 2.0", "H R H: 1.28, x", "Q", "H R H: -1.0"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
