//! The file of a sweep: a scenario, and what is varied of it.
//!
//! ```toml
//! [sweep]
//! name = "masses"
//! scenario = "double-pendulum.toml"
//! seeds = 2                        # scenario.seed = 0, 1
//! spread = "sobol"                 # how the ranges are covered
//! points = 16
//!
//! [[list]]                         # every value with every other
//! key = "optimizer.method"
//! values = ["lbfgsb", "gauss-newton"]
//!
//! [[range]]
//! key = 'values."start.joint.shoulder.position"'
//! from = 10
//! to = 90
//! unit = "deg"
//! ```

use std::ops::Range as Span;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cotangent_scenarios::diagnostic::{Diagnostic, Source};
use serde::Deserialize;
use toml::Spanned;

use crate::design::{Spread, product, unit_points};
use crate::sobol;

/// Points at most: each is a folder.
const MOST_POINTS: usize = 1_000_000;

/// The key that `seeds` varies.
const SEED: &str = "scenario.seed";

/// What is varied of a scenario.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name: the folder under `sweeps/`.
    pub name: String,
    /// The scenario file.
    pub scenario: PathBuf,
    /// The text of the plan.
    pub text: String,
    /// The points.
    pub points: Vec<Point>,
}

/// A point: the keys that are varied, with their values in TOML, in the order of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Key and value.
    pub settings: Vec<(String, String)>,
}

impl Point {
    /// As the command line's `--set` takes them.
    pub fn overrides(&self) -> Vec<String> {
        self.settings.iter().map(|(key, value)| format!("{key}={value}")).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sweep: Head,
    #[serde(default)]
    list: Vec<List>,
    #[serde(default)]
    range: Vec<Range>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    name: Spanned<String>,
    scenario: Spanned<String>,
    #[serde(default)]
    seeds: Option<Spanned<u64>>,
    #[serde(default)]
    spread: Option<Spanned<String>>,
    #[serde(default)]
    points: Option<Spanned<usize>>,
    #[serde(default)]
    seed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    key: Spanned<String>,
    #[serde(default)]
    values: Vec<toml::Value>,
    #[serde(default)]
    from: Option<f64>,
    #[serde(default)]
    to: Option<f64>,
    #[serde(default)]
    count: Option<usize>,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    log: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    key: Spanned<String>,
    from: f64,
    to: f64,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    log: bool,
}

/// A number between two others, on a linear or a logarithmic axis, as TOML.
struct Axis<'a> {
    from: f64,
    to: f64,
    log: bool,
    unit: &'a str,
}

impl Axis<'_> {
    fn at(&self, share: f64) -> String {
        let value = match (self.log, share) {
            (_, share) if share <= 0.0 => self.from,
            (_, share) if share >= 1.0 => self.to,
            (true, _) => (self.from.ln() + share * (self.to / self.from).ln()).exp(),
            (false, _) => self.from + share * (self.to - self.from),
        };
        if self.unit.is_empty() {
            format!("{value:?}")
        } else {
            format!("\"{value:?} {}\"", self.unit)
        }
    }
}

/// Makes a diagnostic at a place of the plan.
struct Reader {
    source: Source,
    problems: Vec<Diagnostic>,
}

impl Reader {
    fn problem(&mut self, span: Span<usize>, message: impl Into<String>, help: &str) {
        let code = "cotangent::sweep::plan";
        self.problems.push(Diagnostic::at(code, message, &self.source, span, "here", help));
    }

    /// Checks the ends of an axis.
    fn axis<'a>(
        &mut self,
        key: &Spanned<String>,
        from: f64,
        to: f64,
        log: bool,
        unit: &'a str,
    ) -> Axis<'a> {
        if !(from.is_finite() && to.is_finite() && from < to) {
            let message = format!("`from` is {from} and `to` is {to}");
            self.problem(key.span(), message, "`from` must be less than `to`");
        } else if log && from <= 0.0 {
            let message = format!("a logarithmic axis cannot begin at {from}");
            self.problem(key.span(), message, "begin above 0, or leave `log` out");
        }
        Axis { from, to, log, unit }
    }

    /// The values of a list, as TOML.
    fn list(&mut self, list: &List) -> Vec<String> {
        match (list.values.is_empty(), list.from, list.to, list.count) {
            (false, None, None, None) => list.values.iter().map(ToString::to_string).collect(),
            (true, Some(from), Some(to), Some(count)) if count >= 2 => {
                let axis = self.axis(&list.key, from, to, list.log, &list.unit);
                (0..count).map(|k| axis.at(k as f64 / (count - 1) as f64)).collect()
            }
            _ => {
                let help = "give it `values`, or `from`, `to` and a `count` of at least 2";
                self.problem(list.key.span(), "the list has no values", help);
                Vec::new()
            }
        }
    }

    /// Points over the ranges: a value for each.
    fn ranges(&mut self, head: &Head, ranges: &[Range]) -> Vec<Vec<String>> {
        let axes: Vec<Axis<'_>> =
            ranges.iter().map(|r| self.axis(&r.key, r.from, r.to, r.log, &r.unit)).collect();
        let help = "a [[range]] needs `spread = \"latin-hypercube\"` or `\"sobol\"`, and `points`, in [sweep]";
        let (spread, count) = match (&head.spread, &head.points, ranges.first()) {
            (None, None, None) => return vec![Vec::new()],
            (Some(spread), Some(points), Some(_)) => (spread, points),
            (spread, points, first) => {
                let at = spread.as_ref().map(Spanned::span);
                let at = at.or(points.as_ref().map(Spanned::span)).or(first.map(|r| r.key.span()));
                self.problem(at.unwrap_or(0..0), "the ranges are not covered", help);
                return Vec::new();
            }
        };
        let kind = match spread.get_ref().as_str() {
            "latin-hypercube" => Spread::LatinHypercube,
            "sobol" => Spread::Sobol,
            other => {
                self.problem(spread.span(), format!("there is no spread \"{other}\""), help);
                return Vec::new();
            }
        };
        if kind == Spread::Sobol && axes.len() > sobol::DIMENSIONS {
            let message =
                format!("Sobol's points have at most {} dimensions here", sobol::DIMENSIONS);
            self.problem(spread.span(), message, "use \"latin-hypercube\"");
            return Vec::new();
        }
        if !(1..=MOST_POINTS).contains(count.get_ref()) {
            let message = format!("{} points", count.get_ref());
            self.problem(count.span(), message, "between 1 and a million");
            return Vec::new();
        }
        let points = unit_points(kind, *count.get_ref(), axes.len(), head.seed);
        points.iter().map(|p| axes.iter().zip(p).map(|(a, share)| a.at(*share)).collect()).collect()
    }
}

impl Plan {
    /// Reads the plan in a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            let message = format!("cannot read {}: {e}", path.display());
            let help = "docs/cluster.md shows the file of a sweep";
            vec![Diagnostic::plain("cotangent::scenario::unreadable", message, help)]
        })?;
        Self::parse(path, text)
    }

    fn parse(path: &Path, text: String) -> Result<Self, Vec<Diagnostic>> {
        let source = Source { name: path.display().to_string(), text: Arc::from(text.as_str()) };
        let mut reader = Reader { source, problems: Vec::new() };
        let file: File = toml::from_str(&text).map_err(|e| {
            let is_scenario = text.lines().any(|line| line.trim() == "[scenario]");
            let help = if is_scenario {
                "this is a scenario, which `cotangent run` runs; docs/cluster.md shows the file of a sweep"
            } else {
                "docs/cluster.md shows the file of a sweep"
            };
            reader.problem(e.span().unwrap_or(0..0), e.message(), help);
            std::mem::take(&mut reader.problems)
        })?;
        let head = &file.sweep;
        if let Err(e) = cotangent_harness::check_name(head.name.get_ref()) {
            reader.problem(head.name.span(), e.to_string(), "it becomes a folder's name");
        }
        let scenario = path.parent().unwrap_or(Path::new("")).join(head.scenario.get_ref());
        if !scenario.is_file() {
            let message = format!("there is no file {}", scenario.display());
            reader.problem(head.scenario.span(), message, "a path is relative to the sweep's file");
        }
        let points = points(&mut reader, &file);
        if reader.problems.is_empty() {
            Ok(Self { name: head.name.get_ref().clone(), scenario, text, points })
        } else {
            Err(reader.problems)
        }
    }
}

/// All points: every combination of the lists, with every point over the ranges, with every seed.
fn points(reader: &mut Reader, file: &File) -> Vec<Point> {
    let head = &file.sweep;
    let mut keys: Vec<&Spanned<String>> = file.list.iter().map(|l| &l.key).collect();
    keys.extend(file.range.iter().map(|r| &r.key));
    for (k, key) in keys.iter().enumerate() {
        if keys[..k].iter().any(|other| other.get_ref() == key.get_ref()) {
            let message = format!("`{}` is varied twice", key.get_ref());
            reader.problem(key.span(), message, "vary each key once");
        }
    }
    if let (Some(seeds), true) = (&head.seeds, keys.iter().any(|key| key.get_ref() == SEED)) {
        let message = format!("`{SEED}` is varied twice");
        reader.problem(seeds.span(), message, "give `seeds`, or a list of the key");
    }
    let lists: Vec<Vec<String>> = file.list.iter().map(|l| reader.list(l)).collect();
    let ranges = reader.ranges(head, &file.range);
    let seeds: Vec<String> = match &head.seeds {
        Some(n) if !(1..=MOST_POINTS as u64).contains(n.get_ref()) => {
            reader.problem(n.span(), format!("{} seeds", n.get_ref()), "between 1 and a million");
            Vec::new()
        }
        Some(n) => (0..*n.get_ref()).map(|k| k.to_string()).collect(),
        None => Vec::new(),
    };
    let per_seed = seeds.len().max(1);
    let counts = lists.iter().map(Vec::len).chain([ranges.len(), per_seed]);
    let count = counts.fold(1_usize, usize::saturating_mul);
    if count > MOST_POINTS {
        let at = head.name.span();
        reader.problem(at, format!("the sweep has {count} points"), "at most a million");
        return Vec::new();
    }
    let mut points = Vec::with_capacity(count);
    for combination in product(&lists) {
        for place in &ranges {
            let values = combination.iter().chain(place).cloned();
            let named: Vec<(String, String)> =
                keys.iter().map(|k| k.get_ref().clone()).zip(values).collect();
            if seeds.is_empty() {
                points.push(Point { settings: named.clone() });
            }
            for seed in &seeds {
                let mut settings = named.clone();
                settings.push((SEED.into(), seed.clone()));
                points.push(Point { settings });
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Plan};

    fn plan(text: &str) -> Result<Plan, String> {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sweep.toml");
        let text = format!("[sweep]\nname = \"s\"\nscenario = \"Cargo.toml\"\n{text}");
        Plan::parse(&here, text)
            .map_err(|e| e.iter().map(Diagnostic::short).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn lists_are_combined_with_ranges_and_seeds() {
        let text = "seeds = 2\nspread = \"sobol\"\npoints = 3\n[[list]]\nkey = \"a\"\nvalues = [1, \"2 m\"]\n\
                    [[list]]\nkey = \"b\"\nfrom = 1\nto = 100\ncount = 3\nlog = true\n\
                    [[range]]\nkey = \"c\"\nfrom = -1\nto = 1\nunit = \"deg\"\n";
        let points = plan(text).unwrap().points;
        assert_eq!(points.len(), 2 * 3 * 3 * 2);
        let last = points.last().unwrap().overrides();
        assert_eq!(last[0], "a=\"2 m\"");
        assert_eq!((last[1].as_str(), last[3].as_str()), ("b=100.0", "scenario.seed=1"));
        assert!(last[2].starts_with("c=\"") && last[2].ends_with(" deg\""), "{}", last[2]);
        let middle: f64 = points[6].settings[1].1.parse().unwrap();
        assert!((middle - 10.0).abs() < 1e-14);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, words) in [
            ("colour = 1", "colour"),
            ("seeds = 0", "0 seeds"),
            ("[[list]]\nkey = \"a\"", "sweep.toml:5:7: the list has no values"),
            ("[[list]]\nkey = \"a\"\nfrom = 2\nto = 1\ncount = 2", "`from` is 2"),
            ("[[list]]\nkey = \"a\"\nfrom = 0\nto = 1\ncount = 2\nlog = true", "begin at 0"),
            (
                "[[list]]\nkey = \"a\"\nvalues = [1]\n[[list]]\nkey = \"a\"\nvalues = [1]",
                "varied twice",
            ),
            ("[[range]]\nkey = \"a\"\nfrom = 0\nto = 1", "not covered"),
            (
                "spread = \"random\"\npoints = 4\n[[range]]\nkey = \"a\"\nfrom = 0\nto = 1",
                "\"random\"",
            ),
            ("spread = \"sobol\"\npoints = 4", "not covered"),
            ("seeds = 100000\n[[list]]\nkey = \"a\"\nfrom = 0\nto = 1\ncount = 100000", "points"),
            (
                "seeds = 2\n[[list]]\nkey = \"scenario.seed\"\nvalues = [3, 4]",
                "sweep.toml:4:9: `scenario.seed` is varied twice",
            ),
            ("[[list]", "sweep.toml:4"),
        ] {
            let said = plan(text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
