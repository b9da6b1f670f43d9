//! Judging and drawing an arm's motion.

use std::fmt::Write as _;

use cotangent_physics::task::Reached;
use cotangent_physics::{Scratch, kinematics};

use super::arm::{Ready, Study};
use super::{same_scale, series};
use crate::plot::{Figure, Mark, Series};
use crate::run::{Conclusion, Criterion, Finished};

impl Ready<'_> {
    /// Criteria, figures and tables.
    pub(super) fn judge(&self, run: &Finished) -> Conclusion {
        let study = self.study;
        let (before, after) = (study.reach.motion(run.start), study.reach.motion(run.answer));
        let first = self.first.as_ref().map(|f| study.reach.motion(&f.x));
        let mut figures = vec![
            study.path(&before, &after, "side", (0, 2)),
            study.path(&before, &after, "above", (0, 1)),
            study.torques("torques", "Torques of the answer", run.answer),
        ];
        if let Some(f) = &self.first {
            let title = "Torques of the first feasible solution";
            figures.push(study.torques("torques-first-feasible", title, &f.x));
        }
        figures.extend([study.errors(&before, &after), study.ranges(&after)]);
        let mut artifacts = vec![("motion.csv".to_owned(), study.table(&after).into_bytes())];
        if let Some(first) = &first {
            let name = "motion-first-feasible.csv".to_owned();
            artifacts.push((name, study.table(first).into_bytes()));
        }
        let criteria = self.criteria(&after, first.as_ref());
        Conclusion { criteria, figures, artifacts, ..Conclusion::default() }
    }

    fn criteria(&self, after: &Reached, first: Option<&Reached>) -> Vec<Criterion> {
        let study = self.study;
        let worst = after.misses.iter().copied().fold(0.0, f64::max);
        let share = 100.0 * study.reduction;
        let (measured, met) = match (first, &self.first) {
            (Some(reached), Some(first)) => {
                let less = 1.0 - after.effort / reached.effort;
                let measured = format!(
                    "{:.1} N^2 m^2 s, {:.1} % less than {:.1} (iteration {} of the run that only reaches, {} evaluations)",
                    after.effort,
                    100.0 * less,
                    reached.effort,
                    first.iteration,
                    first.evaluations
                );
                (measured, less >= study.reduction)
            }
            _ => ("the run that only reaches found no feasible solution".into(), false),
        };
        vec![
            Criterion {
                what: format!("the tip passes all {} points at their times", after.misses.len()),
                must: format!("within {:.1} mm", 1e3 * study.miss),
                measured: format!("{:.2} mm at most", 1e3 * worst),
                met: worst <= study.miss,
            },
            Criterion {
                what: "every joint stays in its range".into(),
                must: "at every step".into(),
                measured: if after.beyond_range > 0.0 {
                    format!("beyond by {:.2e}", after.beyond_range)
                } else {
                    "at every step".into()
                },
                met: after.beyond_range <= 0.0,
            },
            Criterion {
                what: "less effort than the first feasible solution".into(),
                must: format!("by {share:.0} % or more"),
                measured,
                met,
            },
        ]
    }
}

impl Study {
    fn time(&self, step: usize) -> f64 {
        step as f64 * self.reach.dt()
    }

    /// Origins of the links and the tip at one state, from the world outwards.
    fn posture(&self, motion: &Reached, step: usize) -> Vec<[f64; 3]> {
        let model = self.reach.model();
        let mut s = Scratch::new(model);
        let placed = kinematics(model, model.parameters(), &motion.states[step].q, &mut s);
        let mut points: Vec<[f64; 3]> =
            (0..model.links().len()).map(|l| placed.link_pose(Some(l)).translation.0).collect();
        points.push(motion.tip[step].0);
        points
    }

    /// Path of the tip before and after, postures at the times of the points, in the plane of two coordinates.
    fn path(
        &self,
        before: &Reached,
        after: &Reached,
        view: &str,
        (across, up): (usize, usize),
    ) -> Figure {
        let flat = |x: &[f64; 3]| (x[across], x[up]);
        let line = |label: &str, mark, motion: &Reached| {
            series(label, mark, motion.tip.iter().map(|x| flat(&x.0)))
        };
        let points = self.reach.waypoints();
        let mut drawn = vec![
            line("tip, optimised", Mark::Line, after),
            line("tip, start", Mark::Dashes, before),
            series("points", Mark::Circles, points.iter().map(|w| flat(&w.position.0))),
        ];
        let steps: Vec<usize> = std::iter::once(0).chain(points.iter().map(|w| w.step)).collect();
        for (k, step) in steps.into_iter().enumerate() {
            let label = if k == 0 { "arm at start and points" } else { "" };
            let posture = self.posture(after, step);
            // points along each link, so that the legend finds a place of its own
            let along = posture.windows(2).flat_map(|ends| {
                let (a, b) = (flat(&ends[0]), flat(&ends[1]));
                (0..=10).map(move |k| {
                    let share = f64::from(k) / 10.0;
                    (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
                })
            });
            drawn.push(series(label, Mark::Thin, along));
        }
        drawn.extend(same_scale(&drawn));
        let axis = |k: usize| format!("{} (m)", ["x", "y", "z"][k]);
        Figure {
            name: format!("motion-{view}"),
            title: match up {
                2 => "The motion from the side".into(),
                _ => "The motion from above".into(),
            },
            x_label: axis(across),
            y_label: axis(up),
            log_y: false,
            series: drawn,
            panels: Vec::new(),
        }
    }

    fn torques(&self, name: &str, title: &str, x: &[f64]) -> Figure {
        let (model, n) = (self.reach.model(), self.reach.intervals());
        let marks = [Mark::Line, Mark::Dashes, Mark::Dots];
        let held = self.reach.steps().div_ceil(n);
        let row = |(k, motor): (usize, &cotangent_physics::model::Actuator)| {
            let gear = model.parameters().gear[k];
            let stairs = (0..n).flat_map(|i| {
                let torque = gear * x[k * n + i];
                [i, i + 1].map(|j| (self.time((j * held).min(self.reach.steps())), torque))
            });
            series(&motor.name, marks[k % marks.len()], stairs)
        };
        Figure {
            name: name.into(),
            title: title.into(),
            x_label: "time (s)".into(),
            y_label: "torque (N m)".into(),
            log_y: false,
            series: model.actuators().iter().enumerate().map(row).collect(),
            panels: Vec::new(),
        }
    }

    /// Distance of the tip to each point over time, and where it must be small.
    fn errors(&self, before: &Reached, after: &Reached) -> Figure {
        let marks = [Mark::Line, Mark::Dashes, Mark::Dots];
        let points = self.reach.waypoints();
        let mut drawn: Vec<Series> = Vec::new();
        for (k, w) in points.iter().enumerate() {
            let distance = |(step, x): (usize, &cotangent_ad::Vec3<f64>)| {
                (self.time(step), (*x - w.position).norm())
            };
            let label = format!("to point {}", k + 1);
            let curve = after.tip.iter().enumerate().map(distance);
            drawn.push(series(&label, marks[k % marks.len()], curve));
        }
        let at = |motion: &Reached| -> Vec<(f64, f64)> {
            points.iter().zip(&motion.misses).map(|(w, m)| (self.time(w.step), *m)).collect()
        };
        drawn.push(series("at its time, optimised", Mark::Circles, at(after)));
        drawn.push(series("at its time, start", Mark::Crosses, at(before)));
        let end = self.time(self.reach.steps());
        drawn.push(series("allowed", Mark::Thin, [(0.0, self.miss), (end, self.miss)]));
        Figure {
            name: "tip-error".into(),
            title: "Distance of the tip from each point".into(),
            x_label: "time (s)".into(),
            y_label: "distance (m)".into(),
            log_y: true,
            series: drawn,
            panels: Vec::new(),
        }
    }

    /// Every joint with a range, as a share of it: 0 and 1 are its ends.
    fn ranges(&self, after: &Reached) -> Figure {
        let marks = [Mark::Line, Mark::Dashes, Mark::Dots];
        let joints = self.reach.model().joints().iter().filter_map(|j| Some((j, j.range?)));
        let mut drawn: Vec<Series> = joints
            .enumerate()
            .map(|(k, (joint, [least, greatest]))| {
                let share = after.states.iter().enumerate().map(|(step, state)| {
                    (self.time(step), (state.q[joint.q.0] - least) / (greatest - least))
                });
                series(&joint.name, marks[k % marks.len()], share)
            })
            .collect();
        let end = self.time(self.reach.steps());
        drawn.push(series("ends of the range", Mark::Thin, [(0.0, 0.0), (end, 0.0)]));
        drawn.push(series("", Mark::Thin, [(0.0, 1.0), (end, 1.0)]));
        Figure {
            name: "joint-ranges".into(),
            title: "Joints within their ranges".into(),
            x_label: "time (s)".into(),
            y_label: "share of the range".into(),
            log_y: false,
            series: drawn,
            panels: Vec::new(),
        }
    }

    fn table(&self, motion: &Reached) -> String {
        let mut text = String::from("time_s");
        for joint in self.reach.model().joints() {
            let _ = write!(text, ",{}", joint.name);
        }
        text.push_str(",tip_x_m,tip_y_m,tip_z_m\n");
        for (step, state) in motion.states.iter().enumerate() {
            let _ = write!(text, "{:.6}", self.time(step));
            for joint in self.reach.model().joints() {
                let _ = write!(text, ",{:.9}", state.q[joint.q.0]);
            }
            let [x, y, z] = motion.tip[step].0;
            let _ = writeln!(text, ",{x:.9},{y:.9},{z:.9}");
        }
        text
    }
}
