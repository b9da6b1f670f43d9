//! Pictures of a run that every simulation has: outputs that are asked of and inputs that are free, along their axes.

use cotangent_problem::{Misfit, Quantity, Term};

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

/// Free inputs that change along an axis, of one unit in a picture.
fn of_inputs(study: &Study, answer: &[Vec<f64>]) -> Vec<Figure> {
    let along = |k: &&usize| study.simulation.inputs()[**k].axis.is_some();
    let free: Vec<usize> = study.asked.choice().inputs().iter().filter(along).copied().collect();
    let page = |(page, inputs): (usize, &[usize])| {
        let stairs = |(k, input): (usize, &usize)| {
            let quantity: &Quantity = &study.simulation.inputs()[*input];
            let axis = quantity.axis.as_deref();
            let (times, steps) = axis.map(|a| (&a.values[..], &a.weights[..])).unwrap_or_default();
            let ends = times.iter().zip(steps).zip(&answer[*input]);
            let points = ends.flat_map(|((t, dt), u)| [(*t, *u), (t + dt, *u)]);
            Series::new(&quantity.name, MARKS[k % MARKS.len()], points)
        };
        let quantity = &study.simulation.inputs()[inputs[0]];
        let axis = quantity.axis.as_deref();
        let x = axis.map_or(String::new(), |a| labelled(&a.name, &a.unit));
        let y = labelled("value", &quantity.unit);
        let series = inputs.iter().enumerate().map(stairs).collect();
        let name = format!("inputs-{}", page + 1);
        Figure::lines(&name, "What was found, over time", [&x, &y], series)
    };
    free.chunks(MOST_SERIES).enumerate().map(page).collect()
}
