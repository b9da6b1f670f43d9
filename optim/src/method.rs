//! The optimizers by name.

use serde::{Deserialize, Serialize};

use crate::adam::AdamOptions;
use crate::cmaes::CmaEsOptions;
use crate::gauss_newton::GaussNewtonOptions;
use crate::lbfgsb::LbfgsbOptions;
use crate::nelder_mead::NelderMeadOptions;
use crate::trust_region::TrustRegionOptions;

/// An optimizer with its options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Method {
    /// Limited-memory quasi-Newton with bounds.
    Lbfgsb(LbfgsbOptions),
    /// Adaptive moments, for stochastic gradients.
    Adam(AdamOptions),
    /// Levenberg-Marquardt for sums of squares.
    GaussNewton(GaussNewtonOptions),
    /// Covariance matrix adaptation, without gradients.
    CmaEs(CmaEsOptions),
    /// Newton's method with conjugate gradients in a trust region.
    TrustRegion(TrustRegionOptions),
    /// The simplex of Nelder and Mead, without gradients.
    NelderMead(NelderMeadOptions),
}

/// What a method is and needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodInfo {
    /// Name in scenarios.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Needs gradients.
    pub needs_gradient: bool,
    /// Needs residuals and their Jacobian.
    pub needs_residuals: bool,
    /// Works with a value that changes from sample to sample; others freeze the sample.
    pub accepts_stochastic: bool,
}

/// All methods.
pub const METHODS: &[MethodInfo] = &[
    MethodInfo {
        name: "lbfgsb",
        summary: "limited-memory quasi-Newton with bounds (Byrd, Lu, Nocedal, Zhu 1995)",
        needs_gradient: true,
        needs_residuals: false,
        accepts_stochastic: false,
    },
    MethodInfo {
        name: "adam",
        summary: "adaptive moments for stochastic gradients (Kingma, Ba 2015)",
        needs_gradient: true,
        needs_residuals: false,
        accepts_stochastic: true,
    },
    MethodInfo {
        name: "gauss-newton",
        summary: "Levenberg-Marquardt for sums of squares, with bounds (More 1978)",
        needs_gradient: false,
        needs_residuals: true,
        accepts_stochastic: false,
    },
    MethodInfo {
        name: "cma-es",
        summary: "covariance matrix adaptation without gradients (Hansen 2016)",
        needs_gradient: false,
        needs_residuals: false,
        accepts_stochastic: true,
    },
    MethodInfo {
        name: "trust-region",
        summary: "Newton with conjugate gradients, with bounds (Steihaug 1983)",
        needs_gradient: true,
        needs_residuals: false,
        accepts_stochastic: false,
    },
    MethodInfo {
        name: "nelder-mead",
        summary: "simplex without gradients, few parameters (Nelder, Mead 1965)",
        needs_gradient: false,
        needs_residuals: false,
        accepts_stochastic: false,
    },
];

impl Method {
    /// The method of this name with default options.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "lbfgsb" => Some(Self::Lbfgsb(LbfgsbOptions::default())),
            "adam" => Some(Self::Adam(AdamOptions::default())),
            "gauss-newton" => Some(Self::GaussNewton(GaussNewtonOptions::default())),
            "cma-es" => Some(Self::CmaEs(CmaEsOptions::default())),
            "trust-region" => Some(Self::TrustRegion(TrustRegionOptions::default())),
            "nelder-mead" => Some(Self::NelderMead(NelderMeadOptions::default())),
            _ => None,
        }
    }

    /// What it is and needs.
    pub fn info(&self) -> &'static MethodInfo {
        match self {
            Self::Lbfgsb(_) => &METHODS[0],
            Self::Adam(_) => &METHODS[1],
            Self::GaussNewton(_) => &METHODS[2],
            Self::CmaEs(_) => &METHODS[3],
            Self::TrustRegion(_) => &METHODS[4],
            Self::NelderMead(_) => &METHODS[5],
        }
    }
}
