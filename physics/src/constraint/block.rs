//! What constrains a model at a state: blocks of directions with one law each.

use std::ops::Range;

use cotangent_ad::{Num, Real, Vec3};

use super::contact::Placed;
use super::law::{Law, MOST, Numbers};

/// Where a block comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A stop, by index, at its lower (`false`) or upper end; a ball's is an upper end.
    Stop { stop: usize, upper: bool },
    /// Dry friction, by index, in a coordinate or, where there is none, in a tendon.
    DryFriction { friction: usize, dof: Option<usize> },
    /// A coupling, by index.
    Coupling(usize),
    /// A tie, by its place among [`Blocks::ties`].
    Tie(usize),
    /// A contact, by its place among [`Blocks::contacts`].
    Contact(usize),
}

/// A contact of two geoms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContactAt<T> {
    /// Of the model's pairs that may touch.
    pub(crate) pair: usize,
    /// Which of the pair's contacts.
    pub(crate) index: usize,
    /// Midway between the surfaces.
    pub(crate) position: Vec3<T>,
    /// Normal from the first geom to the second, and two tangents.
    pub(crate) frame: [Vec3<T>; 3],
}

/// A tie of two bodies: what is apart, and how that moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TieAt<T> {
    /// Of the model's ties.
    pub(crate) tie: usize,
    /// What is apart along each direction.
    pub(crate) apart: [T; MOST],
    /// `J' v`: the second derivative of what is apart where the coordinates do not accelerate.
    pub(crate) drift: [T; MOST],
    /// The two points, in the world.
    pub(crate) anchors: [Vec3<T>; 2],
    /// Rates of the last three directions by the angular velocity of the first body against the second.
    pub(crate) turning: [Vec3<T>; 3],
}

/// Directions that one law governs together.
#[derive(Clone, Debug)]
pub(crate) struct Block<T> {
    pub(crate) law: Law,
    pub(crate) source: Source,
    pub(crate) directions: usize,
    /// Coordinates that it moves, in [`Blocks::dofs`].
    pub(crate) dofs: Range<usize>,
    /// First entry in [`Blocks::jacobian`] of its `directions x dofs` Jacobian, row-major.
    pub(crate) jacobian: usize,
    pub(crate) numbers: Numbers<T>,
}

/// All blocks at a state, in reused memory.
#[derive(Clone, Debug)]
pub(crate) struct Blocks<T> {
    pub(crate) list: Vec<Block<T>>,
    /// Coordinates of each block, ascending.
    pub(crate) dofs: Vec<usize>,
    pub(crate) jacobian: Vec<T>,
    pub(crate) contacts: Vec<ContactAt<T>>,
    /// Of each geom; empty where none may touch.
    pub(super) places: Vec<Placed<T>>,
    pub(crate) ties: Vec<TieAt<T>>,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self {
            list: vec![],
            dofs: vec![],
            jacobian: vec![],
            contacts: vec![],
            places: vec![],
            ties: vec![],
        }
    }
}

impl<T: Num> Blocks<T> {
    /// The contact that a block is, where it is one.
    pub(crate) fn contact(&self, block: &Block<T>) -> Option<&ContactAt<T>> {
        match block.source {
            Source::Contact(k) => Some(&self.contacts[k]),
            _ => None,
        }
    }

    /// What a block is of, the same at every state: of a contact, its pair.
    pub(crate) fn surface(&self, block: &Block<T>) -> Source {
        self.contact(block).map_or(block.source, |contact| Source::Contact(contact.pair))
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.dofs.clear();
        self.jacobian.clear();
        self.contacts.clear();
        self.ties.clear();
    }

    /// Adds a block of one direction along coordinates with their rates, in ascending order.
    pub(crate) fn push_line(
        &mut self,
        law: Law,
        source: Source,
        numbers: Numbers<T>,
        along: impl Iterator<Item = (usize, T)>,
    ) {
        let (first, jacobian) = (self.dofs.len(), self.jacobian.len());
        for (dof, rate) in along {
            self.dofs.push(dof);
            self.jacobian.push(rate);
        }
        let dofs = first..self.dofs.len();
        self.list.push(Block { law, source, directions: 1, dofs, jacobian, numbers });
    }

    /// Adds to the rate of a coordinate in the last block, whose coordinates begin at `first` and whose directions are one.
    pub(crate) fn insert(&mut self, first: usize, dof: usize, rate: T) {
        let at = first + self.dofs[first..].partition_point(|d| *d < dof);
        let entry = self.jacobian.len() - self.dofs.len() + at;
        if self.dofs.get(at) == Some(&dof) {
            self.jacobian[entry] += rate;
            return;
        }
        self.dofs.insert(at, dof);
        self.jacobian.insert(entry, rate);
        if let Some(block) = self.list.last_mut() {
            block.dofs.end += 1;
        }
    }

    /// What the residual of a block is without velocity and acceleration, where a violation of 1 asks for `restoring`.
    pub(crate) fn at_rest(&self, block: &Block<T>, restoring: T) -> [T; MOST] {
        if let Source::Tie(k) = block.source {
            let TieAt { apart, drift, .. } = &self.ties[k];
            return std::array::from_fn(|j| restoring * apart[j] + drift[j]);
        }
        let mut rest = [T::lit(0.0); MOST];
        rest[0] = restoring * block.numbers.gap;
        rest
    }

    /// The coordinates of a block, and its Jacobian.
    pub(crate) fn of(&self, block: &Block<T>) -> (&[usize], &[T]) {
        let dofs = &self.dofs[block.dofs.clone()];
        let jacobian = &self.jacobian[block.jacobian..][..block.directions * dofs.len()];
        (dofs, jacobian)
    }

    /// `J x` of a block.
    pub(crate) fn along(&self, block: &Block<T>, x: &[T]) -> [T; MOST] {
        let (dofs, jacobian) = self.of(block);
        let mut y = [T::lit(0.0); MOST];
        for (y, row) in y.iter_mut().zip(jacobian.chunks_exact(dofs.len())) {
            for (dof, rate) in dofs.iter().zip(row) {
                *y += *rate * x[*dof];
            }
        }
        y
    }

    /// Adds `J^T f` of a block.
    pub(crate) fn add_transposed(&self, block: &Block<T>, f: &[T; MOST], x: &mut [T]) {
        let (dofs, jacobian) = self.of(block);
        for (f, row) in f.iter().zip(jacobian.chunks_exact(dofs.len())) {
            for (dof, rate) in dofs.iter().zip(row) {
                x[*dof] += *rate * *f;
            }
        }
    }
}

impl<T: Real> Blocks<T> {
    /// The values, without derivatives, into other memory.
    pub(crate) fn concrete(&self, to: &mut Blocks<f64>) {
        to.clear();
        to.dofs.extend(&self.dofs);
        to.jacobian.extend(self.jacobian.iter().map(|x| x.concrete()));
        to.ties.extend(self.ties.iter().map(|tie| TieAt {
            tie: tie.tie,
            apart: tie.apart.map(Real::concrete),
            drift: tie.drift.map(Real::concrete),
            anchors: tie.anchors.map(|x| Vec3(x.0.map(Real::concrete))),
            turning: tie.turning.map(|x| Vec3(x.0.map(Real::concrete))),
        }));
        for b in &self.list {
            let numbers = Numbers::from_array(b.numbers.to_array().map(Real::concrete));
            let (law, source, directions) = (b.law, b.source, b.directions);
            let (dofs, jacobian) = (b.dofs.clone(), b.jacobian);
            to.list.push(Block { law, source, directions, dofs, jacobian, numbers });
        }
    }
}
