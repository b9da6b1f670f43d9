//! A functional with its derivatives, as programs that run over points.

use std::fmt;
use std::sync::{Arc, OnceLock};

use cotangent_ad::program::{ItemProgram, Traced};
use cotangent_ad::{Dual, Real, Var, value_and_grad};

use super::{
    EnergyFunctional, FunctionalError, Ingredients, Parameter, SpinDensity, StandardFunctional,
};

/// Whether both spins share one density.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spins {
    /// A closed shell.
    Restricted,
    /// Each its own.
    Unrestricted,
}

impl Spins {
    /// Number of densities.
    pub fn count(self) -> usize {
        match self {
            Self::Restricted => 1,
            Self::Unrestricted => 2,
        }
    }

    /// Numbers of a point, in this order: densities; `sigma` (`uu, ud, dd`); `tau`.
    pub fn width(self, ingredients: Ingredients) -> usize {
        match (self, ingredients) {
            (Self::Restricted, Ingredients::Density) => 1,
            (Self::Restricted, Ingredients::Gradient)
            | (Self::Unrestricted, Ingredients::Density) => 2,
            (Self::Restricted, Ingredients::KineticEnergy) => 3,
            (Self::Unrestricted, Ingredients::Gradient) => 5,
            (Self::Unrestricted, Ingredients::KineticEnergy) => 7,
        }
    }

    /// The point that numbers in this order stand for.
    fn point<R: Real>(self, ingredients: Ingredients, x: &[R]) -> SpinDensity<R> {
        let zero = R::lit(0.0);
        let at = |k: usize| if k < self.width(ingredients) { x[k] } else { zero };
        match self {
            Self::Restricted => SpinDensity::closed_shell(at(0), at(1), at(2)),
            Self::Unrestricted => {
                SpinDensity::open_shell([at(0), at(1)], [at(2), at(3), at(4)], [at(5), at(6)])
            }
        }
    }
}

/// Below this density, in 1/bohr^3, a point contributes nothing. The energy does not depend on it: see the tests.
pub(in crate::molecule) const DENSITY_THRESHOLD: f64 = 1e-15;

/// A share of exact exchange and its derivatives, at parameters.
type Share = Box<dyn Fn(&[f64]) -> (f64, Vec<f64>) + Send + Sync>;
/// A program's recording, made when it is first asked for.
type Recording = Box<dyn Fn(&[f64]) -> Result<ItemProgram, FunctionalError> + Send + Sync>;
type Lazy = (Recording, OnceLock<Result<ItemProgram, FunctionalError>>);

/// Programs of one kind of density.
struct Programs {
    /// `(x; p) -> e, de/dx`.
    first: Lazy,
    /// `(x; p) -> d2e/dx2`, rows of the symmetric matrix.
    second: Lazy,
    /// `(x, w; p) -> w e`.
    weighted: Lazy,
    /// `(x, dx; p) -> de/dx . dx`.
    along: Lazy,
}

/// An [`EnergyFunctional`] that has values, potentials, kernels and derivatives by its parameters at many points at once.
#[derive(Clone)]
pub struct ExchangeCorrelation(Arc<Inner>);

struct Inner {
    ingredients: Ingredients,
    parameters: Vec<Parameter>,
    is_hybrid: bool,
    exact_exchange: Share,
    restricted: Programs,
    unrestricted: Programs,
}

impl fmt::Debug for ExchangeCorrelation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeCorrelation")
            .field("ingredients", &self.0.ingredients)
            .field("parameters", &self.0.parameters)
            .finish_non_exhaustive()
    }
}

fn lazily(
    record: impl Fn(&[f64]) -> Result<ItemProgram, FunctionalError> + Send + Sync + 'static,
) -> Lazy {
    (Box::new(record), OnceLock::new())
}

/// A point like those between two atoms: where a functional is recorded.
fn typical(spins: Spins, ingredients: Ingredients) -> Vec<f64> {
    let all: &[f64] = match spins {
        Spins::Restricted => &[0.3, 0.1, 0.2],
        Spins::Unrestricted => &[0.17, 0.13, 0.03, 0.02, 0.03, 0.12, 0.08],
    };
    all[..spins.width(ingredients)].to_vec()
}

impl Programs {
    fn new<F: EnergyFunctional>(functional: &F, spins: Spins) -> Self {
        let ingredients = functional.ingredients();
        let width = spins.width(ingredients);
        let at = typical(spins, ingredients);
        let f = functional.clone();
        let first = move |x: &[Traced], p: &[Traced]| {
            let energy = |x: &[Var<Traced>]| {
                let p: Vec<Var<Traced>> = p.iter().map(|p| Var::konst(*p)).collect();
                f.energy_density(&spins.point(ingredients, x), &p)
            };
            let (e, by_x) = value_and_grad(energy, x);
            [vec![e], by_x].concat()
        };
        let f = functional.clone();
        let second = move |x: &[Traced], p: &[Traced]| hessian(&f, spins, x, p);
        let f = functional.clone();
        let weighted = move |x: &[Traced], p: &[Traced]| {
            vec![f.energy_density(&spins.point(ingredients, &x[..width]), p) * x[width]]
        };
        let f = functional.clone();
        let along = move |x: &[Traced], p: &[Traced]| {
            let lift = |k: usize| Dual { re: x[k], eps: [x[width + k]] };
            let lifted: Vec<Dual<Traced, 1>> = (0..width).map(lift).collect();
            let p: Vec<Dual<Traced, 1>> = p.iter().map(|p| Dual::konst(*p)).collect();
            vec![f.energy_density(&spins.point(ingredients, &lifted), &p).eps[0]]
        };
        let with_weight = [at.as_slice(), &[1.0]].concat();
        let with_change = [at.as_slice(), &at].concat();
        let [at_first, at_second] = [at.clone(), at];
        Self {
            first: lazily(move |p| Ok(ItemProgram::record(first.clone(), width, p, &at_first)?)),
            second: lazily(move |p| Ok(ItemProgram::record(second.clone(), width, p, &at_second)?)),
            weighted: lazily(move |p| {
                Ok(ItemProgram::record(weighted.clone(), width + 1, p, &with_weight)?)
            }),
            along: lazily(move |p| {
                Ok(ItemProgram::record(along.clone(), 2 * width, p, &with_change)?)
            }),
        }
    }
}

/// All second derivatives, row by row: tangents of the gradient, one direction after the other. What directions share is shared
/// again in the program.
fn hessian<F: EnergyFunctional>(
    functional: &F,
    spins: Spins,
    x: &[Traced],
    p: &[Traced],
) -> Vec<Traced> {
    type D = Dual<Traced, 1>;
    let energy = |x: &[Var<D>]| {
        let p: Vec<Var<D>> = p.iter().map(|p| Var::konst(D::konst(*p))).collect();
        functional.energy_density(&spins.point(functional.ingredients(), x), &p)
    };
    let along = |direction: usize| {
        let lift = |(k, x): (usize, &Traced)| {
            if k == direction { D::seed(*x, 0) } else { D::konst(*x) }
        };
        let seeded: Vec<D> = x.iter().enumerate().map(lift).collect();
        value_and_grad(energy, &seeded).1.into_iter().map(|g| g.eps[0])
    };
    (0..x.len()).flat_map(along).collect()
}

impl From<StandardFunctional> for ExchangeCorrelation {
    fn from(functional: StandardFunctional) -> Self {
        Self::new(&functional)
    }
}

impl ExchangeCorrelation {
    /// Derives everything from one functional; programs are recorded when they are first asked for.
    pub fn new<F: EnergyFunctional>(functional: &F) -> Self {
        let f = functional.clone();
        Self(Arc::new(Inner {
            ingredients: functional.ingredients(),
            parameters: functional.parameters(),
            is_hybrid: functional.is_hybrid(),
            exact_exchange: Box::new(move |p| {
                value_and_grad(|p: &[Var<f64>]| f.exact_exchange(p), p)
            }),
            restricted: Programs::new(functional, Spins::Restricted),
            unrestricted: Programs::new(functional, Spins::Unrestricted),
        }))
    }

    /// What the energy density depends on.
    pub fn ingredients(&self) -> Ingredients {
        self.0.ingredients
    }

    /// The constants that may be free, with their published values.
    pub fn parameters(&self) -> &[Parameter] {
        &self.0.parameters
    }

    /// The published values.
    pub fn parameter_values(&self) -> Vec<f64> {
        self.0.parameters.iter().map(|p| p.value).collect()
    }

    /// Whether there may be exact exchange.
    pub fn is_hybrid(&self) -> bool {
        self.0.is_hybrid
    }

    /// The share of exact exchange, and its derivatives by the parameters.
    pub fn exact_exchange(&self, parameters: &[f64]) -> (f64, Vec<f64>) {
        (self.0.exact_exchange)(parameters)
    }

    fn programs(&self, spins: Spins) -> &Programs {
        match spins {
            Spins::Restricted => &self.0.restricted,
            Spins::Unrestricted => &self.0.unrestricted,
        }
    }

    /// [`ExchangeCorrelation::evaluate_with`] at the published parameters.
    ///
    /// # Errors
    /// As there.
    pub fn evaluate(&self, spins: Spins, points: &[f64]) -> Result<Vec<f64>, FunctionalError> {
        self.evaluate_with(spins, points, &self.parameter_values(), DENSITY_THRESHOLD)
    }

    /// Energy density `e` in hartree/bohr^3 and its derivatives by the numbers of the point, all 0 below the threshold.
    ///
    /// # Shapes
    /// `points`: rows of [`Spins::width`] numbers; the result: rows of one more.
    ///
    /// # Errors
    /// Wrong shapes, and points at which the functional is not finite.
    pub fn evaluate_with(
        &self,
        spins: Spins,
        points: &[f64],
        parameters: &[f64],
        threshold: f64,
    ) -> Result<Vec<f64>, FunctionalError> {
        self.rows(&self.programs(spins).first, spins, points, parameters, threshold)
    }

    /// Second derivatives of the energy density by the numbers of the point: rows of a symmetric matrix a point, all 0 below the
    /// threshold.
    ///
    /// # Errors
    /// As [`ExchangeCorrelation::evaluate_with`].
    pub fn kernel(
        &self,
        spins: Spins,
        points: &[f64],
        parameters: &[f64],
        threshold: f64,
    ) -> Result<Vec<f64>, FunctionalError> {
        self.rows(&self.programs(spins).second, spins, points, parameters, threshold)
    }

    /// `sum_g w_g e_g`, and its derivatives by the parameters at constant densities; exact exchange is not in it.
    ///
    /// # Errors
    /// As [`ExchangeCorrelation::evaluate_with`].
    pub fn energy_by_parameters(
        &self,
        spins: Spins,
        points: &[f64],
        weights: &[f64],
        parameters: &[f64],
        threshold: f64,
    ) -> Result<(f64, Vec<f64>), FunctionalError> {
        let width = self.check(spins, points, parameters)?;
        FunctionalError::shape("weights", points.len() / width, weights.len())?;
        let program = Self::program(&self.programs(spins).weighted, parameters)?;
        let items: Vec<f64> = points
            .chunks_exact(width)
            .zip(weights)
            .filter(|(x, _)| density(spins, x) >= threshold)
            .flat_map(|(x, w)| x.iter().copied().chain([*w]))
            .collect();
        if items.is_empty() {
            return Ok((0.0, vec![0.0; parameters.len()]));
        }
        let (e, by_parameters) = program.sum_vjp(&items, parameters, &[1.0])?;
        Ok((e[0], by_parameters))
    }

    /// Derivatives by the parameters of `sum_g de/dx_g . dx_g`, the first order change of the energy by changes of the points' numbers,
    /// which hold the points' weights.
    ///
    /// # Errors
    /// As [`ExchangeCorrelation::evaluate_with`].
    pub fn change_by_parameters(
        &self,
        spins: Spins,
        points: &[f64],
        weighted_changes: &[f64],
        parameters: &[f64],
        threshold: f64,
    ) -> Result<Vec<f64>, FunctionalError> {
        let width = self.check(spins, points, parameters)?;
        FunctionalError::shape("changes", points.len(), weighted_changes.len())?;
        let program = Self::program(&self.programs(spins).along, parameters)?;
        let items: Vec<f64> = points
            .chunks_exact(width)
            .zip(weighted_changes.chunks_exact(width))
            .filter(|(x, _)| density(spins, x) >= threshold)
            .flat_map(|(x, dx)| x.iter().chain(dx).copied())
            .collect();
        if items.is_empty() {
            return Ok(vec![0.0; parameters.len()]);
        }
        Ok(program.sum_vjp(&items, parameters, &[1.0])?.1)
    }

    fn check(
        &self,
        spins: Spins,
        points: &[f64],
        parameters: &[f64],
    ) -> Result<usize, FunctionalError> {
        let width = spins.width(self.0.ingredients);
        FunctionalError::shape("parameters", self.0.parameters.len(), parameters.len())?;
        FunctionalError::shape("points", points.len().next_multiple_of(width), points.len())?;
        Ok(width)
    }

    fn program<'a>(lazy: &'a Lazy, p: &[f64]) -> Result<&'a ItemProgram, FunctionalError> {
        lazy.1.get_or_init(|| (lazy.0)(p)).as_ref().map_err(Clone::clone)
    }

    fn rows(
        &self,
        lazy: &Lazy,
        spins: Spins,
        points: &[f64],
        parameters: &[f64],
        threshold: f64,
    ) -> Result<Vec<f64>, FunctionalError> {
        let width = self.check(spins, points, parameters)?;
        let program = Self::program(lazy, parameters)?;
        let is_empty = |x: &[f64]| density(spins, x) < threshold;
        let mut items = points.to_vec();
        let anywhere = typical(spins, self.0.ingredients);
        items
            .chunks_exact_mut(width)
            .filter(|x| is_empty(x))
            .for_each(|x| x.copy_from_slice(&anywhere));
        let mut rows = program.map(&items, parameters)?;
        let size = rows.len() / (points.len() / width).max(1);
        let each = rows.chunks_exact_mut(size.max(1)).zip(points.chunks_exact(width));
        for (point, (row, x)) in each.enumerate() {
            if is_empty(x) {
                row.fill(0.0);
            } else if !row.iter().all(|y| f64::is_finite(*y)) {
                return Err(FunctionalError::NotFinite { point, density: density(spins, x) });
            }
        }
        Ok(rows)
    }
}

/// `n` of both spins.
fn density(spins: Spins, x: &[f64]) -> f64 {
    x[..spins.count()].iter().sum()
}

impl FunctionalError {
    pub(in crate::molecule) fn shape(
        what: &'static str,
        expected: usize,
        found: usize,
    ) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self::Shape { what, expected, found }) }
    }
}
