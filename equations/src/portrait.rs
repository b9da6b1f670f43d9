//! Courses of the states over time, at the start and at the answer.

use std::sync::Arc;

use cotangent_answer::{Figure, Mark, Portrait, Series, spread_over_decades};
use cotangent_problem::{Simulation, output_values, with_inputs};

use crate::simulation::EquationsSimulation;

/// Times of a course in a picture, at least.
const SMOOTH: usize = 240;

impl Portrait for EquationsSimulation {
    fn figures(&self, start: &[Vec<f64>], answer: &[Vec<f64>]) -> Vec<Figure> {
        let sets = [(start, "at the start"), (answer, "answer")];
        let experiments = 0..self.experiments().len();
        experiments.filter_map(|e| self.figure(e, sets)).collect()
    }
}

impl EquationsSimulation {
    /// Every output over time of an experiment that shares the first one's unit.
    fn figure(&self, experiment: usize, sets: [(&[Vec<f64>], &str); 2]) -> Option<Figure> {
        let (prefix, outputs) = (self.prefix(experiment), self.outputs());
        let is_own =
            |k: &usize| outputs[*k].axis.is_some() && outputs[*k].name.starts_with(&prefix);
        let first = (0..outputs.len()).find(is_own)?;
        let log_x = spread_over_decades(&outputs[first].axis.as_ref()?.values);
        let alike = |k: &usize| is_own(k) && outputs[*k].unit == outputs[first].unit;
        let shown: Vec<usize> = (0..outputs.len()).filter(alike).take(5).collect();
        let closer = self.looked_at_more_often(SMOOTH, spread_over_decades);
        let axis = closer.outputs()[first].axis.clone()?;
        let mut series = Vec::new();
        for (inputs, of) in sets {
            let simulation = Arc::new(with_inputs(&closer, inputs).ok()?);
            for (n, values) in output_values(&simulation, &shown).ok()?.iter().enumerate() {
                let name = outputs[shown[n]].name.trim_start_matches(&prefix);
                let marks = [Mark::Line, Mark::Dashes, Mark::Dots];
                let mark = if of == "answer" { marks[n % 3] } else { Mark::Thin };
                let label =
                    if n == 0 || of == "answer" { format!("{name}, {of}") } else { String::new() };
                series.push(Series::new(
                    &label,
                    mark,
                    axis.values.iter().copied().zip(values.iter().copied()),
                ));
            }
        }
        let with = |name: &str, unit: &str| match unit {
            "" => name.to_owned(),
            unit => format!("{name} ({unit})"),
        };
        let labels = [with("time", &axis.unit), with("value", &outputs[first].unit)];
        let title = format!(
            "Over time{}",
            if prefix.is_empty() {
                String::new()
            } else {
                format!(": {}", self.experiments()[experiment].label)
            }
        );
        let name = format!("course-{}", experiment + 1);
        let figure = Figure::lines(&name, &title, [&labels[0], &labels[1]], series);
        Some(Figure { log_x, ..figure })
    }
}
