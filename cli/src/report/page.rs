//! The page of a run.

use std::fmt::Write as _;

use cotangent_answer::Look;
use cotangent_harness::history::Row;

use super::view::views;
use crate::plot::{draw, escape, number};
use crate::run::gradcheck::StartCheck;
use crate::run::{Found, Manifest, Record, Summary};

const STYLE: &str = include_str!("style.css");
/// Notes up to which all are open.
const NOTES: usize = 3;
/// Entries of a parameter up to which each has a row of its own.
const ENTRIES: usize = 12;
/// Rows of the table of found values; `artifacts/answer.json` has them all.
const ROWS: usize = 60;
/// Iterations at the beginning and at the end of a search that its table has; `history.csv` has them all.
const ITERATIONS: usize = 40;

/// The whole page.
pub(super) fn page(record: &Record, iterations: &[Row], looks: &[Look]) -> String {
    let mut page = open(&record.summary.scenario);
    head(&mut page, record);
    goals(&mut page, &record.summary);
    constraints(&mut page, &record.summary);
    found(&mut page, &record.found);
    page.push_str(&views(looks));
    figures(&mut page, record);
    course(&mut page, &record.summary);
    convergence(&mut page, iterations);
    origin(&mut page, &record.manifest, &record.resolved);
    page.push_str("</main>\n</html>\n");
    page
}

/// The beginning of a page, up to what is shown.
pub(super) fn open(title: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>{STYLE}</style>\n<main>\n",
        escape(title)
    )
}

/// Name, verdict, what was asked and what there is to know.
fn head(page: &mut String, record: &Record) {
    let summary = &record.summary;
    let (class, verdict) =
        if summary.goal_met { ("good", "goal met") } else { ("bad", "goal not met") };
    let _ = writeln!(
        page,
        "<h1>{}</h1>\n<p><span class=\"verdict {class}\">{verdict}</span><span class=\"soft\">{}, {}</span></p>",
        escape(&summary.scenario),
        day(record.manifest.finished.as_ref().unwrap_or(&record.manifest.started)),
        duration(summary.wall_s)
    );
    if !summary.asked.is_empty() {
        let _ = writeln!(page, "<p>{}</p>", escape(&summary.asked));
    }
    let _ = writeln!(
        page,
        "<p>The objective went from {} to <b>{}</b> in {} iterations; {}.</p>",
        number(summary.objective_initial),
        number(summary.objective_final),
        summary.iterations,
        ending(&summary.status)
    );
    if !summary.advice.is_empty() && !summary.goal_met {
        let _ = writeln!(
            page,
            "<div class=\"note\">What to do: {}.</div>",
            prose(summary.advice.trim_end_matches('.'))
        );
    }
    for warning in &summary.warnings {
        let _ = writeln!(page, "<div class=\"note warning\">Warning: {}</div>", prose(warning));
    }
    let folded = summary.notes.len() > NOTES;
    if folded {
        let _ = writeln!(page, "<details><summary>{} notes</summary>", summary.notes.len());
    }
    for note in &summary.notes {
        let _ = writeln!(
            page,
            "<div class=\"note\">Iteration {}: {}</div>",
            note.iteration,
            prose(&note.text)
        );
    }
    if folded {
        page.push_str("</details>\n");
    }
}

/// Text of the program's own, where names stand between backquotes.
fn prose(text: &str) -> String {
    let part = |(k, part): (usize, &str)| match k % 2 {
        1 => format!("<code>{}</code>", escape(part)),
        _ => escape(part),
    };
    text.split('`').enumerate().map(part).collect()
}

/// How the optimizer ended, in words.
pub(super) fn ending(status: &str) -> String {
    match status {
        "gradient_converged" => "it converged: the gradient vanishes".into(),
        "value_converged" => "it converged: the objective falls no further".into(),
        "target_reached" => "it reached the target".into(),
        "max_iterations" => "it stopped at the limit of iterations".into(),
        "max_evaluations" => "it stopped at the limit of evaluations".into(),
        "stalled" => "it stalled: no step lowers the objective".into(),
        "infeasible" => "it found no point where the constraints hold".into(),
        "failed" => "it failed: no trial point had a value".into(),
        other => other.replace('_', " "),
    }
}

fn goals(page: &mut String, summary: &Summary) {
    if summary.criteria.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Goals</h2>\n<div class=\"scroll\"><table><thead><tr><th>what</th><th>must be</th><th>is</th><th>met</th></tr></thead>\n",
    );
    for c in &summary.criteria {
        let met = match c.met {
            Some(true) => "<td class=\"yes\">yes",
            Some(false) => "<td class=\"no\">no",
            None => "<td>–",
        };
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td>{met}</td></tr>",
            escape(&c.what),
            escape(&c.must),
            escape(&c.measured)
        );
    }
    page.push_str("</table></div>\n");
}

/// The constraints with their values and multipliers.
fn constraints(page: &mut String, summary: &Summary) {
    if summary.constraints.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Constraints</h2>\n<div class=\"scroll\"><table><thead><tr><th>what</th><th>must be</th><th class=\"n\">is</th>\
         <th class=\"n\">multiplier</th></tr></thead>\n",
    );
    for c in summary.constraints.iter().take(ROWS) {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escape(&c.name),
            escape(&c.interval()),
            number(c.value),
            number(c.multiplier)
        );
    }
    page.push_str("</table></div>\n");
    let _ = writeln!(
        page,
        "<p class=\"soft\">A multiplier says by how much the objective falls for each unit by which the limit is raised; it is 0 \
         where no limit holds. All of them are in <a href=\"result.json\">result.json</a>.</p>"
    );
}

/// The parameters of the answer: a row an entry, or one for a long list.
fn found(page: &mut String, found: &[Found]) {
    let errors = found.iter().any(|f| f.standard_error.is_some());
    let rows: Vec<_> = found.iter().flat_map(|f| rows(f, errors)).collect();
    if rows.is_empty() {
        return;
    }
    let error = if errors { "<th class=\"n\">standard error</th>" } else { "" };
    let _ = writeln!(
        page,
        "<h2>Found values</h2>\n<div class=\"scroll\"><table><thead><tr><th>parameter</th><th class=\"n\">start</th>\
         <th class=\"n\">found</th>{error}<th>unit</th><th></th></tr></thead>"
    );
    rows.iter().take(ROWS).for_each(|row| page.push_str(row));
    page.push_str("</table></div>\n");
    let more = rows.len().saturating_sub(ROWS);
    let more = if more > 0 { format!("{more} more rows, and e") } else { "E".into() };
    let _ = writeln!(
        page,
        "<p class=\"soft\">{more}very digit, in <a href=\"artifacts/answer.json\">answer.json</a>.</p>"
    );
}

fn rows(f: &Found, errors: bool) -> Vec<String> {
    let unit = if f.unit.is_empty() { "–".into() } else { escape(&f.unit) };
    let row = |name: String, start: String, value: String, error: Option<String>, remark: &str| {
        let error = error.map_or(String::new(), |e| format!("<td class=\"n\">{e}</td>"));
        format!(
            "<tr><td>{}</td><td class=\"n\">{start}</td><td class=\"n\"><b>{value}</b></td>{error}<td>{unit}</td>\
             <td class=\"soft\">{remark}</td></tr>\n",
            escape(&name)
        )
    };
    if f.value.len() > ENTRIES {
        let shape = f.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
        let between = |v: &[f64]| {
            let (low, high) = v
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
            format!("{} … {}", number(low), number(high))
        };
        let bound = (0..f.value.len()).filter(|k| on_bound(f, *k).is_some()).count();
        let remark = if bound > 0 { format!("{bound} entries on a bound") } else { String::new() };
        let name = format!("{} ({shape} values)", f.name);
        let known = f.standard_error.iter().flatten().filter_map(|e| *e).collect::<Vec<_>>();
        let error = errors.then(|| if known.is_empty() { "–".into() } else { between(&known) });
        return vec![row(name, between(&f.start), between(&f.value), error, &remark)];
    }
    let entry = |k: usize| {
        let error = f.standard_error.as_ref().and_then(|e| *e.get(k)?);
        let error = errors.then(|| error.map_or("–".into(), number));
        let remark = on_bound(f, k).unwrap_or("");
        row(entry_name(f, k), number(f.start[k]), number(f.value[k]), error, remark)
    };
    (0..f.value.len()).map(entry).collect()
}

/// Which bound an entry lies on.
fn on_bound(f: &Found, k: usize) -> Option<&'static str> {
    let (v, lower, upper) = (f.value[k], f.lower.get(k)?.as_ref(), f.upper.get(k)?.as_ref());
    // transforms round: a part in 1e12 is the bound
    let at = |b: &f64| (v - b).abs() <= 1e-12 * b.abs().max(v.abs());
    if lower.is_some_and(at) {
        return Some("on its lower bound");
    }
    upper.is_some_and(at).then_some("on its upper bound")
}

/// `name[i,j]`, row-major.
pub(super) fn entry_name(f: &Found, k: usize) -> String {
    let (mut rest, mut index) = (k, Vec::new());
    for n in f.shape.iter().rev() {
        index.insert(0, (rest % n).to_string());
        rest /= n;
    }
    if index.is_empty() { f.name.clone() } else { format!("{}[{}]", f.name, index.join(",")) }
}

fn figures(page: &mut String, record: &Record) {
    if record.figures.is_empty() {
        return;
    }
    page.push_str("<h2>Pictures</h2>\n<div class=\"figures\">\n");
    for figure in &record.figures {
        let _ = writeln!(page, "<figure>{}</figure>", draw(figure));
    }
    page.push_str("</div>\n");
}

/// How the run went, in numbers.
fn course(page: &mut String, summary: &Summary) {
    let score = summary.score.map_or("least objective".into(), |s| format!("score {}", number(s)));
    let check = match &summary.start_check {
        StartCheck::Agrees { relative_error, .. } => {
            // two digits of an error are enough
            let error: f64 = format!("{relative_error:.1e}").parse().unwrap_or(*relative_error);
            format!("agrees with finite differences to {}", number(error))
        }
        StartCheck::Disagrees { .. } => {
            "<span class=\"no\">differs from finite differences</span>".into()
        }
        StartCheck::Undecided { why } => format!("undecided: {}", prose(why)),
        StartCheck::NotChecked { why } => format!("not checked: {}", prose(why)),
    };
    page.push_str("<h2>The run</h2>\n<dl>\n");
    for (what, value) in [
        ("optimizer", escape(&summary.method)),
        ("searches", summary.searches.to_string()),
        (
            "answer",
            format!(
                "iteration {} of {}, by its {score}",
                summary.answer_iteration, summary.iterations
            ),
        ),
        (
            "evaluations",
            format!(
                "{}, {} of them with derivatives, {} failed",
                summary.evaluations, summary.gradient_evaluations, summary.failures
            ),
        ),
        ("gradient at the start", check),
        ("wall time", duration(summary.wall_s)),
    ] {
        let _ = writeln!(page, "<dt>{what}</dt><dd>{value}</dd>");
    }
    page.push_str("</dl>\n");
}

/// The table of iterations, folded.
fn convergence(page: &mut String, rows: &[Row]) {
    if rows.len() < 2 {
        return;
    }
    page.push_str(
        "<details><summary>Iteration by iteration</summary>\n<div class=\"scroll\"><table><thead><tr><th class=\"n\">iteration</th>\
         <th class=\"n\">objective</th><th class=\"n\">change</th><th class=\"n\">gradient</th><th class=\"n\">step</th>\
         <th class=\"n\">evaluations</th></tr></thead>\n",
    );
    let mut before: Option<f64> = None;
    for (k, row) in rows.iter().enumerate() {
        let change = before.map_or(String::new(), |value| short(row.value - value));
        before = Some(row.value);
        if k == ITERATIONS && rows.len() > 2 * ITERATIONS {
            let left_out = rows.len() - 2 * ITERATIONS;
            let _ = writeln!(page, "<tr><td colspan=\"6\">{left_out} more</td></tr>");
        }
        if k >= ITERATIONS && k + ITERATIONS < rows.len() {
            continue;
        }
        let cells = [
            row.index.to_string(),
            number(row.value),
            change,
            row.gradient_norm.map_or(String::new(), short),
            short(row.step_norm),
            row.evaluations.to_string(),
        ];
        let cells = cells.map(|cell| format!("<td class=\"n\">{cell}</td>")).concat();
        let _ = writeln!(page, "<tr>{cells}</tr>");
    }
    page.push_str(
        "</table></div>\n<p class=\"soft\">Gradient and step are of scaled parameters. Every digit, in \
         <a href=\"history.csv\">history.csv</a>.</p></details>\n",
    );
}

/// Three digits.
fn short(value: f64) -> String {
    number(format!("{value:.2e}").parse().unwrap_or(value))
}

/// Where it came from, and what else there is.
fn origin(page: &mut String, manifest: &Manifest, resolved: &str) {
    page.push_str("<h2>Made by</h2>\n<dl>\n");
    let resumed = manifest.resumed.iter().map(|t| day(t)).collect::<Vec<_>>().join(", ");
    let command = if manifest.command.is_empty() {
        String::new()
    } else {
        format!("<code>{}</code>", escape(&manifest.command))
    };
    for (what, value) in [
        ("command", command),
        ("started", day(&manifest.started)),
        ("resumed", resumed),
        ("finished", manifest.finished.as_deref().map_or(String::new(), day)),
        (
            "program",
            format!(
                "cotangent {}, {}, {} threads, seed {}",
                escape(&manifest.version),
                escape(&manifest.simd),
                manifest.threads,
                manifest.seed
            ),
        ),
    ] {
        if !value.is_empty() {
            let _ = writeln!(page, "<dt>{what}</dt><dd>{value}</dd>");
        }
    }
    page.push_str("</dl>\n<p>");
    let shown = |f: &&String| {
        ["artifacts/", "inputs/"].iter().any(|folder| f.starts_with(folder))
            || ["history.csv", "scenario.toml", "resolved.toml", "result.json"]
                .contains(&f.as_str())
    };
    let mut files: Vec<_> = manifest.files.iter().filter(shown).collect();
    files.sort();
    let link = |f: &&String| format!("<a href=\"{}\">{}</a>", address(f), escape(f));
    page.push_str(&files.iter().map(link).collect::<Vec<_>>().join(" · "));
    let _ = writeln!(
        page,
        "</p>\n<details><summary>Settings</summary><pre>{}</pre></details>",
        escape(resolved)
    );
}

/// A relative path as the address of a link.
fn address(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./~".contains(&b);
    path.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// `2026-03-01T12:30:00Z` as `2026-03-01 12:30 UTC`.
fn day(time: &str) -> String {
    match time.split_once('T') {
        Some((day, clock)) => {
            format!("{} {} UTC", escape(day), escape(clock.get(..5).unwrap_or(clock)))
        }
        None => escape(time),
    }
}

fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).floor();
    if minutes >= 60.0 {
        format!("{} h {} min", (minutes / 60.0).floor(), minutes % 60.0)
    } else if minutes >= 1.0 {
        format!("{minutes} min {:.0} s", seconds % 60.0)
    } else if seconds >= 1.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.0} ms", 1000.0 * seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::{address, duration, found};
    use crate::run::Found;

    fn parameter(name: &str, shape: &[usize], value: &[f64]) -> Found {
        Found {
            name: name.into(),
            unit: "m".into(),
            shape: shape.to_vec(),
            start: vec![0.0; value.len()],
            value: value.to_vec(),
            lower: vec![Some(-1.0); value.len()],
            upper: vec![None; value.len()],
            standard_error: None,
        }
    }

    #[test]
    fn found_values_have_names_units_bounds_and_errors() {
        let mut mass = parameter("mass <1>", &[], &[2.5]);
        mass.standard_error = Some(vec![Some(0.0125)]);
        let mut page = String::new();
        found(&mut page, &[mass, parameter("place", &[2, 1], &[-1.0, 3.0])]);
        for text in [
            "mass &lt;1&gt;",
            "<b>2.5</b></td><td class=\"n\">0.0125</td><td>m</td>",
            "place[0,0]",
            "on its lower bound",
            "place[1,0]</td><td class=\"n\">0</td><td class=\"n\"><b>3</b></td><td class=\"n\">–</td>",
        ] {
            assert!(page.contains(text), "{text} in {page}");
        }
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let mut page = String::new();
        found(&mut page, &[parameter("control", &[20, 5], &values)]);
        assert!(page.contains("control (20×5 values)") && page.contains("0 … 99"));
        assert!(!page.contains("standard error"), "no column that is empty");
    }

    #[test]
    fn links_and_times_are_written_as_they_must_be() {
        assert_eq!(address("artifacts/a b#ü.csv"), "artifacts/a%20b%23%C3%BC.csv");
        assert_eq!(duration(0.04), "40 ms");
        assert_eq!(duration(75.2), "1 min 15 s");
        assert_eq!(duration(7260.0), "2 h 1 min");
    }
}
