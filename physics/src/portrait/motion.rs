//! Paths of the sites of a model and postures of its bodies during a motion.

use std::sync::Arc;

use cotangent_answer::{Figure, Look, Mark, Portrait, Series};
use cotangent_problem::name::segment;
use cotangent_problem::{Simulation, output_values, with_inputs};

use super::{VIEWS, look, plane};
use crate::simulation::{MotionPart, MotionSimulation};

/// Moments of a motion at which the model is drawn.
const MOMENTS: usize = 6;

impl Portrait for MotionSimulation {
    fn figures(&self, start: &[Vec<f64>], answer: &[Vec<f64>]) -> Vec<Figure> {
        let (Some(before), Some(after)) = (self.places(start), self.places(answer)) else {
            return Vec::new();
        };
        let mut figures = Vec::new();
        for part in 0..self.parts().len() {
            let view = |view| self.view(part, view, &before, &after);
            figures.extend(VIEWS.into_iter().filter_map(view));
        }
        figures
    }

    fn looks(&self, inputs: &[Vec<f64>]) -> Result<Vec<Look>, String> {
        look::motions(self, inputs)
    }
}

/// Position of a body or site over time: the motion, its name, and the points.
struct Track {
    part: usize,
    name: String,
    points: Vec<[f64; 3]>,
}

impl MotionSimulation {
    /// Where every site and body is over time, with these inputs.
    fn places(&self, inputs: &[Vec<f64>]) -> Option<Vec<Track>> {
        let simulation = Arc::new(with_inputs(self, inputs).ok()?);
        let parts = simulation.parts().to_vec();
        let own = |name: &str| -> String {
            let prefixes = parts.iter().map(|p| format!("motion.{}.", segment(&p.label)));
            let found = prefixes.into_iter().find_map(|p| name.strip_prefix(&p).map(str::to_owned));
            found.unwrap_or_else(|| name.to_owned())
        };
        let is_place = |name: &str| {
            let kinds = ["site.", "site[", "body.", "body["];
            name.ends_with(".position") && kinds.iter().any(|k| own(name).starts_with(k))
        };
        let outputs: Vec<usize> = (0..simulation.outputs().len())
            .filter(|k| is_place(&simulation.outputs()[*k].name))
            .collect();
        let of_outputs = output_values(&simulation, &outputs).ok()?;
        let track = |(k, entries): (&usize, &Vec<f64>)| {
            let name = &simulation.outputs()[*k].name;
            let of = |p: &MotionPart| name.starts_with(&format!("motion.{}.", segment(&p.label)));
            let part = parts.iter().position(of).unwrap_or(0);
            let points = entries.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
            Track { part, name: own(name), points }
        };
        Some(outputs.iter().zip(&of_outputs).map(track).collect())
    }

    /// Paths of the sites and postures of the bodies, in the plane of two coordinates.
    fn view(
        &self,
        part: usize,
        view @ (_, [across, up]): (&str, [usize; 2]),
        before: &[Track],
        after: &[Track],
    ) -> Option<Figure> {
        let flat = |p: &[f64; 3]| (p[across], p[up]);
        let of_part = |tracks: &'_ [Track]| -> Vec<usize> {
            (0..tracks.len()).filter(|k| tracks[*k].part == part).collect()
        };
        let is_site = |t: &Track| t.name.starts_with("site");
        let tracks = of_part(after);
        let steps = after.get(*tracks.first()?)?.points.len() - 1;
        let mut drawn: Vec<Series> = Vec::new();
        let shown: Vec<usize> = tracks.iter().copied().filter(|k| is_site(&after[*k])).collect();
        let shown =
            if shown.is_empty() { tracks.iter().copied().rev().take(1).collect() } else { shown };
        for (n, k) in shown.iter().take(3).enumerate() {
            let name = after[*k].name.trim_end_matches(".position");
            let mark = [Mark::Line, Mark::Dashes, Mark::Dots][n];
            drawn.push(Series::new(
                &format!("{name}, answer"),
                mark,
                after[*k].points.iter().map(flat),
            ));
            drawn.push(Series::new(
                if n == 0 { "at the start" } else { "" },
                Mark::Thin,
                before[*k].points.iter().map(flat),
            ));
        }
        for moment in 0..MOMENTS {
            let step = moment * steps / (MOMENTS - 1);
            let label = if moment == 0 { "bodies and sites" } else { "" };
            let points = tracks.iter().map(|k| flat(&after[*k].points[step]));
            drawn.push(Series::new(label, Mark::Circles, points));
        }
        let label = &self.parts()[part].label;
        let of = if label.is_empty() { String::new() } else { format!(" {label}") };
        // a label may hold what no file name does
        let number = if label.is_empty() { String::new() } else { format!("-{}", part + 1) };
        Some(plane(&format!("motion{number}"), &format!("The motion{of}"), view, drawn))
    }
}
