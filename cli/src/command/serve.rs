//! `serve`: a scenario's maps for callers over HTTP, until a signal.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use cotangent_problem::{CheckedMap, SampleKey};
use cotangent_scenarios::diagnostic::Diagnostic;
use cotangent_scenarios::{Opened, Prepared, open};
use cotangent_serve::{Limits, Model, Protocol, Tesseract, UmBridge, serve as answer};
use serde_json::json;

use super::{Failure, Voice};
use crate::args::{Input, ServedMap, Wire};
use crate::exit::Exit;

/// What is served, and where.
pub(super) struct Wanted<'a> {
    /// The protocol.
    pub(super) wire: Wire,
    /// Which map, where the protocol has room for one.
    pub(super) map: ServedMap,
    /// Names or patterns of inputs; those that the scenario makes free where there are none.
    pub(super) inputs: &'a [String],
    /// Names or patterns of outputs; those that the scenario asks of where there are none.
    pub(super) outputs: &'a [String],
    /// The address to listen at.
    pub(super) address: IpAddr,
    /// The port; the protocol's own where absent.
    pub(super) port: Option<u16>,
}

/// Serves a scenario until the program is told to end.
pub(super) fn serve(input: &Input, wanted: &Wanted<'_>, voice: Voice) -> Result<Exit, Failure> {
    let picks = wanted.inputs.len() + wanted.outputs.len();
    if wanted.wire == Wire::Tesseract && wanted.map == ServedMap::Objective && picks > 0 {
        let message = "--input and --output pick from the simulation, and the objective is served";
        let help = "leave them out, or serve the simulation; [[parameter]] says what the objective depends on";
        return Err(vec![Diagnostic::plain("cotangent::serve::objective", message, help)].into());
    }
    // both are served until the process ends
    let opened: &'static Opened =
        Box::leak(Box::new(open(&input.scenario, &input.changes.overrides())?));
    let seed = opened.loaded.as_ref().map_or(0, |l| l.seed);
    let simulation = || -> Result<Model, Failure> {
        let map = opened.map(wanted.inputs, wanted.outputs)?;
        Ok(Model::new("simulation", map, SampleKey(seed).child("simulate", 0)))
    };
    let about = input.scenario.display().to_string();
    let protocol: Arc<dyn Protocol> = match (wanted.wire, wanted.map) {
        (Wire::UmBridge, _) => {
            let mut models = Vec::new();
            if opened.simulation.is_some() {
                models.push(simulation()?);
            }
            models.extend(objective(opened, seed)?);
            Arc::new(UmBridge::new(models))
        }
        (Wire::Tesseract, ServedMap::Simulation) => Arc::new(Tesseract::new(simulation()?, &about)),
        (Wire::Tesseract, ServedMap::Objective) => {
            let Some(model) = objective(opened, seed)? else {
                let message = "this scenario has no objective: it says neither what is free nor what is asked";
                let help = "serve its simulation, or add [[parameter]] and [[term]]";
                let code = "cotangent::serve::objective";
                return Err(vec![Diagnostic::plain(code, message, help)].into());
            };
            Arc::new(Tesseract::new(model, &about))
        }
    };
    let listener = listen(SocketAddr::new(wanted.address, port(wanted)?))?;
    let url = format!("http://{}", listener.local_addr()?);
    // who reads the address may end the server at once
    let announce = || {
        voice.tell(&format!("serving {about}; Ctrl-C ends it"));
        voice.data(&url, &json!({ "url": url }))
    };
    let limits = Limits { workers: rayon::current_num_threads(), ..Limits::default() };
    answer(listener, protocol, limits, announce)
        .map_err(|e| Failure::Output(std::io::Error::other(e)))?;
    Ok(Exit::Done)
}

/// The objective by its parameters, where the scenario has one.
fn objective(opened: &'static Opened, seed: u64) -> Result<Option<Model>, Failure> {
    let Some(loaded) = &opened.loaded else { return Ok(None) };
    let prepared: &'static dyn Prepared =
        Box::leak(loaded.scenario.prepare().map_err(Failure::Numerical)?);
    let (space, start) = (loaded.scenario.space(), loaded.scenario.start(seed));
    let map = CheckedMap::of_objective(prepared.objective(), &space, &start);
    Ok(Some(Model::new("objective", map, SampleKey(seed))))
}

/// The port that was asked for; else, for UM-Bridge, what its load balancer says; else the protocol's own.
fn port(wanted: &Wanted<'_>) -> Result<u16, Failure> {
    let balancer = std::env::var("PORT").ok().filter(|_| wanted.wire == Wire::UmBridge);
    match (wanted.port, balancer) {
        (Some(port), _) => Ok(port),
        (None, Some(text)) => text.parse().map_err(|_| {
            let message = format!("the environment's PORT is {text:?}, which is no port");
            let help = "unset it, or name a port with --port";
            vec![Diagnostic::plain("cotangent::serve::port", message, help)].into()
        }),
        (None, None) => Ok(match wanted.wire {
            Wire::UmBridge => 4242,
            Wire::Tesseract => 8000,
        }),
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|e| {
        let message = format!("cannot listen at {address}: {e}");
        let help = "choose another port with --port; --port 0 takes one that is free";
        vec![Diagnostic::plain("cotangent::serve::address", message, help)].into()
    })
}
