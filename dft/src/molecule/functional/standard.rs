//! The functionals that have names.

use std::fmt;
use std::str::FromStr;

use cotangent_ad::Real;

use super::becke88::becke88_correction;
use super::density::SpinDensity;
use super::lee_yang_parr::lee_yang_parr_correlation;
use super::perdew_burke_ernzerhof::{PBE_BETA, PBE_KAPPA, PBE_MU, pbe_correlation, pbe_exchange};
use super::perdew_wang::{PerdewWangConstants, perdew_wang_correlation};
use super::r2scan::{r2scan_correlation, r2scan_exchange};
use super::slater::slater_exchange;
use super::vosko_wilk_nusair::{vwn_rpa_correlation, vwn5_correlation};
use super::{EnergyFunctional, Ingredients, Parameter, UnknownFunctional};

/// `beta` of Becke's exchange.
const BECKE88_BETA: f64 = 0.0042;

/// A functional by its name; its constants are parameters, which may be free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandardFunctional {
    /// Slater exchange and VWN5 correlation.
    LdaVwn5,
    /// Slater exchange and the fit of Vosko, Wilk and Nusair to the random-phase approximation.
    LdaVwnRpa,
    /// Slater exchange and Perdew-Wang correlation, the constants with more digits than printed.
    LdaPw92,
    /// The same with the constants as printed.
    LdaPw92Printed,
    /// Perdew, Burke and Ernzerhof.
    Pbe,
    /// PBE with a quarter of exact exchange: Adamo & Barone, J. Chem. Phys. 110, 6158 (1999), doi:10.1063/1.478522.
    Pbe0,
    /// Becke's exchange of 1988, correlation of Lee, Yang and Parr.
    Blyp,
    /// Three mixing parameters, with the local correlation of VWN-RPA: Stephens, Devlin, Chabalowski & Frisch, J. Phys. Chem. 98,
    /// 11623 (1994), doi:10.1021/j100096a001, as most programs have it.
    B3lyp,
    /// B3LYP with VWN5.
    B3lypVwn5,
    /// The regularised-restored SCAN of 2020.
    R2scan,
}

/// Names as people write them, in lower case without separators; the first of each is shown.
const NAMES: &[(StandardFunctional, &[&str])] = &[
    (StandardFunctional::LdaVwn5, &["lda", "svwn5", "svwn", "ldavwn5", "ldavwn"]),
    (StandardFunctional::LdaVwnRpa, &["lda-vwn-rpa", "svwnrpa", "ldavwnrpa"]),
    (StandardFunctional::LdaPw92, &["lda-pw92", "spw92", "ldapw92", "ldapw"]),
    (StandardFunctional::LdaPw92Printed, &["lda-pw92-printed", "ldapw92printed"]),
    (StandardFunctional::Pbe, &["pbe"]),
    (StandardFunctional::Pbe0, &["pbe0", "pbeh", "pbe1pbe"]),
    (StandardFunctional::Blyp, &["blyp"]),
    (StandardFunctional::B3lyp, &["b3lyp"]),
    (StandardFunctional::B3lypVwn5, &["b3lyp5", "b3lyp-vwn5"]),
    (StandardFunctional::R2scan, &["r2scan"]),
];

impl StandardFunctional {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(functional, _)| *functional)
    }
}

impl fmt::Display for StandardFunctional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = NAMES.iter().find(|(functional, _)| functional == self);
        f.write_str(names.map_or("", |(_, names)| names[0]))
    }
}

impl FromStr for StandardFunctional {
    type Err = UnknownFunctional;

    /// Upper and lower case, `-`, `_`, `/` and spaces do not matter.
    fn from_str(name: &str) -> Result<Self, UnknownFunctional> {
        let plain = |name: &str| -> String {
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let wanted = plain(name);
        NAMES
            .iter()
            .find(|(_, names)| names.iter().any(|name| plain(name) == wanted))
            .map(|(functional, _)| *functional)
            .ok_or_else(|| UnknownFunctional {
                name: name.to_owned(),
                known: Self::all().map(|f| f.to_string()).collect::<Vec<_>>().join(", "),
            })
    }
}

const PBE: [Parameter; 3] = [
    Parameter { name: "mu", value: PBE_MU },
    Parameter { name: "kappa", value: PBE_KAPPA },
    Parameter { name: "beta", value: PBE_BETA },
];

impl EnergyFunctional for StandardFunctional {
    fn ingredients(&self) -> Ingredients {
        match self {
            Self::LdaVwn5 | Self::LdaVwnRpa | Self::LdaPw92 | Self::LdaPw92Printed => {
                Ingredients::Density
            }
            Self::Pbe | Self::Pbe0 | Self::Blyp | Self::B3lyp | Self::B3lypVwn5 => {
                Ingredients::Gradient
            }
            Self::R2scan => Ingredients::KineticEnergy,
        }
    }

    fn parameters(&self) -> Vec<Parameter> {
        match self {
            Self::Pbe => PBE.to_vec(),
            Self::Pbe0 => [&[Parameter { name: "exact_exchange", value: 0.25 }][..], &PBE].concat(),
            Self::Blyp => vec![
                Parameter { name: "becke_beta", value: BECKE88_BETA },
                Parameter { name: "correlation", value: 1.0 },
            ],
            Self::B3lyp | Self::B3lypVwn5 => vec![
                Parameter { name: "exact_exchange", value: 0.2 },
                Parameter { name: "becke", value: 0.72 },
                Parameter { name: "correlation", value: 0.81 },
            ],
            _ => Vec::new(),
        }
    }

    fn exact_exchange<R: Real>(&self, p: &[R]) -> R {
        match self {
            Self::Pbe0 | Self::B3lyp | Self::B3lypVwn5 => p[0],
            _ => R::lit(0.0),
        }
    }

    fn is_hybrid(&self) -> bool {
        matches!(self, Self::Pbe0 | Self::B3lyp | Self::B3lypVwn5)
    }

    fn energy_density<R: Real>(&self, at: &SpinDensity<R>, p: &[R]) -> R {
        let printed = PerdewWangConstants::Printed;
        match self {
            Self::LdaVwn5 => slater_exchange(at) + vwn5_correlation(at),
            Self::LdaVwnRpa => slater_exchange(at) + vwn_rpa_correlation(at),
            Self::LdaPw92 => {
                slater_exchange(at) + perdew_wang_correlation(at, PerdewWangConstants::Extended)
            }
            Self::LdaPw92Printed => slater_exchange(at) + perdew_wang_correlation(at, printed),
            Self::Pbe => pbe_exchange(at, p[0], p[1]) + pbe_correlation(at, p[2]),
            Self::Pbe0 => pbe_exchange(at, p[1], p[2]) * (-p[0] + 1.0) + pbe_correlation(at, p[3]),
            Self::Blyp => {
                slater_exchange(at)
                    + becke88_correction(at, p[0])
                    + lee_yang_parr_correlation(at) * p[1]
            }
            Self::B3lyp => three_parameters(at, p, vwn_rpa_correlation(at)),
            Self::B3lypVwn5 => three_parameters(at, p, vwn5_correlation(at)),
            Self::R2scan => r2scan_exchange(at) + r2scan_correlation(at),
        }
    }
}

/// `(1 - a_0) E_Slater + a_x dE_Becke + (1 - a_c) E_local + a_c E_LYP`; the exact exchange `a_0 E_HF` is the field's.
fn three_parameters<R: Real>(at: &SpinDensity<R>, p: &[R], local: R) -> R {
    let [exact, becke, correlation] = [p[0], p[1], p[2]];
    slater_exchange(at) * (-exact + 1.0)
        + becke88_correction(at, R::lit(BECKE88_BETA)) * becke
        + local * (-correlation + 1.0)
        + lee_yang_parr_correlation(at) * correlation
}
