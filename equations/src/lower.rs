//! From expressions to the graph: names get their meanings, units are compared and converted.

use std::ops::Range;

use crate::error::{Problem, nearest};
use crate::expression::{Expression, Node as Written, Sign};
use crate::function::{self, Binary, Function, Unary};
use crate::graph::{Graph, Id, Node};
use crate::unit::Unit;

/// What a number is measured in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measure {
    /// A number in a unit.
    Number(Unit),
    /// 0, which fits every unit.
    Zero,
    /// A condition.
    Condition,
}

impl Measure {
    /// Its unit; none for 0.
    pub(crate) fn unit(&self) -> Unit {
        match self {
            Self::Number(unit) => unit.clone(),
            Self::Zero | Self::Condition => Unit::default(),
        }
    }
}

/// A node with its measure.
pub(crate) type Meaning = (Id, Measure);

type Lowered = Result<Meaning, (Problem, Range<usize>)>;

/// What names mean.
pub(crate) struct Scope<'a> {
    pub(crate) meaning: &'a dyn Fn(&str) -> Option<Meaning>,
    /// Names that might have been meant.
    pub(crate) names: &'a [&'a str],
}

/// An expression's meaning in a scope.
///
/// # Errors
/// What is wrong, and where.
pub(crate) fn lower(graph: &mut Graph, e: &Expression, scope: &Scope<'_>) -> Lowered {
    match &e.node {
        Written::Number(v) => {
            let measure = if *v == 0.0 { Measure::Zero } else { Measure::Number(Unit::default()) };
            Ok((graph.number(*v), measure))
        }
        Written::Name(name) => name_of(graph, name, e, scope),
        Written::Negative(a) => {
            let (id, measure) = number(graph, a, scope)?;
            Ok((graph.unary(Unary::Negative, id), measure))
        }
        Written::Not(a) => {
            let id = condition(graph, a, scope)?;
            Ok((graph.add(Node::Not(id)), Measure::Condition))
        }
        Written::Binary(sign, a, b) => binary(graph, *sign, a, b, scope),
        Written::Call(name, arguments) => call(graph, name, arguments, e, scope),
    }
}

fn name_of(graph: &mut Graph, name: &str, e: &Expression, scope: &Scope<'_>) -> Lowered {
    if let Some(meaning) = (scope.meaning)(name) {
        return Ok(meaning);
    }
    if name == "pi" {
        return Ok((graph.number(std::f64::consts::PI), Measure::Number(Unit::default())));
    }
    let problem = if let Some(function) = Function::named(name) {
        Problem::Arity { name: name.into(), takes: function.arity().2, found: 0 }
    } else {
        let nearest = nearest(name, scope.names.iter().copied());
        Problem::UnknownName { name: name.into(), nearest }
    };
    Err((problem, e.span.clone()))
}

/// A number, not a condition.
fn number(graph: &mut Graph, e: &Expression, scope: &Scope<'_>) -> Lowered {
    match lower(graph, e, scope)? {
        (_, Measure::Condition) => Err((Problem::NotANumber, e.span.clone())),
        meaning => Ok(meaning),
    }
}

/// A condition, not a number.
fn condition(
    graph: &mut Graph,
    e: &Expression,
    scope: &Scope<'_>,
) -> Result<Id, (Problem, Range<usize>)> {
    match lower(graph, e, scope)? {
        (id, Measure::Condition) => Ok(id),
        _ => Err((Problem::NotACondition, e.span.clone())),
    }
}

fn binary(
    graph: &mut Graph,
    sign: Sign,
    a: &Expression,
    b: &Expression,
    scope: &Scope<'_>,
) -> Lowered {
    let span = a.span.start..b.span.end;
    match sign {
        Sign::And | Sign::Or => {
            let (a, b) = (condition(graph, a, scope)?, condition(graph, b, scope)?);
            let node = if sign == Sign::And { Node::And(a, b) } else { Node::Or(a, b) };
            Ok((graph.add(node), Measure::Condition))
        }
        Sign::Equal => Err((Problem::Equality, span)),
        _ => {
            let (a, b) = (number(graph, a, scope)?, number(graph, b, scope)?);
            let found = match sign {
                Sign::Add => alike(graph, "a sum of numbers", [a, b])
                    .map(|(ids, measure)| (graph.binary(Binary::Add, ids[0], ids[1]), measure)),
                Sign::Subtract => alike(graph, "a difference of numbers", [a, b])
                    .map(|(ids, m)| (graph.binary(Binary::Subtract, ids[0], ids[1]), m)),
                Sign::Multiply => Ok(product(graph, a, b)),
                Sign::Divide => Ok(quotient(graph, a, b)),
                Sign::Power => power(graph, a, b),
                _ => less(graph, sign, a, b),
            };
            found.map_err(|problem| (problem, span))
        }
    }
}

/// A comparison; where it is loose, it is that the contrary does not hold.
fn less(graph: &mut Graph, sign: Sign, a: Meaning, b: Meaning) -> Result<Meaning, Problem> {
    let ([a, b], _) = alike(graph, "a comparison of numbers", [a, b])?;
    let node = match sign {
        Sign::Less => Node::Less(a, b),
        Sign::Greater => Node::Less(b, a),
        Sign::AtMost => Node::Not(graph.add(Node::Less(b, a))),
        _ => Node::Not(graph.add(Node::Less(a, b))),
    };
    Ok((graph.add(node), Measure::Condition))
}

/// Numbers in the unit of the first that has one.
pub(crate) fn alike<const N: usize>(
    graph: &mut Graph,
    what: &'static str,
    numbers: [Meaning; N],
) -> Result<([Id; N], Measure), Problem> {
    let common = numbers.iter().find_map(|(_, m)| match m {
        Measure::Number(unit) => Some(unit.clone()),
        _ => None,
    });
    let Some(common) = common else { return Ok((numbers.map(|(id, _)| id), Measure::Zero)) };
    let mut ids = [0; N];
    for (place, (id, measure)) in ids.iter_mut().zip(numbers) {
        *place = match measure {
            Measure::Number(unit) => {
                let Some(factor) = unit.conversion(&common) else {
                    let (left, right) = (common.to_string(), unit.to_string());
                    return Err(Problem::Units { what, left, right });
                };
                scaled(graph, id, factor)
            }
            _ => id,
        };
    }
    Ok((ids, Measure::Number(common)))
}

/// A node times a number.
pub(crate) fn scaled(graph: &mut Graph, id: Id, factor: f64) -> Id {
    let factor = graph.number(factor);
    graph.binary(Binary::Multiply, id, factor)
}

/// A meaning in a unit.
///
/// # Errors
/// Another dimension; a condition.
pub(crate) fn in_unit(
    graph: &mut Graph,
    (id, measure): Meaning,
    unit: &Unit,
    what: impl FnOnce() -> String,
) -> Result<Id, Problem> {
    match measure {
        Measure::Condition => Err(Problem::NotANumber),
        Measure::Zero => Ok(id),
        Measure::Number(found) => {
            let wrong = || Problem::WrongUnit {
                what: what(),
                found: found.to_string(),
                expected: unit.to_string(),
            };
            let factor = found.conversion(unit).ok_or_else(wrong)?;
            Ok(scaled(graph, id, factor))
        }
    }
}

fn product(graph: &mut Graph, (a, ma): Meaning, (b, mb): Meaning) -> Meaning {
    let id = graph.binary(Binary::Multiply, a, b);
    (id, Measure::Number(ma.unit().times(&mb.unit())))
}

fn quotient(graph: &mut Graph, (a, ma): Meaning, (b, mb): Meaning) -> Meaning {
    let id = graph.binary(Binary::Divide, a, b);
    (id, Measure::Number(ma.unit().per(&mb.unit())))
}

/// A power: of any unit where the exponent is a number, else of a pure number.
fn power(graph: &mut Graph, a: Meaning, b: Meaning) -> Result<Meaning, Problem> {
    let exponent = in_unit(graph, b, &Unit::default(), || "an exponent".into())?;
    if let Some(value) = graph.as_number(exponent) {
        let id = graph.binary(Binary::Power, a.0, exponent);
        return Ok((id, Measure::Number(a.1.unit().power(value))));
    }
    let what = || "what is raised to a power that is no number".into();
    let base = in_unit(graph, a, &Unit::default(), what)?;
    Ok((graph.binary(Binary::Power, base, exponent), Measure::Number(Unit::default())))
}

fn call(
    graph: &mut Graph,
    name: &str,
    arguments: &[Expression],
    e: &Expression,
    scope: &Scope<'_>,
) -> Lowered {
    let here = |problem| (problem, e.span.clone());
    let Some(function) = Function::named(name) else {
        let (name, nearest) = (name.to_owned(), nearest(name, function::names()));
        return Err(here(Problem::UnknownFunction { name, nearest }));
    };
    let (least, most, takes) = function.arity();
    let found = arguments.len();
    if found < least || found > most {
        return Err(here(Problem::Arity { name: name.into(), takes, found }));
    }
    let pure = Unit::default();
    if function == Function::If {
        let c = condition(graph, &arguments[0], scope)?;
        let numbers = [number(graph, &arguments[1], scope)?, number(graph, &arguments[2], scope)?];
        let ([a, b], measure) = alike(graph, "a choice between numbers", numbers).map_err(here)?;
        return Ok((graph.add(Node::Choose(c, a, b)), measure));
    }
    let (mut id, mut measure) = number(graph, &arguments[0], scope)?;
    let argument = |graph: &mut Graph| {
        let what = || format!("the argument of `{name}`");
        in_unit(graph, (id, measure.clone()), &pure, what).map_err(here)
    };
    Ok(match function {
        Function::Pure(of) => {
            let a = argument(graph)?;
            (graph.unary(of, a), Measure::Number(pure))
        }
        Function::Log10 => {
            let a = argument(graph)?;
            let natural = graph.unary(Unary::Log, a);
            (scaled(graph, natural, std::f64::consts::LOG10_E), Measure::Number(pure))
        }
        Function::Abs => (graph.unary(Unary::Abs, id), measure),
        Function::Root(of, n) => {
            let unit = measure.unit().power(1.0 / n);
            (graph.unary(of, id), Measure::Number(unit))
        }
        Function::Extreme(_) | Function::Atan2 | Function::Hypot | Function::If => {
            for other in &arguments[1..] {
                let pair = [(id, measure), number(graph, other, scope)?];
                let ([a, b], common) =
                    alike(graph, "numbers that are compared", pair).map_err(here)?;
                (id, measure) = (graph.binary(combining(function), a, b), common);
            }
            (id, if function == Function::Atan2 { Measure::Number(pure) } else { measure })
        }
    })
}

/// The function of two that one of several consists of.
fn combining(function: Function) -> Binary {
    match function {
        Function::Extreme(of) => of,
        Function::Atan2 => Binary::Atan2,
        _ => Binary::Hypot,
    }
}
