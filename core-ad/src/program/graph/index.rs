//! Finds a recorded node: an open-addressed table of numbers, whose keys are the nodes themselves.

use super::node::{Id, Node};

const EMPTY: Id = Id::MAX;

/// Numbers of nodes by what they are.
#[derive(Clone, Debug, Default)]
pub(in crate::program) struct Index {
    table: Vec<Id>,
    used: usize,
}

fn hash(node: &Node) -> usize {
    let (tag, a, b) = match *node {
        Node::Input(k) => (1, k, 0),
        Node::Output { call, output } => (2, call, output),
        #[expect(clippy::cast_possible_truncation, reason = "the low bits, on purpose")]
        Node::Constant(bits) => (3, (bits >> 32) as u32, bits as u32),
        Node::Unary(op, a) => (16 + op as u32, a, 0),
        Node::Binary(op, a, b) => (op.code(), a, b),
        Node::Power(a, n) => (4, a, n.cast_unsigned()),
    };
    // multiplicative hashing, folded: neighbours among the operands spread
    let key = (u64::from(a) << 32 | u64::from(b)) ^ (u64::from(tag) << 25);
    let product = u128::from(key) * 0x9e37_79b9_7f4a_7c15;
    #[expect(clippy::cast_possible_truncation, reason = "the low bits, on purpose")]
    let folded = (product >> 64) as usize ^ product as usize;
    folded
}

impl Index {
    /// The number of `node`, which becomes `next` where it is new.
    pub(in crate::program) fn find_or_insert(
        &mut self,
        node: &Node,
        next: Id,
        nodes: &[Node],
    ) -> Id {
        if self.used * 2 >= self.table.len() {
            self.grow(nodes);
        }
        let mask = self.table.len() - 1;
        let mut at = hash(node) & mask;
        loop {
            match self.table[at] {
                EMPTY => {
                    self.table[at] = next;
                    self.used += 1;
                    return next;
                }
                id if nodes[id as usize] == *node => return id,
                _ => at = (at + 1) & mask,
            }
        }
    }

    fn grow(&mut self, nodes: &[Node]) {
        let old = std::mem::take(&mut self.table);
        self.table = vec![EMPTY; (4 * self.used).next_power_of_two().max(64)];
        let mask = self.table.len() - 1;
        for id in old.into_iter().filter(|id| *id != EMPTY) {
            let mut at = hash(&nodes[id as usize]) & mask;
            while self.table[at] != EMPTY {
                at = (at + 1) & mask;
            }
            self.table[at] = id;
        }
    }
}
