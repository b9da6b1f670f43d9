//! Forward and reverse differentiation over one scalar trait.

pub mod objective;

pub use objective::{
    Capabilities, Evaluation, Objective, SampleKey, Term, TrialFailure, Want, Workspace,
};
