//! The reverse sweep: from the last statement to the first, each hands its cotangent to what it was computed from.

use super::{Block, Kind, Mark, Nodes, Run};
use crate::real::Num;
use crate::rules::along;

/// A reverse sweep over the statements above a mark, last to first.
pub(super) struct Sweep<'a, T> {
    pub(super) nodes: &'a Nodes<T>,
    pub(super) mark: &'a Mark,
    /// The statements that the sweep starts from.
    pub(super) seeded: &'a dyn Fn() -> Vec<usize>,
    /// Which statements a seed reaches, once that was asked.
    pub(super) reached: Option<Vec<bool>>,
}

impl<T: Num> Sweep<'_, T> {
    pub(super) fn run(mut self, adjoint: &mut [T]) {
        let mut end = self.nodes.statements.len();
        for block in self.nodes.blocks[self.mark.blocks..].iter().rev() {
            let first = block.first as usize;
            let last = first + block.outputs as usize;
            self.sweep_statements(last..end, adjoint);
            // what a block reads was recorded before it
            let (before, outputs) = adjoint.split_at_mut(first);
            self.sweep_block(block, before, &outputs[..block.outputs as usize]);
            end = first;
        }
        self.sweep_statements(self.mark.statements..end, adjoint);
    }

    fn sweep_block(&mut self, block: &Block, adjoint: &mut [T], y_bar: &[T]) {
        let first = block.first as usize;
        if matches!(block.kind, Kind::Sum) {
            self.sweep_sum(first, &self.nodes.runs[block.range()], adjoint, y_bar[0]);
            return;
        }
        let arguments = &self.nodes.arguments[block.range()];
        let entries = &self.nodes.entries[block.entries..];
        match &block.kind {
            Kind::Sum => {}
            Kind::Jacobian => {
                for ((y_bar, row), id) in
                    y_bar.iter().zip(entries.chunks_exact(arguments.len())).zip(first..)
                {
                    if y_bar.is_constant_zero() && self.may_pass_over(id, row) {
                        continue;
                    }
                    for (id, partial) in arguments.iter().zip(row) {
                        adjoint[*id as usize] += *y_bar * *partial;
                    }
                }
            }
            Kind::Pullback { pull, is_loop } => {
                let is_asked = |sweep: &mut Self| {
                    *is_loop && (first..first + y_bar.len()).any(|id| sweep.is_reached(id))
                };
                if y_bar.iter().all(Num::is_constant_zero) && !is_asked(self) {
                    return;
                }
                let mut x_bar = vec![T::lit(0.0); arguments.len()];
                self.nodes.pullbacks[*pull as usize](y_bar, &mut x_bar);
                for ((id, weight), x_bar) in arguments.iter().zip(entries).zip(x_bar) {
                    adjoint[*id as usize] += along(*weight, x_bar);
                }
            }
        }
    }

    fn sweep_sum(&mut self, id: usize, runs: &[Run], adjoint: &mut [T], y_bar: T) {
        let entries = &self.nodes.entries;
        if y_bar.is_constant_zero()
            && runs.iter().all(|run| self.may_pass_over(id, run.derivatives(entries)))
        {
            return;
        }
        runs.iter().for_each(|run| run.add(y_bar, entries, adjoint));
    }

    fn sweep_statements(&mut self, range: std::ops::Range<usize>, adjoint: &mut [T]) {
        for (i, s) in range.clone().zip(&self.nodes.statements[range]).rev() {
            let y_bar = adjoint[i];
            if y_bar.is_constant_zero() && self.may_pass_over(i, &s.partials) {
                continue;
            }
            adjoint[s.arguments[0] as usize] += y_bar * s.partials[0];
            adjoint[s.arguments[1] as usize] += y_bar * s.partials[1];
        }
    }

    /// Whether a statement whose cotangent is zero contributes nothing: its derivatives are finite, or no seed reaches it. A zero
    /// that was computed on the way from a seed may be the product of what vanishes there and what grows beyond all bounds.
    #[inline]
    fn may_pass_over(&mut self, id: usize, partials: &[T]) -> bool {
        partials.iter().all(Num::is_sound) || !self.is_reached(id)
    }

    /// Whether a seed reaches the statement; found for all statements when it is first asked, as poles are rare.
    #[cold]
    fn is_reached(&mut self, id: usize) -> bool {
        let Self { nodes, mark, seeded, reached } = self;
        reached.get_or_insert_with(|| nodes.reached(mark, &seeded()))[id]
    }
}

impl<T: Num> Nodes<T> {
    /// Which statements are on a path from a statement above the mark to one of `seeded`.
    fn reached(&self, mark: &Mark, seeded: &[usize]) -> Vec<bool> {
        let mut reached = vec![false; self.statements.len()];
        seeded.iter().for_each(|id| reached[*id] = true);
        let mut blocks = self.blocks[mark.blocks..].iter().rev().peekable();
        for id in (mark.statements..self.statements.len()).rev() {
            if reached[id] {
                self.statements[id].arguments.iter().for_each(|a| reached[*a as usize] = true);
            }
            // the first output of a block is the last of them that is met
            if let Some(block) = blocks.next_if(|block| block.first as usize == id)
                && reached[id..id + block.outputs as usize].contains(&true)
            {
                block.reads(self, |a| reached[a] = true);
            }
        }
        reached
    }
}

impl Run {
    /// Adds `y_bar` times the derivatives to the statements' cotangents.
    #[inline]
    fn add<T: Num>(&self, y_bar: T, entries: &[T], adjoint: &mut [T]) {
        let derivatives = self.derivatives(entries);
        let adjoint = &mut adjoint[self.first as usize..];
        if self.stride == 1 {
            for (x_bar, partial) in adjoint.iter_mut().zip(derivatives) {
                *x_bar += y_bar * *partial;
            }
        } else {
            for (x_bar, partial) in
                adjoint.iter_mut().step_by(self.stride as usize).zip(derivatives)
            {
                *x_bar += y_bar * *partial;
            }
        }
    }
}
