//! The basis sets that the crate carries.
//!
//! From the Basis Set Exchange (BSD-3-Clause): Pritchard et al., J. Chem. Inf. Model. 59, 4814 (2019), doi:10.1021/acs.jcim.9b00725; the
//! files' heads name the references of each set, `peers/basis_tables.py` makes them.

use crate::molecule::basis::BasisSet;
use crate::molecule::basis::file::{BasisFileError, parse_basis};

/// Names of the sets, and their text.
const SETS: [(&str, &str); 8] = [
    ("STO-3G", include_str!("../../../data/basis/sto-3g.nw")),
    ("6-31G", include_str!("../../../data/basis/6-31g.nw")),
    ("6-31G*", include_str!("../../../data/basis/6-31gs.nw")),
    ("6-311++G**", include_str!("../../../data/basis/6-311ppgss.nw")),
    ("cc-pVDZ", include_str!("../../../data/basis/cc-pvdz.nw")),
    ("cc-pVTZ", include_str!("../../../data/basis/cc-pvtz.nw")),
    ("def2-SVP", include_str!("../../../data/basis/def2-svp.nw")),
    ("def2-TZVP", include_str!("../../../data/basis/def2-tzvp.nw")),
];

/// Other names of the same sets.
const SYNONYMS: [(&str, &str); 2] = [("6-31G(d)", "6-31G*"), ("6-311++G(d,p)", "6-311++G**")];

/// The names of the sets that the crate carries, for H to Ar (6-311++G** has no He).
pub fn names() -> impl Iterator<Item = &'static str> {
    SETS.iter().map(|(name, _)| *name)
}

/// The set of a name, in upper or lower case. `None` where there is no such set.
///
/// # Errors
/// [`BasisFileError`] where a set of the crate is malformed, which a test rules out.
pub fn basis_set(name: &str) -> Result<Option<BasisSet>, BasisFileError> {
    let synonym = SYNONYMS.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    let name = synonym.map_or(name, |(_, own)| own);
    let Some((name, text)) = SETS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
        return Ok(None);
    };
    parse_basis(text, name).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_has_every_element_and_as_many_functions_as_published() {
        // functions of H, C and Cl in spherical form
        let counts = [
            [1, 5, 9],
            [2, 9, 13],
            [2, 14, 18],
            [7, 22, 30],
            [5, 14, 18],
            [14, 30, 34],
            [5, 14, 18],
            [6, 31, 37],
        ];
        for (name, counts) in names().zip(counts) {
            let set = basis_set(&name.to_lowercase()).unwrap().unwrap();
            assert_eq!(set.elements.len(), if name == "6-311++G**" { 17 } else { 18 }, "{name}");
            for (number, wanted) in [1, 6, 17].into_iter().zip(counts) {
                let element = crate::molecule::Element::of_number(number).unwrap();
                let found: usize = set.elements[&element].iter().map(|s| 2 * s.l + 1).sum();
                assert_eq!(found, wanted, "{name} of {element}");
            }
        }
        assert_eq!(basis_set("6-31g(D)").unwrap(), basis_set("6-31G*").unwrap());
        assert!(basis_set("6-31H").unwrap().is_none());
    }
}
