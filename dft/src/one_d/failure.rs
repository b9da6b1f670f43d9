//! What a computation that failed means to an optimizer: one meaning for each error, wherever it occurs.

use cotangent_problem::TrialFailure;

use crate::one_d::exact::full_ci::FullCiError;
use crate::one_d::exact::reference::ReferenceError;
use crate::one_d::exact::two_electrons::ExactError;
use crate::one_d::field::implicit::ImplicitError;
use crate::one_d::field::scf::{Model, Scf, ScfError, ScfStatus};
use crate::one_d::linear::eigen::EigenError;
use crate::one_d::system::SystemError;

impl From<EigenError> for TrialFailure {
    fn from(error: EigenError) -> Self {
        match error {
            EigenError::NotConverged { residual_ha, tolerance_ha, solves } => Self::NotConverged {
                what: "the orbitals of a potential".into(),
                residual: residual_ha,
                iterations: solves,
                advice: format!("allow a larger residual than {tolerance_ha:.0e} Ha"),
            },
            EigenError::NonFinite { point } => {
                Self::NonFinite { what: format!("the potential at grid point {point}") }
            }
            EigenError::TooManyStates { .. } => Self::Contract(error.to_string()),
        }
    }
}

impl From<SystemError> for TrialFailure {
    /// A nucleus that has left the box, or a charge below zero, is a trial that went too far; the others are no trial's doing.
    fn from(error: SystemError) -> Self {
        match error {
            SystemError::OutsideBox { .. } | SystemError::Nucleus { .. } => {
                Self::OutOfDomain { why: error.to_string() }
            }
            other => Self::Contract(other.to_string()),
        }
    }
}

impl From<ScfError> for TrialFailure {
    fn from(error: ScfError) -> Self {
        match error {
            ScfError::Eigen { source, .. } => source.into(),
            ScfError::System(source) => source.into(),
            other => Self::Contract(other.to_string()),
        }
    }
}

impl From<ExactError> for TrialFailure {
    fn from(error: ExactError) -> Self {
        match error {
            ExactError::System(source) => source.into(),
            ExactError::OneElectron(source) => source.into(),
            ExactError::NotConverged { residual_ha, iterations } => Self::NotConverged {
                what: "Davidson's method for two electrons".into(),
                residual: residual_ha,
                iterations,
                advice: "allow more iterations or a larger subspace".into(),
            },
            ExactError::Electrons { .. } | ExactError::Memory { .. } => {
                Self::Contract(error.to_string())
            }
        }
    }
}

impl From<FullCiError> for TrialFailure {
    fn from(error: FullCiError) -> Self {
        match error {
            FullCiError::MeanField(source) => source.into(),
            FullCiError::NotConverged { orbitals, residual_ha, iterations } => Self::NotConverged {
                what: format!("Davidson's method in {orbitals} orbitals"),
                residual: residual_ha,
                iterations,
                advice: "allow more iterations".into(),
            },
            other => Self::Contract(other.to_string()),
        }
    }
}

impl From<ReferenceError> for TrialFailure {
    fn from(error: ReferenceError) -> Self {
        match error {
            ReferenceError::System(source) => source.into(),
            ReferenceError::OneElectron(source) => source.into(),
            ReferenceError::Exact(source) => source.into(),
            ReferenceError::FullCi(source) => source.into(),
        }
    }
}

impl From<ImplicitError> for TrialFailure {
    fn from(error: ImplicitError) -> Self {
        match error {
            ImplicitError::NotConverged { residual } => Self::NotConverged {
                what: "self-consistent field".into(),
                residual,
                iterations: 0,
                advice: "converge it before it is differentiated".into(),
            },
            ImplicitError::Response { residual, applications } => Self::NotConverged {
                what: "the linear response of the field".into(),
                residual,
                iterations: applications,
                advice: "the fixed point is nearly unstable: look at the gap".into(),
            },
            ImplicitError::NotSmooth => Self::NotDifferentiable {
                parameter: "the positions of the nuclei".into(),
                why: error.to_string(),
            },
        }
    }
}

/// A field that converged, or what it means that it did not.
pub(in crate::one_d) fn converged(model: &Model, scf: Scf) -> Result<Scf, TrialFailure> {
    match scf.status {
        ScfStatus::MaxSteps { residual } => Err(TrialFailure::NotConverged {
            what: "self-consistent field".into(),
            residual,
            iterations: scf.steps.len(),
            advice: scf.advice(model),
        }),
        ScfStatus::Converged | ScfStatus::FixedSteps => Ok(scf),
    }
}

#[cfg(test)]
mod tests {
    use cotangent_problem::TrialFailure;

    use crate::one_d::{
        EigenError, Grid, LiebFunctional, Model, Prepared, Relaxation, ScfError, System, Theory,
    };

    #[test]
    fn an_eigen_solve_that_stopped_short_is_the_same_failure_from_every_caller() {
        let stopped =
            EigenError::NotConverged { residual_ha: 1e-3, tolerance_ha: 1e-11, solves: 9 };
        let of_scf = ScfError::Eigen { step: 3, source: stopped.clone() };
        for failure in [TrialFailure::from(stopped), TrialFailure::from(of_scf)] {
            assert!(matches!(failure, TrialFailure::NotConverged { iterations: 9, .. }));
        }
    }

    #[test]
    fn a_nucleus_outside_the_box_is_out_of_domain_everywhere() {
        let model = Model { grid: Grid::new(41, 0.25).unwrap(), ..Model::default() };
        let far = System::molecule(&[(0.0, 1.0), (9.0, 1.0)], 2).unwrap();
        let prepared = TrialFailure::from(Prepared::new(&model, &far).unwrap_err());
        assert!(matches!(prepared, TrialFailure::OutOfDomain { .. }), "{prepared}");
        let exact = TrialFailure::from(crate::one_d::ground_state(&model, &far).unwrap_err());
        assert!(matches!(exact, TrialFailure::OutOfDomain { .. }), "{exact}");
        let relaxed = Relaxation::new(model, vec![1.0, 1.0], 2, Theory::Exact).energy(&[18.0]);
        assert!(matches!(relaxed, Err(TrialFailure::OutOfDomain { .. })));
        let near = System::molecule(&[(0.0, 1.0)], 1).unwrap();
        let prepared = Prepared::new(&model, &near).unwrap();
        let lieb = LiebFunctional::new(model, &prepared, prepared.start.clone()).unwrap();
        let bad = lieb.respond(&[f64::NAN; 41]).unwrap_err();
        assert!(matches!(bad, TrialFailure::NonFinite { .. }), "{bad}");
    }
}
