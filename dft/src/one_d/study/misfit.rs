//! Why a molecule does not fit the grid, the box or the exact solvers.

use thiserror::Error;

use crate::one_d::exact::reference::ground_state_bytes;
use crate::one_d::family::{Family, Member};
use crate::one_d::field::scf::Model;
use crate::one_d::formula::Formula;

/// Nuclei must stay this far from the end of the box, bohr.
const MARGIN_BOHR: f64 = 5.0;
/// Exact states are computed of at most so many electrons.
const MOST_ELECTRONS: usize = 4;

/// What does not fit.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Misfit {
    /// A nucleus between two points of the grid: the energy would jump when it moves.
    #[error(
        "\"{label}\": a distance of {distance_bohr} bohr does not fit a grid of {spacing_bohr} bohr"
    )]
    OffGrid {
        /// The molecule.
        label: String,
        /// The distance.
        distance_bohr: f64,
        /// Distance of the grid's points.
        spacing_bohr: f64,
    },
    /// A nucleus too near to the end of the box.
    #[error(
        "\"{label}\" comes within {MARGIN_BOHR} bohr of the end of the box (+-{half_width_bohr:.2} bohr)"
    )]
    OutsideBox {
        /// The molecule.
        label: String,
        /// Half of the box.
        half_width_bohr: f64,
    },
    /// More electrons than can be solved exactly.
    #[error("\"{label}\" has {electrons} electrons")]
    Electrons {
        /// The molecule.
        label: String,
        /// Its electrons.
        electrons: usize,
    },
    /// An exact state that does not fit in memory.
    #[error(
        "the exact reference of \"{label}\" on {points} points takes {megabytes} MB, more than the {most} MB that are allowed"
    )]
    Memory {
        /// The molecule.
        label: String,
        /// Points of the grid.
        points: usize,
        /// What it takes.
        megabytes: usize,
        /// What is allowed.
        most: usize,
    },
}

impl Misfit {
    /// What may be done about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::OffGrid { distance_bohr, spacing_bohr, .. } => {
                let near = (distance_bohr / spacing_bohr).round() * spacing_bohr;
                format!(
                    "nuclei must lie on grid points, or the energy jumps; the nearest is {near:.4}"
                )
            }
            Self::OutsideBox { .. } => "use more grid points".into(),
            Self::Electrons { .. } => {
                format!("exact references are computed for at most {MOST_ELECTRONS} electrons")
            }
            Self::Memory { .. } => {
                "use fewer grid points; twice as many take four times the memory".into()
            }
        }
    }

    /// Why a molecule at rest is too wide for the box; `None` where it is not.
    pub fn of_width(model: &Model, label: &str, spacings_bohr: &[f64]) -> Option<Self> {
        let half_width_bohr = model.grid.half_width_bohr();
        let is_outside = 0.5 * spacings_bohr.iter().sum::<f64>() > half_width_bohr - MARGIN_BOHR;
        is_outside.then(|| Self::OutsideBox { label: label.into(), half_width_bohr })
    }

    /// Why a molecule has no exact state here; `None` where it has one.
    pub fn of_exact_state(model: &Model, label: &str, formula: &Formula) -> Option<Self> {
        let electrons = formula.electrons();
        let label = label.into();
        if electrons > MOST_ELECTRONS {
            return Some(Self::Electrons { label, electrons });
        }
        let (bytes, most) = ground_state_bytes(model, [electrons.div_ceil(2), electrons / 2]);
        let (points, megabytes, most_megabytes) =
            (model.grid.points(), bytes / 1_000_000, most / 1_000_000);
        (bytes > most).then_some(Self::Memory { label, points, megabytes, most: most_megabytes })
    }

    /// Why one of a family cannot be a reference; `None` where it can.
    fn of_member(model: &Model, member: &Member) -> Option<Self> {
        let (label, spacing_bohr) = (member.label(), model.grid.spacing_bohr());
        let spacings = member.formula.spacings_bohr(member.separation);
        let is_off = |r: &&f64| (*r / spacing_bohr - (*r / spacing_bohr).round()).abs() > 1e-6;
        if let Some(&distance_bohr) = spacings.iter().find(is_off) {
            return Some(Self::OffGrid { label, distance_bohr, spacing_bohr });
        }
        Self::of_width(model, &label, &spacings)
            .or_else(|| Self::of_exact_state(model, &label, &member.formula))
    }

    /// The first misfit of each sort in a family, and how many more there are of it.
    pub fn of_family(model: &Model, family: &Family) -> Vec<(Self, usize)> {
        let mut sorts: Vec<(Self, usize)> = Vec::new();
        for misfit in family.members().filter_map(|member| Self::of_member(model, &member)) {
            let sort = std::mem::discriminant(&misfit);
            match sorts.iter_mut().find(|(first, _)| std::mem::discriminant(first) == sort) {
                Some((_, more)) => *more += 1,
                None => sorts.push((misfit, 0)),
            }
        }
        sorts
    }
}

/// Of each molecule of `later` that is one of `earlier`, however it is written there: its label, and its label there.
pub fn shared(later: &[Family], earlier: &[Family]) -> Vec<[String; 2]> {
    let seen: Vec<Member> = earlier.iter().flat_map(Family::members).collect();
    let twin = |member: Member| {
        let twin = seen.iter().find(|other| other.is_same(&member))?;
        Some([member.label(), twin.label()])
    };
    later.iter().flat_map(Family::members).filter_map(twin).collect()
}

#[cfg(test)]
mod tests {
    use super::{Misfit, shared};
    use crate::one_d::family::Family;
    use crate::one_d::{Grid, Interaction, Model, Stencil};

    fn family(text: &str) -> Family {
        text.parse().unwrap()
    }

    #[test]
    fn each_sort_of_misfit_is_told_once_with_the_number_of_others() {
        let model = Model {
            grid: Grid::PAPER,
            stencil: Stencil::FivePoint,
            interaction: Interaction::BAKER,
        };
        let off = Misfit::of_family(&model, &family("H R H: 1.28, 1.30, 1.31"));
        let [(first @ Misfit::OffGrid { .. }, 1)] = &off[..] else { panic!("{off:?}") };
        assert!(first.remedy().ends_with("1.2800"), "{}", first.remedy());
        let wide = Misfit::of_family(&model, &family("H R H: 1.28, 40.0"));
        assert!(matches!(&wide[..], [(Misfit::OutsideBox { .. }, 0)]), "{wide:?}");
        let many = Misfit::of_family(&model, &family("C"));
        assert!(matches!(&many[..], [(Misfit::Electrons { electrons: 6, .. }, 0)]), "{many:?}");
        assert!(Misfit::of_family(&model, &family("H R H: 1.28, 3.84")).is_empty());
    }

    #[test]
    fn one_system_in_two_lists_is_seen_whatever_its_text() {
        let twins = shared(&[family("Z1 R Z1: 1.28")], &[family("H R H: 1.28, 3.84")]);
        assert_eq!(twins, [["Z1 1.28 Z1".to_owned(), "H 1.28 H".to_owned()]]);
        assert!(shared(&[family("Li")], &[family("Li +")]).is_empty());
    }
}
