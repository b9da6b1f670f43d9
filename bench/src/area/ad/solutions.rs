//! Solutions of differential equations against references of 20 digits and closed forms, and their derivatives in every mode.

use cotangent_ad::ode::{Dynamics, Method, OdeError, Options, solve};
use cotangent_ad::{Real, Var, VectorFn, grad, hvp, jacobian_forward};

use super::systems::falling::{both_dropped, bounced, given, given_by_hand, one_dropped, thrown};
use super::systems::{
    GREEN, HARES, Hires, LotkaVolterra, Pleiades, RATES, Robertson, VanDerPol, off, order,
    reference, stars,
};
use crate::peer::{PeerError, Peers};
use crate::report::{Item, Proof};

/// A number that must not exceed another.
fn at_most(what: impl Into<String>, must: f64, found: f64, more: &str) -> Item {
    let measured = format!("{found:.1e}{more}");
    let must_be = format!("<= {must:.0e}");
    Item::Proof(Proof { what: what.into(), must: must_be, measured, holds: found <= must })
}

/// How fast errors fall with the length of the steps.
pub(super) fn order_proofs(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let proof = |(name, method, right): (&str, Method, f64)| {
        let found = order(method);
        Item::Proof(Proof {
            what: format!("order of {name}, by the slope of its error"),
            must: format!("{right} +- 0.3"),
            measured: format!("{found:.2}"),
            holds: (found - right).abs() <= 0.3,
        })
    };
    let methods = [
        ("Tsit5", Method::Tsit5, 5.0),
        ("Dop853", Method::Dop853, 8.0),
        ("Rodas5p", Method::Rodas5p, 5.0),
    ];
    Ok(methods.map(proof).to_vec())
}

/// A problem with a reference.
struct Problem<'a, D> {
    name: &'a str,
    dynamics: D,
    end: f64,
    start: &'a [f64],
    parameters: &'a [f64],
    options: Options,
}

fn options(method: Method, relative: f64, absolute: f64) -> Options {
    Options { method, relative, absolute, ..Options::default() }
}

impl<D: Dynamics> Problem<'_, D> {
    fn state(&self, title: &str) -> Item {
        let Self { dynamics, end, start, parameters, options, .. } = self;
        let found = solve(dynamics, 0.0, *end, start, parameters, &[], options);
        let found = found.expect("a solution");
        let error = off(&found.state, &reference(self.name));
        let what = format!("{title}, of the largest component");
        at_most(what, 1e-8, error, &format!(" in {} steps", found.steps))
    }

    /// Reverse mode against duals, by the logarithms of the parameters: of the sum of the end state's components, each in units of
    /// its size, so that the smallest count as the largest do.
    fn gradient(&self, title: &str, must: f64) -> Item {
        let Self { dynamics, end, start, parameters, options, .. } = self;
        let found = solve(dynamics, 0.0, *end, start, parameters, &[], options);
        let sizes = found.expect("a solution").state;
        let x: Vec<f64> = parameters.iter().map(|p| p.ln()).collect();
        let reverse = grad(|x| in_units(dynamics, *end, start, x, options, &sizes), &x);
        let value = |x: &[_]| vec![in_units(dynamics, *end, start, x, options, &sizes)];
        let forward = jacobian_forward(value, &x);
        at_most(format!("{title}: gradient against duals"), must, off(&reverse, &forward), "")
    }
}

/// `sum y_k / size_k` at the end.
fn in_units<R: Real, D: Dynamics>(
    d: &D,
    end: f64,
    start: &[f64],
    x: &[R],
    options: &Options,
    sizes: &[f64],
) -> R {
    let (p, start): (Vec<R>, Vec<R>) =
        (x.iter().map(|x| x.exp()).collect(), start.iter().map(|y| R::lit(*y)).collect());
    let found = solve(d, 0.0, R::lit(end), &start, &p, &[], options).expect("a solution");
    found.state.iter().zip(sizes).map(|(y, size)| *y / size.abs()).sum()
}

const DROP: [f64; 3] = [1.0, 0.0, 0.0];

fn oscillator(end: f64) -> Problem<'static, VanDerPol> {
    Problem {
        name: "van_der_pol",
        dynamics: VanDerPol,
        end,
        start: &[2.0, 0.0],
        parameters: &[1e3],
        options: options(Method::Rodas5p, 1e-11, 1e-12),
    }
}

fn plant() -> Problem<'static, Hires> {
    Problem {
        name: "hires",
        dynamics: Hires,
        end: 321.8122,
        start: &GREEN,
        parameters: &[280.0],
        options: options(Method::Rodas5p, 1e-10, 1e-14),
    }
}

fn reaction(conserved: bool) -> Problem<'static, Robertson> {
    Problem {
        name: "robertson",
        dynamics: Robertson { conserved },
        end: 1e11,
        start: &DROP,
        parameters: &RATES,
        options: options(Method::Rodas5p, 1e-10, 1e-18),
    }
}

fn hares(method: Method) -> Problem<'static, LotkaVolterra> {
    let (parameters, start) = (&HARES.0, &HARES.1);
    let (dynamics, options) = (LotkaVolterra, options(method, 1e-11, 1e-12));
    Problem { name: "lotka_volterra", dynamics, end: 20.0, start, parameters, options }
}

fn pleiades(masses_and_start: &(Vec<f64>, Vec<f64>)) -> Problem<'_, Pleiades> {
    let (parameters, start) = (&masses_and_start.0, &masses_and_start.1);
    let options = options(Method::Dop853, 1e-13, 1e-13);
    Problem { name: "pleiades", dynamics: Pleiades, end: 3.0, start, parameters, options }
}

/// End states of the test set.
pub(super) fn state_proofs(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let seven = stars();
    Ok(vec![
        hares(Method::Tsit5).state("Lotka-Volterra after 20 years, Tsit5"),
        hares(Method::Dop853).state("Lotka-Volterra after 20 years, Dop853"),
        pleiades(&seven).state("Pleiades at 3, Dop853"),
        oscillator(2000.0).state("van der Pol at 1e3, to 2000, Rodas5p"),
        plant().state("HIRES at 321.8122, Rodas5p"),
        reaction(false).state("Robertson at 1e11, Rodas5p"),
        reaction(true).state("Robertson at 1e11, with a singular mass matrix, Rodas5p"),
    ])
}

/// Gradients of the same problems.
pub(super) fn gradient_proofs(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let seven = stars();
    Ok(vec![
        hares(Method::Tsit5).gradient("Lotka-Volterra", 1e-9),
        pleiades(&seven).gradient("Pleiades", 1e-9),
        oscillator(800.0).gradient("van der Pol at 1e3, to 800", 1e-9),
        // within a jump the slope of the speed is 2e9, and it comes back to 1
        oscillator(2000.0).gradient("van der Pol at 1e3, to 2000, past jumps of slope 1e9", 1e-9),
        plant().gradient("HIRES", 1e-9),
        reaction(false).gradient("Robertson at 1e11", 1e-9),
        reaction(true).gradient("Robertson at 1e11, with a singular mass matrix", 1e-9),
    ])
}

/// The value and the gradient of one function, and its product with the Hessian, against another's.
fn against(what: &str, found: &impl VectorFn, right: &impl VectorFn, x: &[f64]) -> Item {
    let value = off(&found.call(x), &right.call(x));
    let slope = |f: &dyn Fn(&[Var<f64>]) -> Var<f64>| grad(|x: &[Var<f64>]| f(x), x);
    let gradient = off(&slope(&|x| found.call(x)[0]), &slope(&|x| right.call(x)[0]));
    let v: Vec<f64> = (0..x.len()).map(|k| (k as f64 + 1.0).sin()).collect();
    let second = off(&hvp(|x| found.call(x)[0], x, &v), &hvp(|x| right.call(x)[0], x, &v));
    at_most(what, 1e-9, value.max(gradient).max(second), "")
}

macro_rules! functions {
    ($($name:ident |$x:ident| $value:expr;)*) => { $(
        struct $name;
        impl VectorFn for $name {
            fn call<R: Real>(&self, $x: &[R]) -> Vec<R> {
                vec![$value]
            }
        }
    )* };
}
functions! {
    Height |x| thrown(x, LATER, &tight()).state[0];
    HeightByHand |x| bounced(x, LATER)[0];
    Impact |x| thrown(x, LATER, &tight()).events[4].time;
    ImpactByHand |x| bounced(x, LATER)[1];
    Drug |x| given(x, &tight());
    DrugByHand |x| given_by_hand(x);
    Both |x| {
        let found = both_dropped(x, false, &tight()).expect("their order does not matter");
        found.state[0] + found.state[2] * 0.3
    };
    BothByHand |x| one_dropped(x[0], x[1]) + one_dropped(x[0], x[2]) * 0.3;
}

/// A while after the fifth impact.
const LATER: f64 = 2.75;

fn tight() -> Options {
    Options { relative: 1e-12, absolute: 1e-13, ..Options::default() }
}

/// Events against closed forms, to second order.
pub(super) fn event_proofs(_: &Peers) -> Result<Vec<Item>, PeerError> {
    let (ball, pair) = ([9.81, 0.8, 1.0], [0.5, 1.0, 1.0]);
    let refused = both_dropped(&pair[..], true, &tight());
    let names_both =
        matches!(refused, Err(OdeError::NotDifferentiable { first: 0, second: 1, .. }));
    let told = refused.map_or_else(|error| error.to_string(), |_| "a solution".into());
    let order = Proof {
        what: "two events at one time whose order matters".into(),
        must: "refused, both named".into(),
        measured: told,
        holds: names_both,
    };
    Ok(vec![
        against("bouncing ball past its fifth impact, height", &Height, &HeightByHand, &ball),
        against("bouncing ball, time of its fifth impact", &Impact, &ImpactByHand, &ball),
        against("two events at one time, their order does not matter", &Both, &BothByHand, &pair),
        Item::Proof(order),
        against("an event at the start", &Drug, &DrugByHand, &[0.9, 0.0, 1.2]),
        against("the time of an event as a parameter", &Drug, &DrugByHand, &[0.9, 0.7, 1.2]),
    ])
}
