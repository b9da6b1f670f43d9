//! A problem in stages: what a trajectory optimizer sees of a motion.
//!
//! States `x_0, ..., x_N` follow from controls `u_0, ..., u_(N-1)` by `x_(k+1) = f_k(x_k, u_k)`; the cost is
//! `sum_k l_k(x_k, u_k) + l_N(x_N)`. A flat list of parameters hides this structure; with it Newton's step costs `N` small matrices. States
//! may live on a manifold (a quaternion has four numbers and three directions): derivatives are by coordinates of the tangent space
//! at the state.

use thiserror::Error;

use crate::failure::TrialFailure;

/// Why a problem has no stages.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum NoStages {
    /// There are no states that follow each other.
    #[error("there is no trajectory to optimise in stages: {0}")]
    NoTrajectory(String),
    /// A free parameter is not a control.
    #[error(
        "`{0}` is no control, and acts at every stage: fix it by a value, or optimise it by \"lbfgsb\""
    )]
    NotAControl(String),
    /// A control goes through a transform.
    #[error(
        "`{0}` goes through a transform, and stages have controls as they are: leave its transform out"
    )]
    Transform(String),
    /// A term is not a sum over times.
    #[error("the term `{0}` compares entries of several times at once: ask for each by itself")]
    Term(String),
}

/// A problem in stages, and which of its controls the free numbers are.
pub struct InStages<'a> {
    /// The stages.
    pub stages: Box<dyn Stages + 'a>,
    /// Stage of each free number, and its place among that stage's controls.
    pub places: Vec<(usize, usize)>,
}

impl std::fmt::Debug for InStages<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InStages").field("stages", &self.stages.len()).finish_non_exhaustive()
    }
}

impl InStages<'_> {
    /// The controls of each stage from the free numbers.
    pub fn controls(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let stages = 0..self.stages.len();
        let mut controls: Vec<Vec<f64>> =
            stages.map(|k| vec![0.0; self.stages.control_len(k)]).collect();
        self.places.iter().zip(x).for_each(|(&(stage, i), x)| controls[stage][i] = *x);
        controls
    }

    /// The free numbers from the controls of each stage.
    pub fn free_numbers(&self, controls: &[Vec<f64>]) -> Vec<f64> {
        self.places.iter().map(|&(stage, i)| controls[stage][i]).collect()
    }
}

/// The derivatives of a stage, by a displacement `dx` of the state (`nd` directions) and of the control (`nu`); matrices row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageDerivatives {
    /// `A`, `nd x nd`: by how much the next state is displaced; empty for the last stage.
    pub a: Vec<f64>,
    /// `B`, `nd x nu`; empty for the last stage.
    pub b: Vec<f64>,
    /// Gradient of the cost by the state, `nd`.
    pub cost_x: Vec<f64>,
    /// Gradient of the cost by the control, `nu`; empty for the last stage.
    pub cost_u: Vec<f64>,
    /// Second derivatives of the cost, `nd x nd`; positive semidefinite, or a Gauss-Newton part that is.
    pub cost_xx: Vec<f64>,
    /// Mixed second derivatives, `nu x nd`; empty for the last stage.
    pub cost_ux: Vec<f64>,
    /// `nu x nu`; empty for the last stage.
    pub cost_uu: Vec<f64>,
}

impl StageDerivatives {
    /// Zeros in the memory that it has, for `nd` directions and `nu` controls; no `A` and `B` for the last stage.
    pub(crate) fn reset(&mut self, nd: usize, nu: usize, is_last: bool) {
        let rows = if is_last { 0 } else { nd };
        for (list, length) in [
            (&mut self.a, rows * nd),
            (&mut self.b, rows * nu),
            (&mut self.cost_x, nd),
            (&mut self.cost_u, nu),
            (&mut self.cost_xx, nd * nd),
            (&mut self.cost_ux, nu * nd),
            (&mut self.cost_uu, nu * nu),
        ] {
            list.clear();
            list.resize(length, 0.0);
        }
    }
}

/// A dynamic system with a cost.
pub trait Stages: Sync {
    /// Number of stages `N`; states are numbered to `N`.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers of a state.
    fn state_len(&self) -> usize;

    /// Directions in which a state may be displaced, `nd`.
    fn directions(&self) -> usize;

    /// Numbers of a stage's control, `nu`; there may be none.
    fn control_len(&self, stage: usize) -> usize;

    /// The first state.
    fn start(&self) -> Vec<f64>;

    /// Least and greatest controls of a stage, `nu` each.
    fn control_limits(&self, stage: usize) -> [Vec<f64>; 2];

    /// Writes the next state; returns the cost of this stage.
    ///
    /// # Errors
    /// A [`TrialFailure`] where the state or the control has no value.
    fn step(
        &self,
        stage: usize,
        x: &[f64],
        u: &[f64],
        next: &mut [f64],
    ) -> Result<f64, TrialFailure>;

    /// The cost of the last state.
    ///
    /// # Errors
    /// As of [`Stages::step`].
    fn last_cost(&self, x: &[f64]) -> Result<f64, TrialFailure>;

    /// Replaces `out` by the derivatives of a stage; `u` is empty for the last state.
    ///
    /// # Errors
    /// As of [`Stages::step`].
    fn derivatives(
        &self,
        stage: usize,
        x: &[f64],
        u: &[f64],
        out: &mut StageDerivatives,
    ) -> Result<(), TrialFailure>;

    /// Writes the displacement that leads from `from` to `to`, `nd` entries.
    fn difference(&self, from: &[f64], to: &[f64], displacement: &mut [f64]) {
        displacement.iter_mut().zip(to.iter().zip(from)).for_each(|(d, (to, from))| *d = to - from);
    }
}
