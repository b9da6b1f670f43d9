//! Independent variables that stand in a row, and the slices of them that a function is given.
//!
//! A function of many parameters takes slices of them: rows of a matrix, the weights of a layer. Such a slice is a view of the memory
//! in which the parameters were lent, so that its address tells which statements it names and where their values stand: nothing
//! about its entries has to be looked at, nor put down again.

use std::ops::Range;

use super::var::{Var, tape_index};
use super::{Session, Statement};
use crate::real::Num;

/// Inputs of a session, whose statements follow each other, and whose values stand among the entries of its tape.
#[derive(Debug)]
pub(crate) struct Inputs<T: Num> {
    vars: Vec<Var<T>>,
    first: usize,
    /// Where their values begin among the tape's entries.
    values: usize,
}

impl<T: Num> Inputs<T> {
    pub(crate) fn vars(&self) -> &[Var<T>] {
        &self.vars
    }
}

/// The memory of inputs that a function has been given and that nobody changes meanwhile.
pub(super) struct Lent {
    addresses: Range<usize>,
    /// The statement of the first of them.
    first: usize,
    values: usize,
}

/// Where a slice of lent inputs stands on the tape.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The statement of its first entry; those of the others follow.
    pub(super) first: u32,
    /// Where its values begin among the tape's entries.
    pub(super) values: usize,
}

/// The place of `x`, if it is a slice of what is lent.
pub(super) fn place_of<T: Num>(lent: &[Lent], x: &[Var<T>]) -> Option<Place> {
    let range = x.as_ptr_range();
    let (start, end) = (range.start.addr(), range.end.addr());
    let holds = |lent: &&Lent| lent.addresses.start <= start && end <= lent.addresses.end;
    let lent = lent.iter().rev().find(holds)?;
    let before = (start - lent.addresses.start) / size_of::<Var<T>>();
    Some(Place { first: tape_index(lent.first + before), values: lent.values + before })
}

impl<T: Num> Session<T> {
    /// Independent variables, whose statements follow each other.
    pub(crate) fn inputs(&self, values: &[T]) -> Inputs<T> {
        let mut nodes = self.arena.nodes.borrow_mut();
        let (first, entries) = (nodes.statements.len(), nodes.entries.len());
        nodes.statements.resize(first + values.len(), Statement::leaf());
        nodes.entries.extend_from_slice(values);
        let input = |(id, value): (usize, &T)| Var::of_statement(self.arena, id, *value);
        let vars = (first..).zip(values).map(input).collect();
        Inputs { vars, first, values: entries }
    }

    /// `f` of the inputs. While it runs, slices of what it is given are known by their addresses: they are borrowed until it
    /// returns, so that nobody can put anything else there.
    pub(crate) fn lend<Y>(&self, inputs: &Inputs<T>, f: impl FnOnce(&[Var<T>]) -> Y) -> Y {
        /// Takes back what is lent, also where `f` panics.
        struct Loan<'a, T: Num>(&'a Session<T>);
        impl<T: Num> Drop for Loan<'_, T> {
            fn drop(&mut self) {
                self.0.arena.nodes.borrow_mut().lent.pop();
            }
        }
        let Inputs { vars, first, values } = inputs;
        let range = vars.as_ptr_range();
        let addresses = range.start.addr()..range.end.addr();
        self.arena.nodes.borrow_mut().lent.push(Lent { addresses, first: *first, values: *values });
        let _loan = Loan(self);
        f(vars)
    }
}
