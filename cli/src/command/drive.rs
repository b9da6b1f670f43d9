//! `drive`: energies and forces for a program that moves atoms.

use std::net::TcpStream;
use std::sync::Arc;

use cotangent_problem::{Quantity, SampleKey, Simulation};
use cotangent_scenarios::diagnostic::Diagnostic;
use cotangent_scenarios::{Opened, open};
use cotangent_serve::{DriveError, IPiDriver};
use serde_json::json;

use super::{Failure, Voice};
use crate::args::Input;
use crate::exit::Exit;

/// Connects to the program and answers until it ends.
pub(super) fn drive(
    input: &Input,
    address: &str,
    unix: Option<&str>,
    voice: Voice,
) -> Result<Exit, Failure> {
    let overrides = input.changes.overrides();
    let Opened { simulation, loaded } = open(&input.scenario, &overrides)?;
    let Some(simulation) = simulation else {
        let message = "this kind of scenario has no simulation that runs by itself";
        let help = "kind `molecules` has atoms to move";
        return Err(vec![Diagnostic::plain("cotangent::drive::kind", message, help)].into());
    };
    let seed = loaded.as_ref().map_or(0, |l| l.seed);
    let key = SampleKey(seed).child("simulate", 0);
    let simulation = by_positions(simulation, input, overrides)?;
    let driver = IPiDriver::new(&simulation, key).map_err(|e| failure(&e))?;
    let about = input.scenario.display().to_string();
    let computed = if let Some(name) = unix {
        over_unix(&driver, name, &about, voice)?
    } else {
        let mut stream = TcpStream::connect(address).map_err(|e| nobody(address, &e))?;
        stream.set_nodelay(true)?;
        voice.tell(&format!("driving {about} for {address}"));
        driver.drive(&mut stream).map_err(|e| failure(&e))?
    };
    voice.data(&format!("{computed} points computed"), &json!({ "points": computed }))?;
    Ok(Exit::Done)
}

/// The simulation with positions as inputs, where the scenario moves its atoms by other coordinates: what is free in it is the program's.
fn by_positions(
    simulation: Arc<dyn Simulation>,
    input: &Input,
    mut overrides: Vec<String>,
) -> Result<Arc<dyn Simulation>, Failure> {
    let is_position = |q: &Quantity| q.name == "atom[0].position";
    let has_it = |all: &[Quantity]| all.iter().any(is_position);
    if has_it(simulation.inputs()) || !has_it(simulation.outputs()) {
        return Ok(simulation);
    }
    overrides.push("molecule.coordinates=\"cartesian\"".into());
    let found = cotangent_scenarios::simulation(&input.scenario, &overrides)?;
    Ok(found.map_or(simulation, Arc::from))
}

#[cfg(unix)]
fn over_unix(driver: &IPiDriver, name: &str, about: &str, voice: Voice) -> Result<usize, Failure> {
    let path = format!("/tmp/ipi_{name}");
    let mut stream =
        std::os::unix::net::UnixStream::connect(&path).map_err(|e| nobody(&path, &e))?;
    voice.tell(&format!("driving {about} for {path}"));
    driver.drive(&mut stream).map_err(|e| failure(&e))
}

#[cfg(not(unix))]
fn over_unix(_: &IPiDriver, name: &str, _: &str, _: Voice) -> Result<usize, Failure> {
    let why = std::io::Error::from(std::io::ErrorKind::Unsupported);
    Err(nobody(&format!("/tmp/ipi_{name}"), &why))
}

fn nobody(address: &str, error: &std::io::Error) -> Failure {
    let message = format!("cannot connect to {address}: {error}");
    let help = "start the program that moves the atoms first: it listens, and this one connects";
    vec![Diagnostic::plain("cotangent::drive::connect", message, help)].into()
}

fn failure(error: &DriveError) -> Failure {
    let refused = |help: &str| -> Failure {
        vec![Diagnostic::plain("cotangent::drive", error.to_string(), help)].into()
    };
    match error {
        DriveError::NoValue(_) => Failure::Numerical(error.to_string()),
        DriveError::NoAtoms { .. } | DriveError::Map(_) => {
            refused("`cotangent list FILE` prints the inputs and outputs")
        }
        DriveError::Io(_) => Failure::Output(std::io::Error::other(error.to_string())),
        _ => refused("look at what the other program sends"),
    }
}
