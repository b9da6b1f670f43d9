//! The page `docs/verify-AREA.md`: a table of rows and one of proofs.

use crate::report::{Item, Proof, Row, Skipped, ratio, time, verdict};

/// Heads of the two tables.
const ROWS: [&str; 2] = ["| work | ours | peer | ratio | must | |", "|---|---|---|---|---|---|"];
const PROOFS: [&str; 2] = ["| checked | must | measured | |", "|---|---|---|---|"];

/// What takes the place of a peer's time where there is no peer.
const SKIPPED: &str = ": skipped, ";

/// Lines of a page, and which of them are of this run.
#[derive(Debug)]
pub(crate) struct Page {
    lines: Vec<(String, Written)>,
}

/// When a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Before,
    Now,
}

impl Page {
    /// A page without measurements.
    pub(crate) fn empty(area: &str) -> Self {
        Self::of(&format!(
            "# Verified: {area}\n\nWritten by `cargo run --release -p cotangent-bench -- verify {area}`. Both sides of \
             a row are measured in turn in one run, as process CPU time; quote the ratios, not the times.\n"
        ))
    }

    /// A page that was written before.
    pub(crate) fn of(text: &str) -> Self {
        Self { lines: text.lines().map(|line| (line.to_owned(), Written::Before)).collect() }
    }

    /// Writes an item at the end of its table, which is made where it is missing. Into a page of which `some` measurements are
    /// made anew it is written in the place of its own line, if there is one, else behind the last line of this run; every other
    /// line stays, and what could not be measured replaces no measurement.
    pub(crate) fn put(&mut self, item: &Item, some: bool) {
        let (head, line) = match item {
            Item::Row(row) => (ROWS, row_line(row)),
            Item::Proof(proof) => (PROOFS, proof_line(proof)),
            Item::Skipped(proof) => (PROOFS, skipped_line(proof)),
        };
        let skipped = match item {
            Item::Row(row) => row.peer.is_none(),
            Item::Proof(_) => false,
            Item::Skipped(_) => true,
        };
        let (first, end) = self.table(head);
        let table = &self.lines[first..end];
        let own = table.iter().position(|(old, written)| {
            some && *written == Written::Before && same_measurement(old, &line)
        });
        let last = table.iter().rposition(|(_, written)| *written == Written::Now);
        match own {
            Some(_) if skipped => {}
            Some(at) => self.lines[first + at] = (line, Written::Now),
            None if skipped && some => {}
            None => {
                let at = last.map_or(end, |at| first + at + 1);
                self.lines.insert(at, (line, Written::Now));
            }
        }
    }

    /// Where the lines of a table begin and end.
    fn table(&mut self, head: [&str; 2]) -> (usize, usize) {
        let head_at = self.lines.iter().position(|(line, _)| line == head[0]);
        let first = head_at.unwrap_or_else(|| {
            let made = ["", head[0], head[1]].map(|line| (line.to_owned(), Written::Before));
            self.lines.extend(made);
            self.lines.len() - 2
        }) + 2;
        let rest = self.lines.iter().skip(first);
        (first, first + rest.take_while(|(line, _)| line.starts_with('|')).count())
    }

    pub(crate) fn text(&self) -> String {
        self.lines.iter().flat_map(|(line, _)| [line.as_str(), "\n"]).collect()
    }
}

/// A text as a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn row_line(r: &Row) -> String {
    let peer = r.peer.map_or(String::new(), |p| format!(" {}", time(p)));
    let ratio = r.ratio.map_or(String::new(), ratio);
    let must = r.must.map_or(String::new(), |m| format!("<= {m}"));
    let holds = r.holds.map_or("", verdict);
    let (work, ours, name) = (cell(&r.work), time(r.ours), cell(&r.peer_name));
    format!("| {work} | {ours} | {name}{peer} | {ratio} | {must} | {holds} |")
}

fn proof_line(p: &Proof) -> String {
    let (what, must, measured) = (cell(&p.what), cell(&p.must), cell(&p.measured));
    format!("| {what} | {must} | {measured} | {} |", verdict(p.holds))
}

fn skipped_line(s: &Skipped) -> String {
    let (what, must, why) = (cell(&s.what), cell(&s.must), cell(&s.why));
    format!("| {what} | {must} | {why} | skipped |")
}

/// Whether two lines of one table are of the same work beside the same peer. A line whose peer was skipped is of any peer.
fn same_measurement(old: &str, new: &str) -> bool {
    let cells = |line: &str| -> Vec<String> { line.split(" | ").map(str::to_owned).collect() };
    let (old, new) = (cells(old), cells(new));
    let skipped = |cells: &[String]| cells.len() > 4 && cells[2].contains(SKIPPED);
    // what is measured is in the first cell, and of a row the peer in the third, before its time
    let peer = |cells: &[String]| {
        let timed = cells.len() > 4;
        let name = timed.then(|| cells[2].rsplitn(3, ' ').nth(2).map(str::to_owned));
        name.flatten()
    };
    old[0] == new[0] && (skipped(&old) || peer(&old) == peer(&new))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Verified: x

By hand.

| work | ours | peer | ratio | must | |
|---|---|---|---|---|---|
| a step | 2.0 us | C 1.0 us | 2.00 | <= 1.5 | FALLS SHORT |
| a step | 2.0 us | JAX jit(f) 4.0 us | 0.50 |  |  |
| a \\| b | 2.0 us | Mitsuba: skipped, no --peer-python given |  |  |  |

| checked | must | measured | |
|---|---|---|---|
| one | none | 0 | holds |

The end.
";

    fn row(work: &str, name: &str, peer: f64) -> Item {
        Row::cpu_us(work, 1e-6, (name, peer), None)
    }

    fn proof(what: &str) -> Item {
        let (must, measured) = ("none".into(), "1".into());
        Item::Proof(Proof { what: what.into(), must, measured, holds: false })
    }

    #[test]
    fn a_measurement_replaces_its_own_line_and_no_other() {
        let mut page = Page::of(PAGE);
        page.put(&row("a step", "JAX jit(f)", 2e-6), true);
        page.put(&row("a | b", "Mitsuba", 2e-6), true);
        page.put(&proof("one"), true);
        let want = PAGE
            .replace("2.0 us | JAX jit(f) 4.0 us", "1.0 us | JAX jit(f) 2.0 us")
            .replace(
                "2.0 us | Mitsuba: skipped, no --peer-python given |  |",
                "1.0 us | Mitsuba 2.0 us | 0.50 |",
            )
            .replace("none | 0 | holds", "none | 1 | FALLS SHORT");
        assert_eq!(page.text(), want);
    }

    #[test]
    fn a_new_measurement_stands_behind_its_sisters() {
        let mut page = Page::of(PAGE);
        page.put(&row("a step", "C", 1e-6), true);
        page.put(&row("a step", "Fortran", 1e-6), true);
        page.put(&proof("two"), true);
        let text = page.text();
        let steps = "C 1.0 us | 1.00 |  |  |\n| a step | 1.0 us | Fortran 1.0 us | 1.00 |  |  |\n| a step | 2.0 us | JAX";
        assert!(text.contains(steps), "{text}");
        assert!(
            text.contains(
                "| one | none | 0 | holds |\n| two | none | 1 | FALLS SHORT |\n\nThe end."
            ),
            "{text}"
        );
    }

    #[test]
    fn what_was_skipped_replaces_no_measurement() {
        let mut page = Page::of(PAGE);
        page.put(&Row::skipped("a step", 9e-6, "JAX", "it is not there"), true);
        page.put(&Row::skipped("a | b", 9e-6, "Mitsuba", "it is not there"), true);
        assert_eq!(page.text(), PAGE);
    }

    #[test]
    fn a_whole_page_has_every_item_in_its_order() {
        let mut page = Page::empty("x");
        page.put(&proof("one"), false);
        page.put(&row("a step", "C", 1e-6), false);
        page.put(&Row::skipped("a step", 9e-6, "JAX", "it is not there"), false);
        page.put(&proof("one"), false);
        let tables = "\n| checked | must | measured | |\n|---|---|---|---|\n| one | none | 1 | FALLS SHORT |\n| one | none | 1 | \
            FALLS SHORT |\n\n| work | ours | peer | ratio | must | |\n|---|---|---|---|---|---|\n| a step | 1.0 us | C 1.0 us | 1.00 | \
            \u{20}|  |\n| a step | 9.0 us | JAX: skipped, it is not there |  |  |  |\n";
        assert!(page.text().ends_with(tables), "{}", page.text());
    }
}
