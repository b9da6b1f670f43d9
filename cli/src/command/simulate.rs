//! `simulate`: a scenario's simulation, run once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cotangent_ad::random::Stream;
use cotangent_problem::{CheckedMap, Keep, Quantity, SampleKey, Simulation, Workspace, name_word};
use cotangent_raytrace::{Image, Rgb, write_exr};
use serde_json::json;

use super::{Failure, Voice, as_text, jacobian};
use crate::args::Input;
use crate::exit::Exit;
use crate::run::whole_file::write_whole;
use cotangent_scenarios as scenario;
use cotangent_scenarios::Opened;
use cotangent_scenarios::diagnostic::Diagnostic;

/// What is written, and where.
pub(super) struct Wanted<'a> {
    /// Names or patterns of outputs; all where there are none.
    pub(super) outputs: &'a [String],
    /// Whether the Jacobian is written, and by which inputs: names or patterns; what is free where there are none.
    pub(super) jacobian: Option<&'a [String]>,
    /// Standard deviation of the noise that is added.
    pub(super) noise: f64,
    /// The folder.
    pub(super) out: &'a Path,
    /// Overwrite files.
    pub(super) force: bool,
}

/// Runs the simulation at the scenario's start.
pub(super) fn simulate(input: &Input, wanted: &Wanted<'_>, voice: Voice) -> Result<Exit, Failure> {
    let overrides = input.changes.overrides();
    let Some(simulation) = scenario::simulation_at_start(&input.scenario, &overrides)? else {
        let message = "this kind of scenario has no simulation that runs by itself";
        let help = "`cotangent list` says which kinds do";
        return Err(vec![Diagnostic::plain("cotangent::simulate::kind", message, help)].into());
    };
    let simulation: Arc<dyn Simulation> = Arc::from(simulation);
    let outputs = simulation.outputs();
    let picked = match wanted.outputs {
        [] => (0..outputs.len()).collect(),
        names => scenario::pick(names, outputs, "output")?,
    };
    let seed = input.changes.seed.unwrap_or(0);
    let map = Arc::clone(&simulation)
        .map(&[], &picked, false)
        .map_err(|e| Failure::Numerical(e.to_string()))?;
    let key = SampleKey(seed).child("simulate", 0);
    let run = map
        .run(&[], Keep::Values, key, &mut Workspace::new())
        .map_err(|e| Failure::Numerical(e.to_string()))?;
    let quantities: Vec<&Quantity> = picked.iter().map(|k| &simulation.outputs()[*k]).collect();
    let mut y = run.values().entries.clone();
    add_noise(&quantities, wanted.noise, seed, &mut y);
    let mut files = scenario::tables(&quantities, &y);
    if let Some(inputs) = wanted.jacobian {
        let map = jacobian_map(input, &simulation, inputs, wanted.outputs)?;
        files.push(("jacobian.csv".into(), jacobian::table(&map, key)?));
    }
    let images = images(&quantities, &y, wanted)?;
    write(&files, images, wanted, voice)
}

/// The map from inputs, or what the scenario makes free, to outputs, or all that can be differentiated.
fn jacobian_map(
    input: &Input,
    simulation: &Arc<dyn Simulation>,
    inputs: &[String],
    outputs: &[String],
) -> Result<CheckedMap<'static>, Failure> {
    let loaded = scenario::open(&input.scenario, &input.changes.overrides())?.loaded;
    let asked = loaded.as_ref().and_then(|l| l.scenario.asked());
    let name = |k: &usize| simulation.inputs()[*k].name.clone();
    let free: Vec<String> =
        asked.map(|a| a.choice().inputs().iter().map(name).collect()).unwrap_or_default();
    let inputs = if inputs.is_empty() { &free } else { inputs };
    let opened = Opened { simulation: Some(Arc::clone(simulation)), loaded: None };
    Ok(opened.map(inputs, outputs)?)
}

/// Normal noise on every entry, by a stream of its own for each quantity.
fn add_noise(quantities: &[&Quantity], deviation: f64, seed: u64, y: &mut [f64]) {
    let mut rest = y;
    for quantity in quantities {
        let stream = Stream::new(&[seed, name_word("noise"), name_word(&quantity.name)]);
        let (entries, after) = rest.split_at_mut(quantity.len());
        for (entry, value) in entries.iter_mut().enumerate() {
            *value += deviation * stream.normal(entry as u64);
        }
        rest = after;
    }
}

/// Writes the images among the outputs as OpenEXR files; returns their paths.
fn images(
    quantities: &[&Quantity],
    y: &[f64],
    wanted: &Wanted<'_>,
) -> Result<Vec<PathBuf>, Failure> {
    let (mut paths, mut first) = (Vec::new(), 0);
    for quantity in quantities {
        let entries = &y[first..first + quantity.len()];
        first += quantity.len();
        let Some(([width, height], colours)) = scenario::film(quantity) else { continue };
        let path = wanted.out.join(format!("{}.exr", quantity.name.replace('"', "")));
        refuse_existing(&path, wanted.force)?;
        std::fs::create_dir_all(wanted.out)?;
        // one number a pixel is written as grey
        let colour = |p: &[f64]| Rgb([0, 1, 2].map(|c| p[c % colours]));
        let pixels = entries.chunks_exact(colours).map(colour).collect();
        write_exr(&path, &Image { width, height, pixels })
            .map_err(|e| Failure::Output(std::io::Error::other(e.to_string())))?;
        paths.push(path);
    }
    Ok(paths)
}

fn refuse_existing(path: &Path, force: bool) -> Result<(), Failure> {
    if force || !path.exists() {
        return Ok(());
    }
    let message = format!("{} exists already", path.display());
    let help = "name another folder with --out, or overwrite with --force";
    Err(vec![Diagnostic::plain("cotangent::simulate::exists", message, help)].into())
}

fn write(
    files: &[(String, String)],
    images: Vec<PathBuf>,
    wanted: &Wanted<'_>,
    voice: Voice,
) -> Result<Exit, Failure> {
    let mut paths: Vec<_> = files.iter().map(|(name, _)| wanted.out.join(name)).collect();
    paths.iter().try_for_each(|path| refuse_existing(path, wanted.force))?;
    for (path, (_, text)) in paths.iter().zip(files) {
        write_whole(path, text.as_bytes())?;
    }
    paths.extend(images);
    let text: String = paths.iter().map(|p| format!("{}\n", p.display())).collect();
    let paths: Vec<_> = paths.iter().map(|p| as_text(p)).collect();
    voice.data(&text, &json!({ "files": paths }))?;
    Ok(Exit::Done)
}
