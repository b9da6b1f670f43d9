//! The boundary derivative: discontinuities move with the parameters, and their motion is an integral over edges
//! (Li, Aittala, Durand & Lehtinen, ACM TOG 37(6), 2018, eq. 8).

mod primary;
mod shadow;

pub(crate) use primary::{PrimaryEdges, PrimaryEvent};
pub(crate) use shadow::ShadowEdges;
