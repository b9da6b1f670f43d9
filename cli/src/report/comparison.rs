//! Several runs side by side: a table as text and as CSV, and one page.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use cotangent_harness::history::{self, Row, csv_field};
use serde_json::{Value, json};

use super::page::{self, ending, entry_name};
use crate::plot::{Figure, Mark, Scales, Series, draw_on, escape, number};
use crate::run::{Found, HarnessError, Manifest, Record};

/// Entries of a parameter up to which each has a row of its own.
const ENTRIES: usize = 12;

/// A run among others: what its history says, and its record where it is finished.
#[derive(Debug)]
pub struct Compared {
    /// What tells it from the others.
    label: String,
    /// Its name and seed.
    manifest: Manifest,
    rows: Vec<Row>,
    record: Option<Record>,
    /// Its settings, flat: key and value in TOML.
    settings: Vec<(String, String)>,
}

impl Compared {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// There is no run, or none that can be read.
    pub fn read(folder: &Path, label: String) -> Result<Self, HarnessError> {
        let manifest = Manifest::of(folder)?;
        let (_, rows) = history::read(folder)?;
        // an unfinished run has a history all the same; any other fault is told
        let record = match Record::read(folder) {
            Err(HarnessError::Unfinished(_)) => None,
            read => Some(read?),
        };
        let resolved = std::fs::read_to_string(folder.join("resolved.toml")).unwrap_or_default();
        Ok(Self { label, manifest, rows, record, settings: flat_settings(&resolved) })
    }

    fn method(&self) -> &str {
        self.record.as_ref().map_or("", |r| &r.summary.method)
    }

    fn status(&self) -> &str {
        self.record.as_ref().map_or("unfinished", |r| &r.summary.status)
    }

    /// Least objective that was met.
    fn least(&self) -> f64 {
        self.rows.last().map_or(f64::NAN, |row| row.best)
    }

    fn evaluations(&self) -> Option<u64> {
        self.rows.last().map(|row| row.evaluations)
    }

    /// Evaluations after which the objective was no greater than `level`.
    fn evaluations_to(&self, level: f64) -> Option<u64> {
        self.rows.iter().find(|row| row.best <= level).map(|row| row.evaluations)
    }
}

/// Every setting of a resolved scenario with its path, entries of lists by their number.
fn flat_settings(resolved: &str) -> Vec<(String, String)> {
    fn walk(path: &str, value: &toml::Value, flat: &mut Vec<(String, String)>) {
        let below =
            |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            toml::Value::Table(table) => table.iter().for_each(|(k, v)| walk(&below(k), v, flat)),
            toml::Value::Array(list) if list.iter().all(toml::Value::is_table) => {
                list.iter().enumerate().for_each(|(k, v)| walk(&format!("{path}[{k}]"), v, flat));
            }
            value => flat.push((path.to_owned(), value.to_string())),
        }
    }
    let mut flat = Vec::new();
    if let Ok(table) = resolved.parse::<toml::Table>() {
        walk("", &toml::Value::Table(table), &mut flat);
    }
    flat
}

/// A table of a page; cells that are numbers stand to the right.
fn html_table(head: &[String], rows: &[Vec<String>]) -> String {
    let class = |cell: &str| {
        if cell.starts_with(|c: char| c.is_ascii_digit() || c == '-') { " class=\"n\"" } else { "" }
    };
    let cells = |tag: &str, cells: &[String]| -> String {
        cells.iter().map(|c| format!("<{tag}{}>{}</{tag}>", class(c), escape(c))).collect()
    };
    let mut table =
        format!("<div class=\"scroll\"><table><thead><tr>{}</tr></thead>\n", cells("th", head));
    for row in rows {
        let _ = writeln!(table, "<tr>{}</tr>", cells("td", row));
    }
    table + "</table></div>\n"
}

/// Runs side by side.
#[derive(Debug)]
pub struct Comparison(Vec<Compared>);

/// Heads of the table's columns.
const HEAD: [&str; 11] = [
    "run",
    "scenario",
    "optimizer",
    "seed",
    "status",
    "goal met",
    "objective at the start",
    "least objective",
    "evaluations",
    "evaluations to the level",
    "wall_s",
];

impl Comparison {
    /// Whether all runs are of scenarios of one name: else their objectives are not of one kind.
    pub fn is_of_one_scenario(&self) -> bool {
        self.0.windows(2).all(|pair| pair[0].manifest.name == pair[1].manifest.name)
    }

    /// Of these runs.
    pub fn new(runs: Vec<Compared>) -> Self {
        Self(runs)
    }

    /// The greatest of the runs' least objectives: a level that all of them reach.
    fn level(&self) -> f64 {
        self.0.iter().map(Compared::least).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Least objective so far against evaluations, a line for each run, on logarithmic axes.
    pub fn picture(&self) -> String {
        let marks = [Mark::Line, Mark::Dashes, Mark::Dots];
        let line = |(k, run): (usize, &Compared)| {
            let points = run.rows.iter().map(|r| (r.evaluations as f64, r.best));
            Series::new(&run.label, marks[k % marks.len()], points)
        };
        let series: Vec<Series> = self.0.iter().enumerate().map(line).collect();
        // an objective that is negative somewhere has no logarithm there; a value of exactly 0 is left out
        let values = || series.iter().flat_map(|s| s.points.iter().map(|p| p.1));
        let log_y = values().all(|v| v >= 0.0) && values().any(|v| v > 0.0);
        let labels = ["evaluations", "objective"];
        let figure = Figure::lines("comparison", "Least objective so far", labels, series);
        draw_on(&figure, Scales { log_x: true, log_y })
    }

    /// The cells of the table, a row for each run.
    fn cells(&self, of: impl Fn(f64) -> String) -> Vec<[String; HEAD.len()]> {
        let level = self.level();
        let whole = |n: Option<u64>| n.map_or(String::new(), |n| n.to_string());
        let row = |run: &Compared| {
            let finished =
                |of: &dyn Fn(&Record) -> String| run.record.as_ref().map_or(String::new(), of);
            [
                run.label.clone(),
                run.manifest.name.clone(),
                run.method().to_owned(),
                run.manifest.seed.to_string(),
                run.status().to_owned(),
                finished(&|r| if r.summary.goal_met { "yes" } else { "no" }.into()),
                run.rows.first().map_or(String::new(), |row| of(row.value)),
                of(run.least()),
                whole(run.evaluations()),
                whole(run.evaluations_to(level)),
                finished(&|r| format!("{:.3}", r.summary.wall_s)),
            ]
        };
        self.0.iter().map(row).collect()
    }

    /// The table for people, in columns.
    pub fn text(&self) -> String {
        let mut rows = vec![HEAD.map(str::to_owned)];
        rows.extend(self.cells(number));
        let width = |c: usize| rows.iter().map(|row| row[c].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        let mut text = String::new();
        for row in &rows {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
            let _ = writeln!(text, "{}", cells.join("  ").trim_end());
        }
        let _ = writeln!(text, "the level, which every run reaches: {}", number(self.level()));
        text
    }

    /// The table with every digit, goals and found values included.
    pub fn csv(&self) -> String {
        let found = self.found(|v| v.to_string());
        let goals = self.goals(|v| v.to_string());
        let line = |cells: &[String]| {
            cells.iter().map(|c| csv_field(c)).collect::<Vec<_>>().join(",") + "\n"
        };
        let mut head: Vec<String> = HEAD.iter().map(|h| h.replace(' ', "_")).collect();
        head.extend(goals.iter().chain(&found).map(|(name, _)| name.clone()));
        let mut text = line(&head);
        for (k, cells) in self.cells(|v| v.to_string()).into_iter().enumerate() {
            let mut cells = cells.to_vec();
            cells.extend(goals.iter().chain(&found).map(|(_, values)| values[k].clone()));
            text.push_str(&line(&cells));
        }
        text
    }

    /// The table as data.
    pub fn json(&self) -> Value {
        let level = self.level();
        let run = |run: &Compared| {
            json!({
                "run": run.label,
                "scenario": run.manifest.name,
                "optimizer": run.method(),
                "seed": run.manifest.seed,
                "status": run.status(),
                "goal_met": run.record.as_ref().map(|r| r.summary.goal_met),
                "objective_initial": run.rows.first().map(|row| row.value),
                "objective_least": run.least(),
                "evaluations": run.evaluations(),
                "evaluations_to_level": run.evaluations_to(level),
                "wall_s": run.record.as_ref().map(|r| r.summary.wall_s),
            })
        };
        json!({ "level": level, "runs": self.0.iter().map(run).collect::<Vec<_>>() })
    }

    /// Rows of names with a cell for each run, from pairs that each run has; what a run does not have is empty.
    fn side_by_side(
        &self,
        pairs: impl Fn(&Compared) -> Vec<(String, String)>,
    ) -> Vec<(String, Vec<String>)> {
        let all: Vec<Vec<(String, String)>> = self.0.iter().map(pairs).collect();
        let (mut seen, mut names) = (BTreeSet::new(), Vec::new());
        for (name, _) in all.iter().flatten() {
            if seen.insert(name) {
                names.push(name.clone());
            }
        }
        let cell = |run: &Vec<(String, String)>, name: &str| {
            run.iter().find(|(n, _)| n == name).map_or(String::new(), |(_, value)| value.clone())
        };
        names
            .into_iter()
            .map(|name| (name.clone(), all.iter().map(|run| cell(run, &name)).collect()))
            .collect()
    }

    /// Parameters of few entries that were found.
    fn found(&self, of: impl Fn(f64) -> String) -> Vec<(String, Vec<String>)> {
        let entries = |f: &Found| -> Vec<(String, String)> {
            let unit = if f.unit.is_empty() { String::new() } else { format!(" ({})", f.unit) };
            let entry = |k: usize| (format!("{}{unit}", entry_name(f, k)), of(f.value[k]));
            (0..f.value.len()).map(entry).collect()
        };
        self.side_by_side(|run| {
            let found = run.record.iter().flat_map(|r| &r.found);
            found.filter(|f| f.value.len() <= ENTRIES).flat_map(entries).collect()
        })
    }

    /// What goals measured.
    fn goals(&self, of: impl Fn(f64) -> String) -> Vec<(String, Vec<String>)> {
        self.side_by_side(|run| {
            let findings = run.record.iter().flat_map(|r| &r.summary.findings);
            findings
                .map(|f| {
                    let unit =
                        if f.unit.is_empty() { String::new() } else { format!(" ({})", f.unit) };
                    (format!("goal {}{unit}", f.label), of(f.measured))
                })
                .collect()
        })
    }

    /// Settings that are not the same in all runs.
    fn different_settings(&self) -> Vec<(String, Vec<String>)> {
        let mut rows = self.side_by_side(|run| run.settings.clone());
        rows.retain(|(_, cells)| cells.iter().any(|cell| cell != &cells[0]));
        rows
    }

    /// The page.
    pub fn page(&self) -> String {
        let title = "Runs compared";
        let mut page = page::open(title);
        let _ = writeln!(page, "<h1>{title}</h1>");
        let names: BTreeSet<&str> = self.0.iter().map(|run| run.manifest.name.as_str()).collect();
        if names.len() > 1 {
            page.push_str(
                "<div class=\"note warning\">The runs are of different scenarios: their objectives need not mean the same.</div>\n",
            );
        }
        let _ = writeln!(
            page,
            "<p>Every run reaches an objective of {}; the evaluations that each took to it are in the table.</p>",
            number(self.level())
        );
        let rows: Vec<Vec<String>> = self.cells(number).into_iter().map(Vec::from).collect();
        page.push_str(&html_table(&HEAD.map(str::to_owned), &rows));
        let _ = writeln!(
            page,
            "<h2>Least objective so far</h2>\n<div class=\"figures\"><figure>{}</figure></div>",
            self.picture()
        );
        let mut head = vec![String::new()];
        head.extend(self.0.iter().map(|run| run.label.clone()));
        for (title, rows) in [
            ("Goals", self.goals(number)),
            ("Found values", self.found(number)),
            ("Settings that differ", self.different_settings()),
        ] {
            if rows.is_empty() {
                continue;
            }
            let rows: Vec<Vec<String>> = rows
                .into_iter()
                .map(|(name, cells)| std::iter::once(name).chain(cells).collect())
                .collect();
            let _ = writeln!(page, "<h2>{title}</h2>");
            page.push_str(&html_table(&head, &rows));
        }
        let _ = writeln!(page, "<h2>How they ended</h2>\n<ul>");
        for run in &self.0 {
            let end = if run.record.is_some() {
                ending(run.status())
            } else {
                "it is not finished".into()
            };
            let _ = writeln!(page, "<li>{}: {}</li>", escape(&run.label), escape(&end));
        }
        page.push_str("</ul>\n</main>\n</html>\n");
        page
    }
}
