//! What a sweep found, as a table: a row for each point.

use std::fmt::Write as _;

use cotangent_harness::history::csv_field;
use cotangent_harness::{Found, Record, Summary};

use crate::npz;
use crate::study::{State, Study, SweepError, summary};

/// Parameters of more entries than this are not in the table; they are in the run folders.
const MOST_ENTRIES: usize = 12;

/// Between the name of an entry and its unit.
const STANDARD_ERROR: &str = " standard error";

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing is known.
    Empty,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// What a column tells of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Its address.
    Point,
    /// A key that is varied.
    Varied,
    /// Where it stands.
    State,
    /// How its run went.
    Course,
    /// What a goal measured.
    Goal,
    /// An entry of the answer.
    Found,
    /// The standard error of the entry in the column before.
    StandardError,
}

/// A column: its name with the unit, and a cell for each row.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What it tells.
    pub kind: Kind,
    /// Name, with the unit in brackets where there is one.
    pub name: String,
    /// Cells.
    pub cells: Vec<Cell>,
}

/// Columns of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    rows: usize,
}

impl Table {
    /// Puts a cell into the column of this name, which is made where there is none.
    fn put(&mut self, row: usize, kind: Kind, name: &str, cell: Cell) {
        let known = self.columns.iter().position(|c| c.name == name);
        let k = known.unwrap_or_else(|| {
            let cells = vec![Cell::Empty; self.rows];
            self.columns.push(Column { kind, name: name.into(), cells });
            self.columns.len() - 1
        });
        self.columns[k].cells[row] = cell;
    }

    fn number(&mut self, row: usize, kind: Kind, name: &str, value: f64) {
        self.put(row, kind, name, Cell::Number(value));
    }

    fn text(&mut self, row: usize, kind: Kind, name: &str, value: &str) {
        self.put(row, kind, name, Cell::Text(value.into()));
    }

    /// Columns of a kind side by side in the order in which they came, each standard error after its entry: a point may know what
    /// those before it did not.
    fn arrange(&mut self) {
        let names: Vec<String> = self.columns.iter().map(|c| c.name.clone()).collect();
        self.columns.sort_by_cached_key(|c| match c.kind {
            Kind::StandardError => {
                let entry = c.name.replacen(STANDARD_ERROR, "", 1);
                (Kind::Found, names.iter().position(|name| *name == entry), true)
            }
            kind => (kind, names.iter().position(|name| *name == c.name), false),
        });
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The columns of a kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |c| c.kind == kind)
    }

    /// As CSV; a cell of which nothing is known is empty.
    pub fn to_csv(&self) -> String {
        let line = |cells: Vec<String>| cells.join(",") + "\n";
        let mut csv = line(self.columns.iter().map(|c| csv_field(&c.name)).collect());
        for row in 0..self.rows {
            let cell = |c: &Column| match &c.cells[row] {
                Cell::Empty => String::new(),
                Cell::Number(value) => format!("{value:?}"),
                Cell::Text(text) => csv_field(text),
            };
            let _ = write!(csv, "{}", line(self.columns.iter().map(cell).collect()));
        }
        csv
    }

    /// As NPZ: an array for each column, of 64-bit floats (NaN where nothing is known) or of texts.
    pub fn to_npz(&self) -> Vec<u8> {
        let mut archive = npz::Archive::default();
        for column in &self.columns {
            let texts = column.cells.iter().any(|c| matches!(c, Cell::Text(_)));
            if texts {
                let text = |c: &Cell| match c {
                    Cell::Empty => String::new(),
                    Cell::Number(value) => format!("{value:?}"),
                    Cell::Text(text) => text.clone(),
                };
                archive.texts(&column.name, &column.cells.iter().map(text).collect::<Vec<_>>());
            } else {
                let number = |c: &Cell| if let Cell::Number(value) = c { *value } else { f64::NAN };
                archive.numbers(&column.name, &column.cells.iter().map(number).collect::<Vec<_>>());
            }
        }
        archive.finish()
    }
}

impl Study {
    /// What was found until now.
    ///
    /// # Errors
    /// [`SweepError`].
    pub fn table(&self) -> Result<Table, SweepError> {
        let mut table = Table { rows: self.len(), ..Table::default() };
        for (row, entry) in self.entries().iter().enumerate() {
            table.text(row, Kind::Point, "point", entry.address.as_str());
            for (key, value) in &entry.settings {
                let (name, cell) = setting(key, value);
                table.put(row, Kind::Varied, &name, cell);
            }
            let state = match self.state(row)? {
                State::Waiting => "waiting",
                State::Started => "started",
                State::Done { .. } => "done",
                State::Failed(_) => "failed",
            };
            table.text(row, Kind::State, "state", state);
        }
        for (row, entry) in self.entries().iter().enumerate() {
            let run = self.run_folder(&entry.address);
            if let Some(summary) = summary(&run) {
                result(&mut table, row, &summary);
                Record::answer(&run)?.iter().for_each(|p| parameter(&mut table, row, p));
            }
        }
        table.arrange();
        Ok(table)
    }
}

/// The column and the cell of a key with its value in TOML: a number where it is one, whose unit is in the column's name.
fn setting(key: &str, toml: &str) -> (String, Cell) {
    let text = toml.trim_matches('"');
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    match number.parse() {
        Ok(value) => (with_unit(key, unit), Cell::Number(value)),
        Err(_) => (key.into(), Cell::Text(text.into())),
    }
}

fn result(table: &mut Table, row: usize, s: &Summary) {
    table.text(row, Kind::Course, "status", &s.status);
    table.number(row, Kind::Course, "goal_met", f64::from(u8::from(s.goal_met)));
    table.number(row, Kind::Course, "objective_initial", s.objective_initial);
    table.number(row, Kind::Course, "objective_final", s.objective_final);
    table.number(row, Kind::Course, "iterations", s.iterations as f64);
    table.number(row, Kind::Course, "evaluations", s.evaluations as f64);
    table.number(row, Kind::Course, "wall_s", s.wall_s);
    for finding in &s.findings {
        table.number(
            row,
            Kind::Goal,
            &with_unit(&format!("goal {}", finding.label), &finding.unit),
            finding.measured,
        );
    }
}

fn parameter(table: &mut Table, row: usize, p: &Found) {
    if p.value.len() > MOST_ENTRIES {
        return;
    }
    for (k, value) in p.value.iter().enumerate() {
        let name = if p.shape.is_empty() { p.name.clone() } else { format!("{}[{k}]", p.name) };
        table.number(row, Kind::Found, &with_unit(&name, &p.unit), *value);
        if let Some(Some(error)) = p.standard_error.as_ref().map(|e| e[k]) {
            let name = with_unit(&format!("{name}{STANDARD_ERROR}"), &p.unit);
            table.number(row, Kind::StandardError, &name, error);
        }
    }
}

fn with_unit(name: &str, unit: &str) -> String {
    if unit.is_empty() { name.into() } else { format!("{name} ({unit})") }
}
