//! A line formula: nuclei from left to right with the distances between them, in one text.
//!
//! `H 1.52 H` is a hydrogen molecule of 1.52 bohr, `H R H` one whose distance is still free, `He 1.52 H +` the ion HeH+,
//! `Be` an atom, `Z1.2 1.92 Z0.8` a molecule of fractional charges. Signs at the end are the charge of the whole, one or several
//! (`++`) or with a number: `Z1.5 2.0 Z2 +1.5` has two electrons.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::one_d::system::{System, SystemError};

/// Symbols by charge, from 1.
const SYMBOLS: [&str; 10] = ["H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne"];
/// Masses of [`SYMBOLS`] in unified atomic mass units (IUPAC 2021, abridged).
const MASSES_U: [f64; 10] =
    [1.008, 4.0026, 6.94, 9.0122, 10.81, 12.011, 14.007, 15.999, 18.998, 20.180];

/// A distance between neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Gap {
    Bohr(f64),
    Free,
}

/// Nuclei from left to right, the gaps between them, and the charge of the whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Formula {
    charges: Vec<f64>,
    gaps: Vec<Gap>,
    electrons: usize,
    text: String,
}

/// What is wrong with a formula.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FormulaError {
    /// Nothing stands there.
    #[error("the formula is empty; write nuclei with distances between them, as in \"H 1.52 H\"")]
    Empty,
    /// A nucleus was to stand here.
    #[error("\"{found}\" is no nucleus; write a symbol from H to Ne, or a charge as in \"Z1.2\"")]
    Nucleus {
        /// What stands there.
        found: String,
    },
    /// A distance was to stand here.
    #[error(
        "\"{found}\" is no distance; between nuclei stands a positive number in bohr, or R where it is free"
    )]
    Gap {
        /// What stands there.
        found: String,
    },
    /// The electrons that are left are none, or no whole number.
    #[error(
        "charges of {nuclei} and a total charge of {total:+} leave {left} electrons: that must be a whole number above 0"
    )]
    Electrons {
        /// Sum of the nuclear charges.
        nuclei: f64,
        /// Charge of the whole.
        total: f64,
        /// What is left.
        left: f64,
    },
}

impl FromStr for Formula {
    type Err = FormulaError;

    fn from_str(text: &str) -> Result<Self, FormulaError> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let mut total = 0.0;
        while let Some(charge) = words.last().and_then(|w| charge_of(w)) {
            total += charge;
            words.pop();
        }
        if words.is_empty() {
            return Err(FormulaError::Empty);
        }
        let nuclei = words.iter().step_by(2).map(|w| nucleus(w));
        let charges = nuclei.collect::<Result<Vec<f64>, _>>()?;
        let gaps: Vec<Gap> =
            words.iter().skip(1).step_by(2).map(|w| gap(w)).collect::<Result<_, _>>()?;
        if gaps.len() + 1 != charges.len() {
            return Err(FormulaError::Nucleus { found: String::from("(the end)") });
        }
        let sum: f64 = charges.iter().sum();
        let left = sum - total;
        if left < 0.5 || (left - left.round()).abs() > 1e-9 {
            return Err(FormulaError::Electrons { nuclei: sum, total, left });
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive whole number"
        )]
        let electrons = left.round() as usize;
        Ok(Self {
            charges,
            gaps,
            electrons,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }
}

/// The charge that a word of signs, or a number with its sign, stands for.
fn charge_of(word: &str) -> Option<f64> {
    let sign = |c: char| match c {
        '+' => Some(1.0),
        '-' => Some(-1.0),
        _ => None,
    };
    let first = word.chars().next().and_then(sign)?;
    let signs: Option<f64> = word.chars().map(sign).sum();
    let number = || word[1..].parse().ok().filter(|c: &f64| c.is_finite() && *c >= 0.0);
    signs.or_else(|| number().map(|c: f64| first * c))
}

fn nucleus(word: &str) -> Result<f64, FormulaError> {
    let known = SYMBOLS.iter().zip(1_u8..).find(|(symbol, _)| **symbol == word);
    let charge = known.map(|(_, z)| f64::from(z));
    let charge = charge.or_else(|| word.strip_prefix('Z').and_then(|z| z.parse().ok()));
    let usable = charge.filter(|z| z.is_finite() && *z > 0.0);
    usable.ok_or_else(|| FormulaError::Nucleus { found: word.into() })
}

fn gap(word: &str) -> Result<Gap, FormulaError> {
    if word == "R" {
        return Ok(Gap::Free);
    }
    let length = word.parse().ok().filter(|r: &f64| r.is_finite() && *r > 0.0);
    length.map(Gap::Bohr).ok_or_else(|| FormulaError::Gap { found: word.into() })
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Formula {
    /// Whether some distance is `R`.
    pub fn is_free(&self) -> bool {
        self.gaps.contains(&Gap::Free)
    }

    /// Charges of the nuclei, from left to right.
    pub fn charges(&self) -> &[f64] {
        &self.charges
    }

    /// Number of electrons.
    pub fn electrons(&self) -> usize {
        self.electrons
    }

    /// Masses of the nuclei in unified atomic mass units, of the elements; `None` where a charge is not one of an element's.
    pub fn masses_u(&self) -> Option<Vec<f64>> {
        let mass =
            |z: &f64| MASSES_U.iter().zip(1_u8..).find(|(_, k)| (f64::from(*k) - z).abs() < 1e-9);
        self.charges.iter().map(|z| mass(z).map(|(m, _)| *m)).collect()
    }

    /// The distances in bohr, with `separation_bohr` where they are free.
    pub fn spacings_bohr(&self, separation_bohr: f64) -> Vec<f64> {
        let length = |g: &Gap| match *g {
            Gap::Bohr(r) => r,
            Gap::Free => separation_bohr,
        };
        self.gaps.iter().map(length).collect()
    }

    /// The system with `separation_bohr` where distances are free, its middle at the origin, its electrons paired as far as
    /// possible.
    ///
    /// # Errors
    /// As [`System::new`].
    pub fn system(&self, separation_bohr: f64) -> Result<System, SystemError> {
        let positions = centred(&self.spacings_bohr(separation_bohr));
        let nuclei: Vec<_> = positions.into_iter().zip(self.charges.iter().copied()).collect();
        System::molecule(&nuclei, self.electrons)
    }
}

/// Positions with these distances, from left to right, the middle of the outermost two at the origin.
pub fn centred(spacings_bohr: &[f64]) -> Vec<f64> {
    let mut x = -0.5 * spacings_bohr.iter().sum::<f64>();
    let mut positions = vec![x];
    for r in spacings_bohr {
        x += r;
        positions.push(x);
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::{Formula, FormulaError};

    fn read(text: &str) -> Result<Formula, FormulaError> {
        text.parse()
    }

    #[test]
    fn formulas_are_systems() {
        let h2 = read(" H  R H").unwrap();
        assert!(h2.is_free() && h2.to_string() == "H R H");
        let system = h2.system(1.52).unwrap();
        assert_eq!(
            system.nuclei().iter().map(|a| a.position_bohr).collect::<Vec<_>>(),
            [-0.76, 0.76]
        );
        let pair = read("H 1.52 H R H 1.52 H").unwrap();
        assert_eq!((pair.electrons(), pair.spacings_bohr(4.0)), (4, vec![1.52, 4.0, 1.52]));
        assert_eq!(read("He 1.52 H +").unwrap().electrons(), 2);
        assert_eq!(
            read("Be + +").unwrap(),
            Formula { text: "Be + +".into(), ..read("Be ++").unwrap() }
        );
        assert_eq!(read("H -").unwrap().electrons(), 2);
        assert_eq!(read("Z1.5 2.0 Z2 +1.5").unwrap().electrons(), 2);
        assert_eq!(read("Z1.5 2.0 Z2 +0.5 +").unwrap().electrons(), 2);
        assert_eq!(read("Z1.5 -0.5").unwrap().electrons(), 2);
        assert_eq!(read("Li +1").unwrap().electrons(), read("Li +").unwrap().electrons());
        assert_eq!(read("Z1.2 1.92 Z0.8").unwrap().charges(), [1.2, 0.8]);
        assert_eq!(read("Li 3.0 H").unwrap().masses_u(), Some(vec![6.94, 1.008]));
        assert_eq!(read("Z1.5 1 Z0.5").unwrap().masses_u(), None);
    }

    #[test]
    fn nonsense_is_refused_with_the_word() {
        assert_eq!(read("  "), Err(FormulaError::Empty));
        assert_eq!(read("+"), Err(FormulaError::Empty));
        let found = |text: &str| read(text).unwrap_err().to_string();
        assert!(found("H 1.5 Xx").contains("\"Xx\" is no nucleus"));
        assert!(found("Z-1.0").contains("\"Z-1.0\" is no nucleus"));
        assert!(found("H H").contains("\"H\" is no distance"));
        assert!(found("H -2.0 H").contains("\"-2.0\" is no distance"));
        assert!(found("H 1.5").contains("the end"));
        assert!(found("H +").contains("leave 0 electrons"));
        assert!(found("Z1.2").contains("leave 1.2 electrons"));
        assert!(found("Z1.5 2.0 Z2 +1").contains("leave 2.5 electrons"));
        assert!(found("H 2.0 H +x").contains("\"+x\" is no distance"));
    }
}
