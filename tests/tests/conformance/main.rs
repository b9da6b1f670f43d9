//! Small differentiable programs, written as a user would, against values computed with 150 digits.
//!
//! `programs.json` holds the 32 definitions and their exact values (this project's own file, CC0). Every field of an entry is
//! checked in every mode that can produce it, to the entry's `rtol` against `max(|expected|, 1e-6 largest entry)`.
#![allow(
    clippy::float_cmp,
    clippy::redundant_closure,
    clippy::redundant_closure_for_method_calls,
    clippy::unwrap_used,
    reason = "equal bits are tested, and a closure keeps a generic model generic"
)]

mod control_flow;
mod further;
mod implicit;
mod matrices;
mod models;
mod smooth;
mod trades;
mod variations;

use cotangent_ad::program::Program;
use cotangent_ad::{
    Dual, Num, Real, Session, Var, VectorFn, grad, hessian, hvp, jacobian_forward, jacobian_reverse,
};
use serde_json::Value;

/// One entry of the file.
struct Entry {
    inputs: Vec<f64>,
    v: Vec<f64>,
    expected: Value,
    rtol: f64,
    /// Smallest size that an error is measured against, as a share of the largest entry.
    floor: f64,
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(entries) => entries.iter().flat_map(numbers).collect(),
        Value::Null => Vec::new(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn entry(id: &str) -> Entry {
    let file: Value = serde_json::from_str(include_str!("programs.json")).unwrap();
    let entries = file["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 32);
    let entry = entries.iter().find(|e| e["id"] == id).unwrap_or_else(|| panic!("no entry {id}"));
    Entry {
        inputs: numbers(&entry["inputs"]),
        v: numbers(&entry["v"]),
        expected: entry["expected"].clone(),
        rtol: entry["rtol"].as_f64().unwrap(),
        floor: 1e-6,
    }
}

impl Entry {
    /// Compares a field, where the entry has it.
    fn field(&self, name: &str, mode: &str, found: impl FnOnce() -> Vec<f64>) {
        let expected = numbers(&self.expected[name]);
        if expected.is_empty() {
            return;
        }
        let found = found();
        assert_eq!(found.len(), expected.len(), "{name} {mode}");
        let largest = expected.iter().fold(0.0_f64, |s, e| s.max(e.abs()));
        for (k, (f, e)) in found.iter().zip(&expected).enumerate() {
            let size = e.abs().max(self.floor * largest);
            let close = (f - e).abs() <= self.rtol * size;
            assert!(
                close,
                "{name}[{k}] by {mode}: {f} expected {e}, error {:e}",
                (f - e).abs() / size
            );
        }
    }

    /// Value and gradient of a scalar function, which is all that the entry has.
    fn gradient(&self, f: &impl VectorFn) {
        assert!(self.expected["hess"].is_null() && self.expected["hvp"].is_null());
        self.first(f);
    }

    /// Value and gradient, in every mode.
    fn first(&self, f: &impl VectorFn) {
        let x = &self.inputs;
        self.field("value", "f64", || f.call(x));
        self.field("value", "tape", || {
            let session = Session::new();
            let x: Vec<_> = x.iter().map(|x| session.input(*x)).collect();
            vec![f.call(&x)[0].value()]
        });
        self.field("grad", "reverse", || grad(|x| f.call(x)[0], x));
        self.field("grad", "forward", || jacobian_forward(|x| f.call(x), x));
        self.recorded(f);
    }

    /// Value, gradient and Hessian, in every mode; two tapes in each other are [`Entry::two_tapes`].
    fn hessian(&self, f: &impl VectorFn) {
        assert!(!self.expected["hess"].is_null());
        self.first(f);
        let x = &self.inputs;
        self.field("hess", "forward over reverse", || hessian(|x| f.call(x)[0], x));
        self.field("hess", "forward over forward", || by_nested_duals(f, x));
        self.field("hess", "reverse over forward", || by_taped_duals(f, x));
    }

    /// The Hessian by reverse over reverse.
    fn two_tapes(&self, f: &impl VectorFn) {
        let x = &self.inputs;
        self.field("hess", "reverse over reverse", || {
            jacobian_reverse(|x| grad(|x| f.call(x)[0], x), x)
        });
    }

    /// Value, gradient and product of the Hessian with `v`.
    fn product(&self, f: &impl VectorFn) {
        assert!(!self.expected["hvp"].is_null());
        self.first(f);
        let x = &self.inputs;
        self.field("hvp", "forward over reverse", || hvp(|x| f.call(x)[0], x, &self.v));
        self.field("hvp", "reverse over forward", || {
            grad(
                |x| {
                    let along = |(x, v): (&Var<f64>, &f64)| Dual { re: *x, eps: [Var::lit(*v)] };
                    let moving: Vec<_> = x.iter().zip(&self.v).map(along).collect();
                    f.call(&moving)[0].eps[0]
                },
                x,
            )
        });
    }

    /// Value and gradient of a recorded program.
    fn recorded(&self, f: &impl VectorFn) {
        let program = Program::record(|x| f.call(x), &self.inputs);
        let (y, g) = program.vjp(&self.inputs, &[1.0]).unwrap();
        self.field("value", "a program", || y);
        self.field("grad", "a program, reverse", || g);
        let unit = |k: usize| (0..self.inputs.len()).map(|j| f64::from(u8::from(j == k))).collect();
        let slope = |k: usize| {
            let direction: Vec<f64> = unit(k);
            program.jvp(&self.inputs, &direction).unwrap().1[0]
        };
        self.field("grad", "a program, forward", || (0..self.inputs.len()).map(slope).collect());
    }

    /// Values and Jacobian of a vector function.
    fn vector(&self, f: &impl VectorFn) {
        self.field("value", "f64", || f.call(&self.inputs));
        self.field("jac", "forward", || jacobian_forward(|x| f.call(x), &self.inputs));
        self.field("jac", "reverse", || jacobian_reverse(|x| f.call(x), &self.inputs));
    }
}

/// Second-order forward: every entry by two nested tangents.
fn by_nested_duals(f: &impl VectorFn, x: &[f64]) -> Vec<f64> {
    let n = x.len();
    let entry = |k: usize| {
        let unit = |j: usize, i: usize| f64::from(u8::from(i == j));
        let seeded = |j: usize| Dual {
            re: Dual { re: x[j], eps: [unit(j, k / n)] },
            eps: [Dual { re: unit(j, k % n), eps: [0.0] }],
        };
        let x: Vec<Dual<Dual<f64, 1>, 1>> = (0..n).map(seeded).collect();
        f.call(&x)[0].eps[0].eps[0]
    };
    (0..n * n).map(entry).collect()
}

/// The tape of a tangent.
fn by_taped_duals(f: &impl VectorFn, x: &[f64]) -> Vec<f64> {
    let row = |i: usize| {
        grad(
            |x| {
                let seeded = |(j, x): (usize, &Var<f64>)| Dual {
                    re: *x,
                    eps: [Var::lit(f64::from(u8::from(i == j)))],
                };
                let x: Vec<_> = x.iter().enumerate().map(seeded).collect();
                f.call(&x)[0].eps[0]
            },
            x,
        )
    };
    (0..x.len()).flat_map(row).collect()
}

/// Makes a [`VectorFn`] of a generic block.
macro_rules! function {
    ($name:ident, |$x:ident: &[$r:ident]| $body:expr) => {
        struct $name;
        impl cotangent_ad::VectorFn for $name {
            fn call<$r: cotangent_ad::Real>(&self, $x: &[$r]) -> Vec<$r> {
                $body
            }
        }
    };
}
use function;

/// The sum of some terms.
fn sum<R: Real>(terms: impl IntoIterator<Item = R>) -> R {
    terms.into_iter().fold(R::lit(0.0), |s, t| s + t)
}
