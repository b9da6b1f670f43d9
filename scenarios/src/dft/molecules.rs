//! Lists of molecules that the exact solvers can take, none of them in two lists.

use std::fmt::Write as _;

use cotangent_dft::one_d::Model;
use cotangent_dft::one_d::family::{Family, FamilyError, Member, members};

use super::super::document::Settings;
use super::super::keys::{Key, Named};
use super::{MARGIN_BOHR, too_large};
use crate::diagnostic::{CONTRADICTION, Diagnostic};

/// The list of `key`, with what is wrong with it added to `problems`.
pub(super) fn read(
    s: &Settings,
    key: Key<[String]>,
    model: &Model,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Family> {
    let mut lists: Vec<Family> = Vec::new();
    for text in s.get(key) {
        match text.parse() {
            Ok(list) => lists.push(list),
            Err(error) => {
                let error: FamilyError = error;
                let help = "write it as \"H R H: 1.28, 3.84\", or an atom as \"Li\"";
                let code = "cotangent::scenario::molecule";
                problems.push(s.problem(code, key, error.to_string(), help));
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
pub(super) fn overlaps(s: &Settings, lists: &[(Key<[String]>, &[Family])]) -> Vec<Diagnostic> {
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
