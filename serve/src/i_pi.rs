//! Energies and forces for a program that moves atoms, over the socket of i-PI: i-PI itself, ASE's `SocketIOCalculator`, LAMMPS.
//!
//! The program that moves the atoms listens; this side connects and answers. A header is twelve characters; numbers are little-endian,
//! `f64` and `i32`. `POSDATA` brings the cell, its inverse and the positions (bohr), `GETFORCE` asks for the energy (hartree), the
//! forces (hartree/bohr), the virial `sum_i F_i R_i^T` (hartree) and a text, which here is JSON with the dipole moment where there is one. The
//! protocol has no word for a failure, so that a point without a value ends the connection.
//!
//! # Source
//! Kapil et al., Comput. Phys. Commun. 236, 214 (2019), doi:10.1016/j.cpc.2018.09.020; the client and server of ASE 3.

use std::io::{self, Read, Write};
use std::sync::Arc;

use cotangent_problem::{
    At, CallError, CheckedMap, MapError, Quantity, SampleKey, Simulation, Workspace,
};
use serde_json::json;
use thiserror::Error;

/// Characters of a header.
const HEADER: usize = 12;
/// Bytes of an initial text that are read; it is not looked at.
const MOST_INITIAL: usize = 1 << 20;

/// Why a simulation cannot drive, or a connection ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DriveError {
    /// Not a simulation of atoms.
    #[error(
        "this simulation has no {role} `{name}` in {unit}: i-PI's socket is for simulations of atoms with an energy and forces, as kind `molecules`"
    )]
    NoAtoms {
        /// `input` or `output`.
        role: &'static str,
        /// What is missing.
        name: String,
        /// Its unit.
        unit: &'static str,
    },
    /// The map between them is refused.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The other side is gone, or was never there.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// What came is not of the protocol.
    #[error("the other side sent {0}, which is not of i-PI's protocol")]
    Protocol(String),
    /// Other atoms than those of the scenario.
    #[error(
        "the other side moves {theirs} atoms and the scenario has {ours}: give both the same molecule"
    )]
    Atoms {
        /// Atoms that came.
        theirs: i64,
        /// Atoms that there are.
        ours: usize,
    },
    /// The simulation has no value at these positions.
    #[error("no energy at these positions, so that the connection ends: {0}")]
    NoValue(#[from] CallError),
}

/// A simulation that answers with energies and forces.
#[derive(Debug)]
pub struct IPiDriver {
    map: CheckedMap<'static>,
    key: SampleKey,
    atoms: usize,
    has_dipole: bool,
}

/// What is computed at a set of positions.
struct Answer {
    energy: f64,
    forces: Vec<f64>,
    virial: [f64; 9],
    extra: String,
}

fn place(all: &[Quantity], name: &str, unit: &str) -> Option<usize> {
    all.iter().position(|q| q.name == name && q.unit == unit)
}

impl IPiDriver {
    /// A driver of the inputs `atom[k].position` (bohr), with outputs `energy` (Ha) and `atom[k].force` (Ha/bohr), in the order of the atoms.
    ///
    /// # Errors
    /// [`DriveError::NoAtoms`] where the simulation has them not.
    pub fn new(simulation: &Arc<dyn Simulation>, key: SampleKey) -> Result<Self, DriveError> {
        let (all_in, all_out) = (simulation.inputs(), simulation.outputs());
        let missing = |role, name: String, unit| DriveError::NoAtoms { role, name, unit };
        let position = |k: usize| place(all_in, &format!("atom[{k}].position"), "bohr");
        let inputs: Vec<usize> = (0..).map_while(position).collect();
        if inputs.is_empty() {
            return Err(missing("input", "atom[0].position".into(), "bohr"));
        }
        let energy = place(all_out, "energy", "Ha")
            .ok_or_else(|| missing("output", "energy".into(), "Ha"))?;
        let mut outputs = vec![energy];
        for k in 0..inputs.len() {
            let name = format!("atom[{k}].force");
            let force = place(all_out, &name, "Ha/bohr");
            outputs.push(force.ok_or_else(|| missing("output", name, "Ha/bohr"))?);
        }
        let dipole = place(all_out, "dipole", "e bohr");
        outputs.extend(dipole);
        let map = CheckedMap::of_simulation(simulation, &inputs, &outputs)?;
        Ok(Self { map, key, atoms: inputs.len(), has_dipole: dipole.is_some() })
    }

    /// Answers until the other side says `EXIT` or leaves between two questions; returns how many points were computed.
    ///
    /// # Errors
    /// [`DriveError`].
    pub fn drive(&self, stream: &mut (impl Read + Write)) -> Result<usize, DriveError> {
        let (mut computed, mut held, mut workspace) = (0, None, Workspace::new());
        while let Some(header) = header(stream)? {
            match header.as_str() {
                "STATUS" => {
                    send_header(stream, if held.is_some() { "HAVEDATA" } else { "READY" })?;
                }
                "INIT" => initial(stream)?,
                "POSDATA" => {
                    let x = self.positions(stream)?;
                    held = Some(self.answer(&x, &mut workspace)?);
                    computed += 1;
                }
                "GETFORCE" => {
                    let answer = held.take().ok_or_else(|| {
                        DriveError::Protocol("GETFORCE before any positions".into())
                    })?;
                    self.send(stream, &answer)?;
                }
                "EXIT" => break,
                other => return Err(DriveError::Protocol(format!("the header {other:?}"))),
            }
            stream.flush()?;
        }
        Ok(computed)
    }

    /// Reads the cell, which a molecule has no use for, and the positions.
    fn positions(&self, stream: &mut impl Read) -> Result<Vec<f64>, DriveError> {
        let _cell_and_inverse = numbers(stream, 18)?;
        let count = integer(stream)?;
        if usize::try_from(count) != Ok(self.atoms) {
            return Err(DriveError::Atoms { theirs: i64::from(count), ours: self.atoms });
        }
        Ok(numbers(stream, 3 * self.atoms)?)
    }

    fn answer(&self, x: &[f64], workspace: &mut Workspace) -> Result<Answer, CallError> {
        let y = self.map.values(At { x, key: self.key }, workspace)?;
        let (energy, rest) = (y[0], &y[1..]);
        let (forces, dipole) = rest.split_at(3 * self.atoms);
        let mut virial = [0.0; 9];
        for (f, r) in forces.chunks_exact(3).zip(x.chunks_exact(3)) {
            for (at, entry) in virial.iter_mut().enumerate() {
                *entry += f[at / 3] * r[at % 3];
            }
        }
        let extra = if self.has_dipole { json!({ "dipole": dipole }) } else { json!({}) };
        Ok(Answer { energy, forces: forces.to_vec(), virial, extra: extra.to_string() })
    }

    fn send(&self, stream: &mut impl Write, answer: &Answer) -> Result<(), DriveError> {
        send_header(stream, "FORCEREADY")?;
        let mut bytes = answer.energy.to_le_bytes().to_vec();
        let count = i32::try_from(self.atoms)
            .map_err(|_| DriveError::Protocol("more atoms than its integers can count".into()))?;
        bytes.extend(count.to_le_bytes());
        for value in answer.forces.iter().chain(&answer.virial) {
            bytes.extend(value.to_le_bytes());
        }
        let length = i32::try_from(answer.extra.len()).unwrap_or(0);
        bytes.extend(length.to_le_bytes());
        bytes.extend(answer.extra.as_bytes());
        Ok(stream.write_all(&bytes)?)
    }
}

/// The next header; `None` where the other side has left.
fn header(stream: &mut impl Read) -> Result<Option<String>, DriveError> {
    let mut bytes = [0; HEADER];
    let mut read = 0;
    while read < HEADER {
        match stream.read(&mut bytes[read..]) {
            Ok(0) if read == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(n) => read += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if read == 0 && e.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    }
    let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
    Ok(Some(text))
}

fn send_header(stream: &mut impl Write, word: &str) -> io::Result<()> {
    stream.write_all(format!("{word:<HEADER$}").as_bytes())
}

fn integer(stream: &mut impl Read) -> io::Result<i32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(i32::from_le_bytes(bytes))
}

fn numbers(stream: &mut impl Read, count: usize) -> io::Result<Vec<f64>> {
    let mut bytes = vec![0; 8 * count];
    stream.read_exact(&mut bytes)?;
    let number = |b: &[u8]| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
    Ok(bytes.chunks_exact(8).map(number).collect())
}

/// Reads what `INIT` brings: the number of a replica and a text.
fn initial(stream: &mut impl Read) -> Result<(), DriveError> {
    let _replica = integer(stream)?;
    let length = integer(stream)?;
    let length = usize::try_from(length).ok().filter(|n| *n <= MOST_INITIAL);
    let length = length
        .ok_or_else(|| DriveError::Protocol("an initial text of an impossible length".into()))?;
    Ok(stream.read_exact(&mut vec![0; length])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_ad::program::Traced;
    use cotangent_problem::Closure;

    /// Two atoms on a spring of length 0: `E = |r_1 - r_0|^2/2`.
    fn spring(unit: &str) -> Arc<dyn Simulation> {
        let position = |k: usize| {
            Quantity::input(format!("atom[{k}].position"), unit, &[3], vec![0.0, 0.0, k as f64])
        };
        let force = |k: usize| Quantity::output(format!("atom[{k}].force"), "Ha/bohr", &[3]);
        let outputs = vec![Quantity::output("energy", "Ha", &[]), force(0), force(1)];
        Arc::new(Closure::new(vec![position(0), position(1)], outputs, |x: &[Traced]| {
            let arm = [x[3] - x[0], x[4] - x[1], x[5] - x[2]];
            let energy = (arm[0] * arm[0] + arm[1] * arm[1] + arm[2] * arm[2]) * 0.5;
            vec![energy, arm[0], arm[1], arm[2], -arm[0], -arm[1], -arm[2]]
        }))
    }

    /// What the other side sends, and what it is answered.
    struct Wire {
        sent: io::Cursor<Vec<u8>>,
        answers: Vec<u8>,
    }

    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.sent.read(buffer)
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.answers.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn talk(words: &[&str], positions: &[f64]) -> (Result<usize, DriveError>, Vec<u8>) {
        let mut sent = Vec::new();
        for word in words {
            send_header(&mut sent, word).unwrap();
            match *word {
                "INIT" => sent.extend([0, 0, 0, 0, 2, 0, 0, 0, b'h', b'i']),
                "POSDATA" => {
                    sent.extend(vec![0; 18 * 8]);
                    sent.extend(i32::try_from(positions.len() / 3).unwrap().to_le_bytes());
                    positions.iter().for_each(|x| sent.extend(x.to_le_bytes()));
                }
                _ => {}
            }
        }
        let driver = IPiDriver::new(&spring("bohr"), SampleKey(0)).unwrap();
        let mut wire = Wire { sent: io::Cursor::new(sent), answers: Vec::new() };
        (driver.drive(&mut wire), wire.answers)
    }

    #[test]
    fn positions_are_answered_by_energy_forces_and_virial() {
        let words = ["STATUS", "INIT", "POSDATA", "STATUS", "GETFORCE", "STATUS", "EXIT"];
        let (ended, answers) = talk(&words, &[0.0, 0.0, 0.0, 0.0, 2.0, 1.0]);
        assert_eq!(ended.unwrap(), 1);
        assert_eq!(&answers[..36], b"READY       HAVEDATA    FORCEREADY  ");
        let mut rest = &answers[36..];
        assert_eq!(numbers(&mut rest, 1).unwrap(), [2.5]);
        assert_eq!(integer(&mut rest).unwrap(), 2);
        assert_eq!(numbers(&mut rest, 6).unwrap(), [0.0, 2.0, 1.0, -0.0, -2.0, -1.0]);
        // -dE/d(strain): the energy is quadratic in the arm (0, 2, 1)
        let virial = numbers(&mut rest, 9).unwrap();
        assert_eq!(virial, [0.0, 0.0, 0.0, 0.0, -4.0, -2.0, 0.0, -2.0, -1.0]);
        assert_eq!(integer(&mut rest).unwrap(), 2);
        assert_eq!(rest, b"{}READY       ");
    }

    #[test]
    fn what_is_not_of_the_protocol_ends_the_connection_in_words() {
        let place = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        // leaving between two questions is no failure
        assert_eq!(talk(&["STATUS"], &place).0.unwrap(), 0);
        let said = |words: &[&str], x: &[f64]| talk(words, x).0.unwrap_err().to_string();
        assert!(said(&["GETFORCE"], &place).contains("before any positions"));
        assert!(said(&["HELLO"], &place).contains("HELLO"));
        assert!(said(&["POSDATA"], &place[..3]).contains("1 atoms and the scenario has 2"));
        assert!(said(&["POSDATA"], &[f64::NAN; 6]).contains("atom[0].position"));
        let refused = IPiDriver::new(&spring("m"), SampleKey(0)).unwrap_err().to_string();
        assert!(refused.contains("`atom[0].position` in bohr"), "{refused}");
    }
}
