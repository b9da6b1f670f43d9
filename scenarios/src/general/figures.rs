//! Pictures of a run that every simulation has: outputs that are asked of and inputs that are free, along their axes.

use cotangent_problem::{Axis, Misfit, Quantity, Term};

use super::{Study, image, table::columns};
use cotangent_answer::{Figure, Mark, Series, spread_over_decades};
use cotangent_harness::Finished;

/// Series in one picture.
const MOST_SERIES: usize = 6;
const MARKS: [Mark; 3] = [Mark::Line, Mark::Dashes, Mark::Dots];

/// The pictures of a run whose outputs were `before` at the start and are `after`.
pub(super) fn of_run(study: &Study, before: &[f64], after: &[f64], run: &Finished) -> Vec<Figure> {
    let (start, answer) = (study.inputs_at(run.start), study.inputs_at(run.answer));
    let own = study.portrait.as_ref().map(|p| p.figures(&start, &answer));
    let mut figures = own.unwrap_or_default();
    for (index, term) in study.asked.terms().iter().enumerate() {
        figures.extend(of_term(study, index, term, before, after));
    }
    figures.extend(of_inputs(study, &answer));
    figures
}

/// An output over its axis: at the start, of the answer, and what it should be.
fn of_term(
    study: &Study,
    index: usize,
    term: &Term,
    before: &[f64],
    after: &[f64],
) -> Option<Figure> {
    let entry = *term.entries.first()?;
    let (output, first) = *study.outputs.iter().rfind(|(_, first)| *first <= entry)?;
    let quantity = &study.simulation.outputs()[output];
    let range = first..first + quantity.len();
    if let Some((size, _)) = image::film(quantity)
        && term.entries.len() == quantity.len()
    {
        // a term may name its entries in an order of its own
        let mut target = vec![0.0; quantity.len()];
        term.entries.iter().zip(&term.target).for_each(|(e, t)| target[e - first] = *t);
        let images = [&target[..], &before[range.clone()], &after[range.clone()]];
        return image::panels(&format!("term-{}", index + 1), &term.label, size, images);
    }
    let axis = quantity.axis.as_ref()?;
    let (old, new) =
        (columns(quantity, &before[range.clone()]), columns(quantity, &after[range.clone()]));
    let line = |name: &str, mark, values: &[f64]| {
        Series::new(name, mark, axis.values.iter().copied().zip(values.iter().copied()))
    };
    let mut series = Vec::new();
    for (k, ((name, new), (_, old))) in new.iter().zip(&old).take(MOST_SERIES).enumerate() {
        series.push(line(&format!("{name}, answer"), MARKS[k % MARKS.len()], new));
        series.push(line(if k == 0 { "at the start" } else { "" }, Mark::Thin, old));
    }
    let row = quantity.row_len();
    let is_shown = |e: &usize| range.contains(e) && (e - first) % row < MOST_SERIES;
    if !matches!(term.misfit, Misfit::Beyond { .. }) && term.target.iter().any(|t| *t != 0.0) {
        let targets = term.entries.iter().zip(&term.target).filter(|(e, _)| is_shown(e));
        let points = targets.map(|(e, t)| (axis.values[(e - first) / row], *t));
        // under the lines, which many measurements would hide
        series.insert(0, Series::new("target", Mark::Circles, points));
    }
    let labels = [labelled(&axis.name, &axis.unit), labelled("value", &quantity.unit)];
    let name = format!("term-{}", index + 1);
    let labels = [labels[0].as_str(), labels[1].as_str()];
    let title = format!("{}: {}", term.label, quantity.name);
    let log_x = spread_over_decades(&axis.values);
    Some(Figure { log_x, ..Figure::lines(&name, &title, labels, series) })
}

fn labelled(name: &str, unit: &str) -> String {
    if unit.is_empty() { name.to_owned() } else { format!("{name} ({unit})") }
}

/// A component of an input along its axis: its name and its values.
type Stairs<'a> = (&'a Quantity, &'a Axis, (String, Vec<f64>));

/// Free inputs that change along an axis, each component of a vector on its own, of one unit in a picture.
fn of_inputs(study: &Study, answer: &[Vec<f64>]) -> Vec<Figure> {
    let free = study.asked.choice().inputs().iter();
    let along = free.filter_map(|input| {
        let quantity = &study.simulation.inputs()[*input];
        Some((quantity, quantity.axis.as_deref()?, &answer[*input]))
    });
    let lines: Vec<Stairs<'_>> = along
        .flat_map(|(q, axis, x)| columns(q, x).into_iter().map(move |column| (q, axis, column)))
        .collect();
    let of_one_unit = lines.chunk_by(|(a, ..), (b, ..)| a.unit == b.unit);
    let pages = of_one_unit.flat_map(|lines| lines.chunks(MOST_SERIES));
    let figure = |(page, lines): (usize, &[Stairs<'_>])| {
        let stairs = |(k, (_, axis, (name, x))): (usize, &Stairs<'_>)| {
            let steps = axis.values.iter().zip(&axis.weights).zip(x);
            let points = steps.flat_map(|((t, dt), x)| [(*t, *x), (t + dt, *x)]);
            Series::new(name, MARKS[k % MARKS.len()], points)
        };
        let (quantity, axis, _) = &lines[0];
        let labels = [labelled(&axis.name, &axis.unit), labelled("value", &quantity.unit)];
        let series = lines.iter().enumerate().map(stairs).collect();
        let (name, title) = (format!("inputs-{}", page + 1), "What was found, over time");
        Figure::lines(&name, title, [&labels[0], &labels[1]], series)
    };
    pages.enumerate().map(figure).collect()
}
