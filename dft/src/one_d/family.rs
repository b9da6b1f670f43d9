//! Molecules that differ in one distance: `"H R H: 1.28, 3.84"` is two hydrogen molecules, `"Li"` an atom.

use std::str::FromStr;

use thiserror::Error;

use crate::one_d::formula::{Formula, FormulaError};
use crate::one_d::grid::Grid;
use crate::one_d::system::{System, SystemError};

/// A formula, with values of its free distance.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// What it is made of.
    pub formula: Formula,
    /// In bohr, ascending; one, of no meaning, where no distance is free.
    pub separations: Vec<f64>,
}

/// One molecule of a family.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// What it is made of.
    pub formula: Formula,
    /// Value of its free distance, bohr.
    pub separation: f64,
}

impl Member {
    /// The formula with its numbers.
    pub fn label(&self) -> String {
        let number = format!("{:.2}", self.separation);
        let word = |w: &str| if w == "R" { number.clone() } else { w.to_owned() };
        self.formula.to_string().split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// Whether both are one system, whatever its text: moved, mirrored or written otherwise.
    pub fn is_same(&self, other: &Self) -> bool {
        let system = |m: &Self| m.formula.system(m.separation).ok();
        system(self).zip(system(other)).is_some_and(|(a, b)| a.is_congruent(&b))
    }

    /// Its system, on the grid.
    ///
    /// # Errors
    /// Nuclei in one place.
    pub fn system(&self, grid: &Grid) -> Result<System, SystemError> {
        self.formula.system(self.separation).map(|system| system.on_grid(grid))
    }
}

impl Family {
    /// Every molecule.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        let member = |&separation: &f64| Member { formula: self.formula.clone(), separation };
        self.separations.iter().map(member)
    }
}

/// All molecules of these families.
pub fn members(families: &[Family]) -> Vec<Member> {
    families.iter().flat_map(Family::members).collect()
}

/// Why a text is no family.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("in \"{text}\": {why}")]
pub struct FamilyError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl FromStr for Family {
    type Err = FamilyError;

    fn from_str(text: &str) -> Result<Self, FamilyError> {
        let refuse = |why: String| FamilyError { text: text.into(), why };
        let (formula, numbers) = text.split_once(':').map_or((text, None), |(f, n)| (f, Some(n)));
        let formula: Formula = formula.parse().map_err(|e: FormulaError| refuse(e.to_string()))?;
        let mut separations = Vec::new();
        for word in numbers.unwrap_or("").split(',').map(str::trim).filter(|w| !w.is_empty()) {
            match word.parse::<f64>() {
                Ok(r) if r.is_finite() && r > 0.0 => separations.push(r),
                _ => return Err(refuse(format!("\"{word}\" is no distance in bohr"))),
            }
        }
        separations.sort_by(f64::total_cmp);
        match (formula.is_free(), separations.is_empty()) {
            (true, true) => Err(refuse("the distance R has no values".into())),
            (false, false) => {
                Err(refuse("there are values, but no distance R that they are of".into()))
            }
            (false, true) => Ok(Self { formula, separations: vec![0.0] }),
            (true, false) => Ok(Self { formula, separations }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Family, Member};

    #[test]
    fn systems_are_compared_and_not_texts() {
        let one = |text: &str| text.parse::<Family>().unwrap().members().next().unwrap();
        assert!(one("H R H: 1.28").is_same(&one("H 1.280 H")));
        assert!(one("H R H: 1.28").is_same(&one("Z1 R Z1: 1.28")));
        assert!(one("He R H +: 1.52").is_same(&one("H R He +: 1.52")));
        assert!(one("Li +").is_same(&one("Z3 +1")));
        assert!(!one("He R H +: 1.52").is_same(&one("H R He +: 1.6")));
        assert!(!one("Li").is_same(&one("Li +")));
    }

    #[test]
    fn lists_are_read_and_labelled() {
        let h2 = "H R H: 3.84, 1.28".parse::<Family>().unwrap();
        let labels: Vec<String> = h2.members().map(|m: Member| m.label()).collect();
        assert_eq!(labels, ["H 1.28 H", "H 3.84 H"]);
        assert_eq!("Li +".parse::<Family>().unwrap().members().next().unwrap().label(), "Li +");
        for wrong in ["H R H", "H R H:", "H 1.5 H: 2.0", "H R H: 1.28, x", "Q", "H R H: -1.0"] {
            assert!(wrong.parse::<Family>().is_err(), "{wrong}");
        }
    }
}
