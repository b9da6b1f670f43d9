//! Chemical elements by number and symbol.

use std::fmt;

use super::BOHR_ANGSTROM;

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

/// Covalent radii from H to Kr, angstrom: Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j; of Mn, Fe and Co those of low spin.
const COVALENT_RADII: [f64; 36] = [
    0.31, 0.28, 1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58, 1.66, 1.41, 1.21, 1.11, 1.07, 1.05,
    1.02, 1.06, 2.03, 1.76, 1.70, 1.60, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24, 1.32, 1.22, 1.22, 1.20,
    1.19, 1.20, 1.20, 1.16,
];
/// Of a heavier element, angstrom.
const HEAVY_RADIUS: f64 = 1.4;

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

    /// Half the length of a single bond between two of its atoms, in bohr; 1.4 angstrom beyond krypton.
    pub fn covalent_radius_bohr(self) -> f64 {
        COVALENT_RADII.get(self.0 - 1).copied().unwrap_or(HEAVY_RADIUS) / BOHR_ANGSTROM
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
