//! Random models: ten steps beside MuJoCo's.

use std::path::Path;
use std::process::Command;

use cotangent_physics::io::mjcf::read_mjcf_file;
use cotangent_physics::{Scratch, State, step};

use super::models::{Numbers, apart};
use crate::peer::{self, PeerError, Peers};
use crate::report::{Item, Proof};

const COUNT: usize = 1000;
const STEPS: usize = 10;
/// Of the largest velocity, or of 1.
const TOLERANCE: f64 = 1e-8;
/// Share of the models that may differ.
const EXCEPTIONS: f64 = 0.02;
/// A difference is rounding where MuJoCo's own two ways to factor differ by this share of it.
const OWN: f64 = 0.01;

/// What became of the models.
#[derive(Default)]
struct Tally {
    refused: Vec<String>,
    agree: usize,
    touching: usize,
    /// MuJoCo differs from itself.
    rounding: Vec<String>,
    unexplained: Vec<String>,
}

/// Models that the peer's generator draws.
pub(super) fn beside_mujoco(peers: &Peers) -> Result<Vec<Item>, PeerError> {
    let Ok(python) = peers.python("mujoco") else { return Ok(vec![]) };
    let folder = tempfile::TempDir::new()?;
    let script = peer::script("physics_random.py");
    let found =
        peer::run(Command::new(python).arg(script).arg(folder.path()).arg(COUNT.to_string()))?;
    let mut tally = Tally::default();
    for (file, numbers) in &found {
        tally.add(Path::new(file), &numbers.values);
    }
    let read = found.len() - tally.refused.len();
    let list = |what: &str, names: &[String]| {
        let all = if names.is_empty() { String::new() } else { format!(" ({})", names.join("; ")) };
        format!("{} {what}{all}", names.len())
    };
    let exceptions = tally.rounding.len() + tally.unexplained.len();
    Ok(vec![Item::Proof(Proof {
        what: format!(
            "{} random models, {} of them in contact: {STEPS} steps against MuJoCo's",
            found.len(),
            tally.touching
        ),
        must: format!("{TOLERANCE:e}; at most 2 % exceptions, none unexplained"),
        measured: format!(
            "{} of {read}; {}; {}; {}",
            tally.agree,
            list("where MuJoCo's dense and sparse factors differ too", &tally.rounding),
            list("unexplained", &tally.unexplained),
            list("refused", &tally.refused)
        ),
        holds: tally.unexplained.is_empty()
            && !found.is_empty()
            && exceptions as f64 <= EXCEPTIONS * read as f64,
    })])
}

impl Tally {
    fn add(&mut self, file: &Path, numbers: &[f64]) {
        let name = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let read = match read_mjcf_file(file) {
            Ok(read) => read,
            Err(errors) => {
                self.refused.push(format!("{name}: {}", errors.0[0].problem));
                return;
            }
        };
        if let Some(missing) = read.unsimulated.first() {
            let which = missing.which.clone().unwrap_or_default();
            self.refused.push(format!("{name}: contact of {which}"));
            return;
        }
        let model = &read.model;
        let Some(mut numbers) = Numbers::of(model, numbers) else {
            self.unexplained.push(format!("{name}: other sizes"));
            return;
        };
        let mut now = numbers.state();
        let u = numbers.take(model.nu());
        let [end, other]: [State; 2] = [numbers.state(), numbers.state()];
        self.touching += usize::from(numbers.take(1)[0] > 0.0);
        let mut s = Scratch::new(model);
        for _ in 0..STEPS {
            step(model, model.parameters(), &read.options, &mut now, &u, &mut s);
        }
        let (found, own) = (apart(model, &now, &end), apart(model, &other, &end));
        if found <= TOLERANCE {
            self.agree += 1;
        } else if own >= OWN * found {
            self.rounding.push(format!("{name}: {found:.0e}, {own:.0e}"));
        } else {
            self.unexplained.push(format!("{name}: {found:.0e}, {own:.0e}"));
        }
    }
}
