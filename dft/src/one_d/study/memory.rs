//! What exact states take.

use crate::one_d::exact::reference::ground_state_bytes;
use crate::one_d::field::scf::Model;
use crate::one_d::formula::Formula;

/// Memory of the exact reference of a molecule in bytes.
pub(super) fn reference_bytes(model: &Model, formula: &Formula) -> usize {
    let electrons = formula.electrons();
    ground_state_bytes(model, [electrons.div_ceil(2), electrons / 2]).0
}
