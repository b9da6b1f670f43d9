//! Chemical elements by number and symbol.

use std::fmt;

/// Symbols by atomic number, from 1.
const SYMBOLS: [&str; 118] = [
    "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl",
    "Ar", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As",
    "Se", "Br", "Kr", "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In",
    "Sn", "Sb", "Te", "I", "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb",
    "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl",
    "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm", "Bk",
    "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf", "Db", "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Nh",
    "Fl", "Mc", "Lv", "Ts", "Og",
];

/// A chemical element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element(usize);

impl Element {
    /// The element of an atomic number from 1 to 118.
    pub fn of_number(number: usize) -> Option<Self> {
        (1..=SYMBOLS.len()).contains(&number).then_some(Self(number))
    }

    /// The element of a symbol, in upper or lower case.
    pub fn of_symbol(symbol: &str) -> Option<Self> {
        let index = SYMBOLS.iter().position(|known| known.eq_ignore_ascii_case(symbol))?;
        Self::of_number(index + 1)
    }

    /// The number of protons.
    pub fn number(self) -> usize {
        self.0
    }

    /// The symbol, as `He`.
    pub fn symbol(self) -> &'static str {
        SYMBOLS[self.number() - 1]
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}
