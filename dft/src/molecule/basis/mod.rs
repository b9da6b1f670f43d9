//! Gaussian basis functions.

pub mod file;
pub mod harmonics;
pub mod library;

use std::collections::BTreeMap;
use std::ops::Range;

use thiserror::Error;

use crate::molecule::geometry::Molecule;
use crate::molecule::geometry::element::Element;
use harmonics::{Form, MAX_ANGULAR_MOMENTUM};

/// A shell of an element, before it stands on an atom.
#[derive(Clone, Debug, PartialEq)]
pub struct ShellTemplate {
    /// Angular momentum: 0 is s, 1 is p, 2 is d, 3 is f.
    pub l: usize,
    /// Exponents of the primitives, 1/bohr^2.
    pub exponents: Vec<f64>,
    /// Coefficients of normalised primitives, as published; the contraction is normalised where it is used.
    pub coefficients: Vec<f64>,
}

/// What is wrong with a shell or a basis.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum BasisError {
    /// Exponents and coefficients do not go together.
    #[error("a shell has {exponents} exponents and {coefficients} coefficients")]
    Lengths {
        /// How many exponents there are.
        exponents: usize,
        /// How many coefficients there are.
        coefficients: usize,
    },
    /// An exponent that no Gaussian has.
    #[error("the exponent {value} must be positive and finite")]
    Exponent {
        /// What stands there.
        value: f64,
    },
    /// A coefficient is not finite, or all are zero.
    #[error("the coefficients {values:?} must be finite, and must not cancel")]
    Coefficients {
        /// What stands there.
        values: Vec<f64>,
    },
    /// Functions that the integrals do not go up to.
    #[error(
        "angular momentum {l} is not supported: functions go up to f (3); choose a smaller basis set"
    )]
    AngularMomentum {
        /// What was asked for.
        l: usize,
    },
    /// The set has nothing for an element of the molecule.
    #[error("basis set {set} has no shells for {element}; it has {known}")]
    Element {
        /// Name of the set.
        set: String,
        /// The element.
        element: Element,
        /// The symbols it has.
        known: String,
    },
}

impl ShellTemplate {
    /// Checks that the shell is one.
    ///
    /// # Errors
    /// [`BasisError`].
    pub fn check(&self) -> Result<(), BasisError> {
        let (exponents, coefficients) = (self.exponents.len(), self.coefficients.len());
        if exponents != coefficients || exponents == 0 {
            return Err(BasisError::Lengths { exponents, coefficients });
        }
        if self.l > MAX_ANGULAR_MOMENTUM {
            return Err(BasisError::AngularMomentum { l: self.l });
        }
        if let Some(value) = self.exponents.iter().find(|a| !(a.is_finite() && **a > 0.0)) {
            return Err(BasisError::Exponent { value: *value });
        }
        let finite = self.coefficients.iter().all(|c| c.is_finite());
        let size: f64 = self.coefficients.iter().map(|c| c * c).sum();
        if !finite || contraction_norm(self.l, &self.exponents, &self.coefficients) <= 1e-12 * size
        {
            return Err(BasisError::Coefficients { values: self.coefficients.clone() });
        }
        Ok(())
    }
}

/// `<chi|chi>` of `chi = sum_k c_k g_k` over normalised primitives, `sum_kl c_k c_l (2 sqrt(a_k a_l)/(a_k + a_l))^(l + 3/2)`.
fn contraction_norm(l: usize, exponents: &[f64], coefficients: &[f64]) -> f64 {
    let power = l as f64 + 1.5;
    let mut norm = 0.0;
    for (a, c) in exponents.iter().zip(coefficients) {
        for (b, d) in exponents.iter().zip(coefficients) {
            norm += c * d * (2.0 * (a * b).sqrt() / (a + b)).powf(power);
        }
    }
    norm
}

/// Factor that normalises `r^l S_lm/r^l exp(-a r^2)`: `N^-2 = 2 pi Gamma(l + 3/2)/((2l + 1) (2a)^(l + 3/2))`.
fn primitive_norm(l: usize, exponent: f64) -> f64 {
    let twice = 2.0 * exponent;
    let mut norm = (std::f64::consts::PI / twice).powf(1.5); // Gamma(3/2) = sqrt(pi)/2
    for k in 0..l {
        norm *= (k as f64 + 1.5) / twice;
    }
    ((2 * l + 1) as f64 / norm).sqrt()
}

/// A shell on an atom.
#[derive(Clone, Debug, PartialEq)]
pub struct Shell {
    /// The atom it stands on, from 0.
    pub atom: usize,
    /// Angular momentum.
    pub l: usize,
    /// Exponents of the primitives, 1/bohr^2.
    pub exponents: Vec<f64>,
    /// Coefficients of normalised primitives, of any common scale.
    pub coefficients: Vec<f64>,
}

impl Shell {
    /// Factors `w_k` with which the functions of the shell are `S_lm(r) sum_k w_k exp(-a_k r^2)` and have norm 1.
    pub fn weights(&self) -> Vec<f64> {
        let scale = 1.0 / contraction_norm(self.l, &self.exponents, &self.coefficients).sqrt();
        let weight = |(a, c): (&f64, &f64)| scale * c * primitive_norm(self.l, *a);
        self.exponents.iter().zip(&self.coefficients).map(weight).collect()
    }

    /// Coefficients of normalised primitives with which the contraction has norm 1.
    pub fn normalised_coefficients(&self) -> Vec<f64> {
        let scale = 1.0 / contraction_norm(self.l, &self.exponents, &self.coefficients).sqrt();
        self.coefficients.iter().map(|c| scale * c).collect()
    }
}

impl Shell {
    /// The pullback of [`Self::weights`]: adds to the cotangents of exponents and coefficients what cotangents of the weights give.
    ///
    /// `w_k = c_k N(a_k)/sqrt(s)` with `s = sum_kl c_k c_l o_kl`, `o_kl = (2 sqrt(a_k a_l)/(a_k + a_l))^(l + 3/2)`; along the coefficients
    /// themselves the derivative is 0, since the contraction is normalised.
    pub fn weights_pullback(&self, w_bar: &[f64], a_bar: &mut [f64], c_bar: &mut [f64]) {
        let (a, c) = (&self.exponents, &self.coefficients);
        let power = self.l as f64 + 1.5;
        let norm = contraction_norm(self.l, a, c);
        let weights = self.weights();
        let s_bar: f64 = weights.iter().zip(w_bar).map(|(w, bar)| -0.5 * w * bar / norm).sum();
        for k in 0..a.len() {
            c_bar[k] += w_bar[k] * primitive_norm(self.l, a[k]) / norm.sqrt();
            a_bar[k] += w_bar[k] * weights[k] * 0.5 * power / a[k];
            for m in 0..a.len() {
                let overlap = (2.0 * (a[k] * a[m]).sqrt() / (a[k] + a[m])).powf(power);
                c_bar[k] += 2.0 * s_bar * c[m] * overlap;
                let slope = power * (0.5 / a[k] - 1.0 / (a[k] + a[m]));
                a_bar[k] += 2.0 * s_bar * c[k] * c[m] * overlap * slope;
            }
        }
    }
}

/// Shells of a set for each element it knows.
#[derive(Clone, Debug, PartialEq)]
pub struct BasisSet {
    /// How messages call it.
    pub name: String,
    /// The shells, in the order of the source.
    pub elements: BTreeMap<Element, Vec<ShellTemplate>>,
}

/// The basis functions of a molecule: shells on its atoms, atom by atom.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    shells: Vec<Shell>,
    form: Form,
    starts: Vec<usize>,
}

impl Basis {
    /// The shells of a set on the atoms of a molecule, ordered by angular momentum within an atom.
    ///
    /// # Errors
    /// [`BasisError`]: no shells for an element, or a shell that is none.
    pub fn new(molecule: &Molecule, set: &BasisSet, form: Form) -> Result<Self, BasisError> {
        let mut shells = Vec::new();
        for (atom, nucleus) in molecule.atoms().iter().enumerate() {
            let element = nucleus.element;
            let templates = set.elements.get(&element).ok_or_else(|| BasisError::Element {
                set: set.name.clone(),
                element,
                known: set.elements.keys().map(|e| e.symbol()).collect::<Vec<_>>().join(", "),
            })?;
            let mut of_atom: Vec<Shell> = templates.iter().map(|t| placed(t, atom)).collect();
            of_atom.sort_by_key(|shell| shell.l);
            shells.append(&mut of_atom);
        }
        Self::from_shells(shells, form)
    }

    /// Shells as they are given; their order is that of the basis functions.
    ///
    /// # Errors
    /// [`BasisError`] of the first shell that is none.
    pub fn from_shells(shells: Vec<Shell>, form: Form) -> Result<Self, BasisError> {
        let mut starts = vec![0];
        for shell in &shells {
            let (l, exponents, coefficients) =
                (shell.l, shell.exponents.clone(), shell.coefficients.clone());
            ShellTemplate { l, exponents, coefficients }.check()?;
            starts.push(starts[starts.len() - 1] + form.count(shell.l));
        }
        Ok(Self { shells, form, starts })
    }

    /// The shells, in the order of their functions.
    pub fn shells(&self) -> &[Shell] {
        &self.shells
    }

    /// The angular functions of every shell.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Number of basis functions.
    pub fn len(&self) -> usize {
        self.starts[self.shells.len()]
    }

    /// Whether there is no function at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The functions of a shell, by its index.
    pub fn functions(&self, shell: usize) -> Range<usize> {
        self.starts[shell]..self.starts[shell + 1]
    }
}

fn placed(template: &ShellTemplate, atom: usize) -> Shell {
    Shell {
        atom,
        l: template.l,
        exponents: template.exponents.clone(),
        coefficients: template.coefficients.clone(),
    }
}
