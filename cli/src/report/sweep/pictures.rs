//! What a sweep found, over what was varied: points and medians for each number, heat maps for each pair.

use std::collections::BTreeMap;

use cotangent_sweep::{Cell, Column, Kind, Table};

use crate::plot::{Figure, HeatMap, Mark, Scales, Series, WIDE, draw_on};

/// Keys of texts (an optimizer, a model file) of which each value has a colour of its own, up to so many values.
const GROUPS: usize = 6;
/// Goals are drawn over every key while that makes no more than so many pictures.
const GOAL_PICTURES: usize = 12;
/// Heat maps at most.
const MAPS: usize = 6;

/// What the pictures of the objective are called.
const OBJECTIVE: &str = "objective";

/// A picture, and the name of its file.
#[derive(Clone, Debug)]
pub struct Picture {
    /// `plots/NAME.svg`.
    pub file: String,
    /// SVG.
    pub svg: String,
}

/// A column of numbers that is drawn: what the pictures and the names of their files call it.
struct Answer<'a> {
    title: &'a str,
    label: &'a str,
    file: String,
    column: &'a Column,
}

/// Every picture of a sweep.
pub(super) fn pictures(table: &Table) -> Vec<Picture> {
    let keys: Vec<&Column> = table.of_kind(Kind::Varied).filter(|c| is_number(c)).collect();
    let Some(objective) = table.column("objective_final") else { return Vec::new() };
    let objective = Answer {
        title: "Objective",
        label: "objective",
        file: OBJECTIVE.into(),
        column: objective,
    };
    let groups = groups(table);
    let mut pictures: Vec<Picture> =
        keys.iter().filter_map(|key| lines(key, &objective, &groups)).collect();
    let pairs =
        keys.iter().enumerate().flat_map(|(k, x)| keys[k + 1..].iter().map(move |y| (x, y)));
    pictures.extend(pairs.filter_map(|(x, y)| map(x, y, &objective)).take(MAPS));
    let goals: Vec<&Column> = table.of_kind(Kind::Goal).collect();
    if goals.len() * keys.len() <= GOAL_PICTURES {
        for (k, goal) in goals.into_iter().enumerate() {
            let label = goal.name.trim_start_matches("goal ");
            let answer =
                Answer { title: label, label, file: format!("goal-{}", k + 1), column: goal };
            pictures.extend(keys.iter().filter_map(|key| lines(key, &answer, &groups)));
        }
    }
    pictures
}

/// The name of a key as people know it, and as part of a file's name.
fn key_name(column: &Column) -> (String, String) {
    let name = column.name.split(" (").next().unwrap_or(&column.name).replace('"', "");
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let file = name.chars().map(plain).collect();
    (name, file)
}

fn number(cell: &Cell) -> Option<f64> {
    if let Cell::Number(value) = cell { value.is_finite().then_some(*value) } else { None }
}

/// Whether a column has two numbers at least that differ.
fn is_number(column: &Column) -> bool {
    let mut numbers = column.cells.iter().filter_map(number);
    numbers.next().is_some_and(|first| numbers.any(|other| (other - first).abs() > 0.0))
}

/// The rows that belong together by the first key of texts, with its value; all of them, unnamed, where there is no such key.
fn groups(table: &Table) -> Vec<(String, Vec<usize>)> {
    let is_text = |c: &&Column| c.cells.iter().any(|cell| matches!(cell, Cell::Text(_)));
    for column in table.of_kind(Kind::Varied).filter(is_text) {
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        for (row, cell) in column.cells.iter().enumerate() {
            let Cell::Text(text) = cell else { continue };
            match groups.iter_mut().find(|(name, _)| name == text) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((text.clone(), vec![row])),
            }
        }
        if (2..=GROUPS).contains(&groups.len()) {
            return groups;
        }
    }
    vec![(String::new(), (0..table.rows()).collect())]
}

/// The median of numbers; the mean of the two in the middle where there is no middle one.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 {
        numbers[middle]
    } else {
        f64::midpoint(numbers[middle - 1], numbers[middle])
    }
}

/// `x` with the median of what was found there.
fn medians(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut of_each: BTreeMap<u64, (f64, Vec<f64>)> = BTreeMap::new();
    for (x, y) in points {
        of_each.entry(x.to_bits()).or_insert((*x, Vec::new())).1.push(*y);
    }
    let mut medians: Vec<(f64, f64)> =
        of_each.into_values().map(|(x, mut ys)| (x, median(&mut ys))).collect();
    medians.sort_by(|a, b| a.0.total_cmp(&b.0));
    medians
}

/// An answer over a key: a circle for each point and, where several share each value of the key, the line of their medians; with
/// groups only the lines, for they would not be told apart from circles of their own.
fn lines(key: &Column, answer: &Answer<'_>, groups: &[(String, Vec<usize>)]) -> Option<Picture> {
    let pair = |row: &usize| Some((number(&key.cells[*row])?, number(&answer.column.cells[*row])?));
    let (mut series, mut all) = (Vec::new(), Vec::new());
    for (name, rows) in groups {
        let points: Vec<(f64, f64)> = rows.iter().filter_map(pair).collect();
        let medians = medians(&points);
        let shared = 2 * medians.len() <= points.len();
        all.extend(points.iter().copied());
        if !shared || groups.len() == 1 {
            let label = if name.is_empty() { "points" } else { name };
            series.push(Series::new(label, Mark::Circles, points));
        }
        if shared {
            let label = if name.is_empty() { "median".into() } else { format!("{name}, median") };
            series.push(Series::new(&label, Mark::Line, medians));
        }
    }
    let least = all.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
    if answer.file == OBJECTIVE {
        series.push(Series::new("the least", Mark::Crosses, [least]));
    }
    // a value of exactly 0 is left out where the others want a logarithmic axis
    let wide = |of: fn(&(f64, f64)) -> f64| {
        let positive = || all.iter().map(of).filter(|v| *v > 0.0);
        let (low, high) =
            (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
        all.iter().map(of).all(|v| v >= 0.0) && high >= WIDE * low
    };
    let scales = Scales { log_x: wide(|p| p.0), log_y: wide(|p| p.1) };
    let (name, file) = key_name(key);
    let title = format!("{} over {name}", answer.title);
    let figure = Figure::lines("sweep", &title, [&key.name.replace('"', ""), answer.label], series);
    Some(Picture {
        file: format!("plots/{}-over-{file}.svg", answer.file),
        svg: draw_on(&figure, scales),
    })
}

/// An answer over two keys: the median where several points share both.
fn map(x: &Column, y: &Column, answer: &Answer<'_>) -> Option<Picture> {
    let mut of_each: BTreeMap<[u64; 2], Vec<f64>> = BTreeMap::new();
    for ((x, y), value) in x.cells.iter().zip(&y.cells).zip(&answer.column.cells) {
        if let (Some(x), Some(y), Some(value)) = (number(x), number(y), number(value)) {
            of_each.entry([x.to_bits(), y.to_bits()]).or_default().push(value);
        }
    }
    let shared = of_each.values().any(|values| values.len() > 1);
    let samples: Vec<_> = of_each
        .into_iter()
        .map(|([x, y], mut values)| (f64::from_bits(x), f64::from_bits(y), median(&mut values)))
        .collect();
    if samples.is_empty() {
        return None;
    }
    let ((x_name, x_file), (y_name, y_file)) = (key_name(x), key_name(y));
    let title =
        if shared { format!("Median of the {}", answer.label) } else { answer.title.to_owned() };
    let title = format!("{title} over {x_name} and {y_name}");
    let labels = [x.name.replace('"', ""), y.name.replace('"', ""), answer.label.to_owned()];
    let svg = HeatMap { title, labels, samples }.draw();
    Some(Picture { file: format!("plots/{}-over-{x_file}-and-{y_file}.svg", answer.file), svg })
}
