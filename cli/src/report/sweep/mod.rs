//! The page of a sweep: how many points stand where, the best of them, pictures over what was varied, and a row for each point.

mod pictures;

use std::fmt::Write as _;

use cotangent_sweep::{Cell, Column, Kind, State, Study, SweepError, Table};

pub use pictures::Picture;

use super::page::{self, ending};
use crate::plot::{escape, number};

/// Rows of the page's table; `table.csv` has all points.
const ROWS: usize = 200;
/// Reasons of failures that are told.
const REASONS: usize = 10;

/// What a sweep has found until now.
#[derive(Debug)]
pub struct Survey {
    name: String,
    scenario: String,
    table: Table,
    states: Vec<State>,
}

impl Survey {
    /// Of the points that are finished.
    ///
    /// # Errors
    /// A point whose files cannot be read.
    pub fn of(study: &Study) -> Result<Self, SweepError> {
        let states = (0..study.len()).map(|k| study.state(k)).collect::<Result<_, _>>()?;
        let scenario = study.scenario().display().to_string();
        Ok(Self { name: study.name().into(), scenario, table: study.table()?, states })
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Pictures over what was varied.
    pub fn pictures(&self) -> Vec<Picture> {
        pictures::pictures(&self.table)
    }

    /// Objective of a finished point.
    fn objective(&self, row: usize) -> Option<f64> {
        let done = matches!(self.states[row], State::Done { .. });
        let value = number_in(self.table.column("objective_final")?, row)?;
        (done && value.is_finite()).then_some(value)
    }

    /// Finished points by their objective, the least first; points of the same objective in the order of the plan.
    fn ranked(&self) -> Vec<usize> {
        let mut rows: Vec<(f64, usize)> =
            (0..self.table.rows()).filter_map(|row| Some((self.objective(row)?, row))).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn meets_its_goal(&self, row: usize) -> bool {
        self.states[row] == State::Done { goal_met: true }
    }

    /// The page; `pictures` are those that it shows.
    pub fn page(&self, pictures: &[Picture]) -> String {
        let mut page = page::open(&self.name);
        self.head(&mut page);
        let ranked = self.ranked();
        self.best(&mut page, &ranked);
        if !pictures.is_empty() {
            page.push_str("<h2>Over what was varied</h2>\n<div class=\"figures\">\n");
            for picture in pictures {
                let _ = writeln!(page, "<figure>{}</figure>", picture.svg);
            }
            page.push_str("</div>\n");
        }
        self.points(&mut page, &ranked);
        page.push_str(
            "<p><a href=\"table.csv\">table.csv</a> · <a href=\"table.npz\">table.npz</a> · <a href=\"sweep.toml\">sweep.toml</a></p>\n\
             </main>\n</html>\n",
        );
        page
    }

    /// Name, how many points stand where, and why some have no answer.
    fn head(&self, page: &mut String) {
        let count = |of: &dyn Fn(&State) -> bool| self.states.iter().filter(|s| of(s)).count();
        let (all, done) = (self.states.len(), count(&|s| matches!(s, State::Done { .. })));
        let met = count(&|s| *s == State::Done { goal_met: true });
        let failed = count(&|s| matches!(s, State::Failed(_)));
        let open = all - done - failed;
        let (class, verdict) = if done == all {
            ("good", "all points done".into())
        } else {
            ("bad", format!("{done} of {all} points done"))
        };
        let _ = writeln!(
            page,
            "<h1>{}</h1>\n<p><span class=\"verdict {class}\">{verdict}</span></p>\n\
             <p>A sweep of <code>{}</code>: of {all} points {done} are done, and {met} of these met their goals{}{}.</p>",
            escape(&self.name),
            escape(&self.scenario),
            if failed > 0 { format!("; {failed} have no answer") } else { String::new() },
            if open > 0 {
                format!("; {open} wait for their turn or are on their way")
            } else {
                String::new()
            },
        );
        let reasons = self.states.iter().enumerate().filter_map(|(k, state)| match state {
            State::Failed(why) => Some((k, why)),
            _ => None,
        });
        for (k, why) in reasons.take(REASONS) {
            let _ = writeln!(
                page,
                "<div class=\"note warning\">Point {} has no answer: {}</div>",
                k + 1,
                escape(why)
            );
        }
    }

    /// The point of the least objective: what was set, what its goals measured, what it found.
    fn best(&self, page: &mut String, ranked: &[usize]) {
        let Some(&best) = ranked.first() else { return };
        let _ = writeln!(
            page,
            "<h2>The best point</h2>\n<p>Point {} has the least objective, <b>{}</b>; {}.</p>",
            best + 1,
            number(self.objective(best).unwrap_or(f64::NAN)),
            text_in(self.table.column("status"), best).map_or(String::new(), ending)
        );
        if !self.meets_its_goal(best) {
            let other = ranked.iter().find(|row| self.meets_its_goal(**row));
            let _ = match other {
                Some(row) => writeln!(
                    page,
                    "<div class=\"note warning\">It does not meet its goal. Of those that do, point {} has the least objective, {}.</div>",
                    row + 1,
                    number(self.objective(*row).unwrap_or(f64::NAN))
                ),
                None => writeln!(
                    page,
                    "<div class=\"note warning\">It does not meet its goal, and no point does.</div>"
                ),
            };
        }
        page.push_str("<dl>\n");
        for (k, column) in self.table.columns.iter().enumerate() {
            let name = escape(&column.name);
            let name = match column.kind {
                Kind::Varied => format!("set: <code>{name}</code>"),
                Kind::Goal | Kind::Found => name,
                _ => continue,
            };
            let error = self.table.columns.get(k + 1).filter(|c| c.kind == Kind::StandardError);
            let error = error.map_or(String::new(), |c| shown(c, best));
            let error = if error.is_empty() { error } else { format!(" ± {error}") };
            let value = shown(column, best);
            if !value.is_empty() {
                let _ = writeln!(page, "<dt>{name}</dt><dd>{value}{error}</dd>");
            }
        }
        page.push_str("</dl>\n");
        if let Some(address) = text_in(self.table.column("point"), best) {
            let _ = writeln!(
                page,
                "<p class=\"soft\">Its run is in <a href=\"points/{address}/result.json\">points/{address}</a>; <code>cotangent report</code> on \
                 this folder makes the run's own page.</p>"
            );
        }
    }

    /// A row for each point: those with an answer by their objective, then the others.
    fn points(&self, page: &mut String, ranked: &[usize]) {
        let others = (0..self.table.rows()).filter(|row| self.objective(*row).is_none());
        let rows: Vec<usize> = ranked.iter().copied().chain(others).collect();
        let objective = self.table.columns.iter().filter(|c| c.name == "objective_final");
        let columns: Vec<&Column> = self
            .table
            .of_kind(Kind::Varied)
            .chain(objective)
            .chain(self.table.of_kind(Kind::Goal))
            .collect();
        page.push_str("<h2>Points</h2>\n<div class=\"scroll\"><table><thead><tr><th class=\"n\">point</th><th>goal met</th><th>ended</th>");
        for column in &columns {
            let class = if is_text(column) { "" } else { " class=\"n\"" };
            let _ = write!(
                page,
                "<th{class}>{}</th>",
                escape(&column.name.replace("objective_final", "objective"))
            );
        }
        page.push_str("</tr></thead>\n");
        let [addresses, states, statuses] =
            ["point", "state", "status"].map(|name| self.table.column(name));
        for &row in rows.iter().take(ROWS) {
            let met = match self.states[row] {
                State::Done { goal_met: true } => "<td class=\"yes\">yes",
                State::Done { goal_met: false } => "<td class=\"no\">no",
                _ => "<td>–",
            };
            let (point, address) = (row + 1, text_in(addresses, row).unwrap_or_default());
            let point = match self.states[row] {
                State::Done { .. } => {
                    format!("<a href=\"points/{address}/result.json\">{point}</a>")
                }
                _ => point.to_string(),
            };
            let ended = text_in(statuses, row).or(text_in(states, row)).unwrap_or_default();
            let _ = write!(
                page,
                "<tr><td class=\"n\">{point}</td>{met}</td><td>{}</td>",
                escape(&ended.replace('_', " "))
            );
            for column in &columns {
                let class = if is_text(column) { "" } else { " class=\"n\"" };
                let _ = write!(page, "<td{class}>{}</td>", shown(column, row));
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</table></div>\n");
        let more = rows.len().saturating_sub(ROWS);
        if more > 0 {
            let _ = writeln!(page, "<p class=\"soft\">{more} more rows in table.csv.</p>");
        }
    }
}

fn is_text(column: &Column) -> bool {
    column.cells.iter().any(|cell| matches!(cell, Cell::Text(_)))
}

fn number_in(column: &Column, row: usize) -> Option<f64> {
    if let Cell::Number(value) = column.cells[row] { Some(value) } else { None }
}

fn text_in(column: Option<&Column>, row: usize) -> Option<&str> {
    if let Cell::Text(text) = &column?.cells[row] { Some(text) } else { None }
}

fn shown(column: &Column, row: usize) -> String {
    match &column.cells[row] {
        Cell::Empty => String::new(),
        Cell::Number(value) => number(*value),
        Cell::Text(text) => escape(text),
    }
}
