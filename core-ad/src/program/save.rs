//! Programs as bytes, to be kept in a file or sent.
//!
//! Little-endian: the word `CTPG`, the version, the number of inputs, whether it is a derivative; the names of the functions that
//! occur; nodes with their values where they were recorded; guards; outputs; and a checksum (FNV-1a) of all that. Functions stand by
//! their names, so that a later version of the crate with more of them reads an older file.

use thiserror::Error;

use crate::program::Program;
use crate::program::graph::{Binary, Graph, Guard, Id, Node, Relation, Unary};

const WORD: [u8; 4] = *b"CTPG";
const VERSION: u32 = 1;

/// Why a program has no bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SaveError {
    /// It calls a rule, which is code.
    #[error(
        "the program calls the rule {rule}, which is code and has no bytes; record it anew where it is needed"
    )]
    Rule {
        /// The rule's type.
        rule: &'static str,
    },
}

/// Why bytes are no program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// They begin otherwise.
    #[error("not a program: the bytes do not begin with CTPG")]
    NotAProgram,
    /// A later version of this crate wrote them.
    #[error("version {found} of the format; this one reads up to {known}")]
    Version {
        /// The version.
        found: u32,
        /// The latest that is read.
        known: u32,
    },
    /// They end before the program does.
    #[error("the bytes end within the program, after {length}")]
    Truncated {
        /// Bytes given.
        length: usize,
    },
    /// They were changed since they were written.
    #[error("the checksum differs: the bytes were changed")]
    Checksum,
    /// What they say is no program.
    #[error("{what} does not fit, before byte {at}")]
    Corrupt {
        /// What.
        what: &'static str,
        /// Where.
        at: usize,
    },
}

/// FNV-1a of 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Bytes that are read one field after the other.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], LoadError> {
        let found = self.bytes.get(self.at..self.at + N).and_then(|b| b.try_into().ok());
        self.at += N;
        found.ok_or(LoadError::Truncated { length: self.bytes.len() })
    }

    fn byte(&mut self) -> Result<u8, LoadError> {
        Ok(self.take::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, LoadError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn u64(&mut self) -> Result<u64, LoadError> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn corrupt(&self, what: &'static str) -> LoadError {
        LoadError::Corrupt { what, at: self.at }
    }

    /// A number below `end`.
    fn below(&mut self, end: usize, what: &'static str) -> Result<Id, LoadError> {
        let found = self.u32()?;
        if (found as usize) < end { Ok(found) } else { Err(self.corrupt(what)) }
    }

    /// How many entries of at least `width` bytes follow.
    fn count(&mut self, width: usize) -> Result<usize, LoadError> {
        let found = self.u32()? as usize;
        let fits = found <= (self.bytes.len().saturating_sub(self.at)) / width;
        if fits { Ok(found) } else { Err(LoadError::Truncated { length: self.bytes.len() }) }
    }

    fn functions(&mut self) -> Result<Vec<Unary>, LoadError> {
        let count = self.count(1)?;
        let mut functions = Vec::with_capacity(count);
        for _ in 0..count {
            let length = usize::from(self.byte()?);
            let name = self.bytes.get(self.at..self.at + length);
            let name = name.ok_or(LoadError::Truncated { length: self.bytes.len() })?;
            self.at += length;
            let named = std::str::from_utf8(name).ok().and_then(Unary::by_name);
            functions.push(named.ok_or_else(|| self.corrupt("the name of a function"))?);
        }
        Ok(functions)
    }

    fn node(&mut self, id: usize, inputs: u32, known: &[Unary]) -> Result<Node, LoadError> {
        let operand = "an operand that is not computed before";
        Ok(match self.byte()? {
            0 => Node::Input(self.below(inputs as usize, "the number of an input")?),
            1 => Node::Constant(self.u64()?),
            2 => {
                let function = self.below(known.len(), "the number of a function")?;
                Node::Unary(known[function as usize], self.below(id, operand)?)
            }
            3 => {
                let code = self.u32()?;
                let op = Binary::by_code(code)
                    .ok_or_else(|| self.corrupt("the number of an operation"))?;
                Node::Binary(op, self.below(id, operand)?, self.below(id, operand)?)
            }
            4 => Node::Power(self.below(id, operand)?, i32::from_le_bytes(self.take()?)),
            _ => return Err(self.corrupt("the kind of a value")),
        })
    }

    fn guard(&mut self, graph: &mut Graph) -> Result<(), LoadError> {
        let relation = match self.byte()? {
            0 => Relation::Less,
            1 => Relation::LessOrEqual,
            2 => Relation::Equal,
            _ => return Err(self.corrupt("the kind of a comparison")),
        };
        let (values, what) = (graph.nodes.len(), "an operand of a comparison");
        let (a, b) = (self.below(values, what)?, self.below(values, what)?);
        let held = self.byte()? == 1;
        if graph.guard(relation, a, b) != held {
            return Err(self.corrupt("the outcome of a comparison"));
        }
        Ok(())
    }
}

fn write_node(out: &mut Vec<u8>, node: Node, functions: &[Unary]) {
    let mut put = |kind: u8, numbers: &[u32]| {
        out.push(kind);
        numbers.iter().for_each(|n| out.extend(n.to_le_bytes()));
    };
    match node {
        Node::Input(k) => put(0, &[k]),
        Node::Constant(bits) => {
            out.push(1);
            out.extend(bits.to_le_bytes());
        }
        Node::Unary(op, a) => {
            let number = functions.iter().position(|f| *f == op).unwrap_or(0);
            put(2, &[u32::try_from(number).unwrap_or(0), a]);
        }
        Node::Binary(op, a, b) => put(3, &[op.code(), a, b]),
        Node::Power(a, n) => put(4, &[a, n.cast_unsigned()]),
        Node::Output { .. } => unreachable!("a program with calls is refused before"),
    }
}

fn length(n: usize) -> [u8; 4] {
    u32::try_from(n).expect("a program holds at most 2^32 values").to_le_bytes()
}

impl Program {
    /// The program as bytes, for [`Program::from_bytes`]; the same bytes for the same program on every machine.
    ///
    /// ```
    /// use cotangent_ad::{Num, program::Program};
    /// let p = Program::record(|x| vec![x[0].sin() * x[1]], &[0.3, 2.0]);
    /// let again = Program::from_bytes(&p.to_bytes()?)?;
    /// assert_eq!(again.vjp(&[0.4, 2.0], &[1.0])?, p.vjp(&[0.4, 2.0], &[1.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SaveError::Rule`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, SaveError> {
        let graph = &self.0.graph;
        if let Some(call) = graph.calls.first() {
            return Err(SaveError::Rule { rule: call.rule.name() });
        }
        let mut functions: Vec<Unary> = Vec::new();
        for node in &graph.nodes {
            if let Node::Unary(op, _) = node
                && !functions.contains(op)
            {
                functions.push(*op);
            }
        }
        let mut out = WORD.to_vec();
        out.extend(VERSION.to_le_bytes());
        out.extend(graph.inputs.to_le_bytes());
        out.push(u8::from(graph.is_derivative));
        out.extend(length(functions.len()));
        for function in &functions {
            let name = function.name().as_bytes();
            let width = u8::try_from(name.len()).unwrap_or(u8::MAX);
            out.push(width);
            out.extend(&name[..usize::from(width)]);
        }
        out.extend(length(graph.nodes.len()));
        for (node, value) in graph.nodes.iter().zip(&graph.values) {
            write_node(&mut out, *node, &functions);
            out.extend(value.to_bits().to_le_bytes());
        }
        out.extend(length(graph.guards.len()));
        for Guard { relation, a, b, held } in &graph.guards {
            let kind = match relation {
                Relation::Less => 0,
                Relation::LessOrEqual => 1,
                Relation::Equal => 2,
            };
            out.push(kind);
            [a, b].iter().for_each(|id| out.extend(id.to_le_bytes()));
            out.push(u8::from(*held));
        }
        out.extend(length(self.0.outputs.len()));
        self.0.outputs.iter().for_each(|id| out.extend(id.to_le_bytes()));
        let sum = checksum(&out);
        out.extend(sum.to_le_bytes());
        Ok(out)
    }

    /// The program that [`Program::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`LoadError`]; no bytes make a program that was not written, and none panics.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut reader = Reader { bytes, at: 0 };
        if !bytes.starts_with(&WORD) {
            return Err(LoadError::NotAProgram);
        }
        reader.at = WORD.len();
        let found = reader.u32()?;
        if found != VERSION {
            return Err(LoadError::Version { found, known: VERSION });
        }
        let Some(end) = bytes.len().checked_sub(8).filter(|end| *end >= reader.at) else {
            return Err(LoadError::Truncated { length: bytes.len() });
        };
        let sum = Reader { bytes, at: end }.u64()?;
        if checksum(&bytes[..end]) != sum {
            return Err(LoadError::Checksum);
        }
        reader.bytes = &bytes[..end];
        let inputs = reader.u32()?;
        let mut graph = Graph::default();
        graph.inputs = inputs;
        graph.is_derivative = reader.byte()? == 1;
        let functions = reader.functions()?;
        let mut found_inputs = 0;
        for id in 0..reader.count(13)? {
            let node = reader.node(id, inputs, &functions)?;
            let value = f64::from_bits(reader.u64()?);
            if graph.push(node, value) as usize != id {
                return Err(reader.corrupt("a value that stands there twice"));
            }
            found_inputs += u32::from(matches!(node, Node::Input(_)));
        }
        if found_inputs != inputs {
            return Err(reader.corrupt("the number of inputs"));
        }
        for _ in 0..reader.count(10)? {
            reader.guard(&mut graph)?;
        }
        let mut outputs = Vec::new();
        for _ in 0..reader.count(4)? {
            outputs.push(reader.below(graph.nodes.len(), "an output")?);
        }
        if reader.at != end {
            return Err(reader.corrupt("what follows the outputs"));
        }
        Ok(Self::compiled(graph, outputs))
    }
}

#[cfg(test)]
mod tests {
    use super::{LoadError, SaveError, checksum};
    use crate::check::{Branching, Expression};
    use crate::linalg::{Matrix, solve};
    use crate::program::Program;
    use crate::{Real, VectorFn};

    #[test]
    fn a_program_read_back_gives_the_same_bits_and_keeps_its_guards() {
        for number in 0..200 {
            let f = Expression::random(number, 3, 9);
            let p = Program::record(|x| f.call(x), f.point());
            let again = Program::from_bytes(&p.to_bytes().unwrap()).unwrap();
            assert_eq!(
                again.hvp(f.point(), &[0.1, -0.2, 0.3]),
                p.hvp(f.point(), &[0.1, -0.2, 0.3])
            );
            let f = Branching::random(number);
            let p = Program::record(|x| f.call(x), &f.point());
            let again = Program::from_bytes(&p.to_bytes().unwrap()).unwrap();
            for x in [f.point(), [0.7, -0.4], [-0.9, 0.2]] {
                // as text, in which NaN equals NaN
                assert_eq!(
                    format!("{:?}", again.vjp(&x, &[1.0, 0.5])),
                    format!("{:?}", p.vjp(&x, &[1.0, 0.5]))
                );
            }
        }
    }

    #[test]
    fn bytes_that_are_no_program_are_refused() {
        let f = Branching::random(3);
        let bytes = Program::record(|x| f.call(x), &f.point()).to_bytes().unwrap();
        for end in 0..bytes.len() {
            assert!(Program::from_bytes(&bytes[..end]).is_err());
        }
        // every changed byte is noticed, and with a right checksum none panics
        let end = bytes.len() - 8;
        for k in 0..end {
            for change in [1, 0x80] {
                let mut other = bytes.clone();
                other[k] ^= change;
                assert!(Program::from_bytes(&other).is_err(), "byte {k}");
                let sum = checksum(&other[..end]).to_le_bytes();
                other[end..].copy_from_slice(&sum);
                if let Ok(program) = Program::from_bytes(&other) {
                    let _ = program.call(&vec![0.3; program.inputs()]);
                }
            }
        }
        let mut later = bytes.clone();
        later[4] = 2;
        assert_eq!(
            Program::from_bytes(&later).unwrap_err(),
            LoadError::Version { found: 2, known: 1 }
        );
        assert_eq!(Program::from_bytes(b"PNG").unwrap_err(), LoadError::NotAProgram);
    }

    #[test]
    fn a_rule_has_no_bytes() {
        fn quotient<R: Real>(x: &[R]) -> Vec<R> {
            solve(&Matrix::new(1, 1, vec![x[0]]), &x[1..]).unwrap()
        }
        let refused = Program::record(quotient, &[2.0, 3.0]).to_bytes();
        assert!(matches!(refused, Err(SaveError::Rule { rule }) if rule.contains("Solve")));
    }
}
