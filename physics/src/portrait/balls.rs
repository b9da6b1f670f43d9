//! Where balls fly, seen from the side and from above.

use cotangent_answer::{Figure, Look, Mark, Portrait, Series};
use cotangent_problem::{Simulation, with_inputs};

use super::{VIEWS, look, plane};
use crate::impact::{Balls, BallsSimulation, Pair, Path};

/// Pictures of a motion have this many points.
const POINTS: usize = 240;
/// As many balls are drawn one by one.
const MOST_BALLS: usize = 6;

impl Portrait for BallsSimulation {
    fn figures(&self, start: &[Vec<f64>], answer: &[Vec<f64>]) -> Vec<Figure> {
        let (before, Some(after)) = (self.followed(start), self.followed(answer)) else {
            return Vec::new();
        };
        // a game on a table has no side view
        let moves = |up: usize| {
            let height = |s: &Balls| s.x[0][up];
            after.states.iter().any(|s| (height(s) - height(&after.states[0])).abs() > 0.0)
        };
        let seen = VIEWS.into_iter().filter(|(_, [_, up])| moves(*up));
        seen.map(|view| self.view(view, before.as_ref(), &after)).collect()
    }

    fn looks(&self, inputs: &[Vec<f64>]) -> Result<Vec<Look>, String> {
        let path = self.followed(inputs).ok_or("the balls cannot be followed at the answer")?;
        let times = (0..=POINTS).map(|k| path.duration * k as f64 / POINTS as f64).collect();
        let radius = |name: &String| {
            let radius = format!("{name}.radius");
            let k = self.inputs().iter().position(|q| q.name == radius);
            k.map_or(0.0, |k| inputs[k][0])
        };
        let names = self.names();
        let radii: Vec<f64> = names.iter().map(radius).collect();
        Ok(vec![look::balls(&names, &radii, times, |t, i| path.states[t].x[i])])
    }
}

impl BallsSimulation {
    /// The motion with these inputs; `None` where there is none.
    fn followed(&self, inputs: &[Vec<f64>]) -> Option<Path> {
        with_inputs(self, inputs).ok()?.path(POINTS).ok()
    }

    fn names(&self) -> Vec<String> {
        let own = |name: &str| name.strip_suffix(".radius").map(str::to_owned);
        self.inputs().iter().filter_map(|q| own(&q.name)).collect()
    }

    fn view(
        &self,
        view @ (_, [across, up]): (&str, [usize; 2]),
        before: Option<&Path>,
        after: &Path,
    ) -> Figure {
        let names = self.names();
        let track = |path: &Path, i: usize| -> Vec<(f64, f64)> {
            path.states.iter().map(|s| (s.x[i][across], s.x[i][up])).collect()
        };
        let mut drawn = Vec::new();
        for (i, name) in names.iter().enumerate().take(MOST_BALLS) {
            let mark = [Mark::Line, Mark::Dashes, Mark::Dots][i % 3];
            drawn.push(Series::new(&format!("{name}, answer"), mark, track(after, i)));
            if let Some(before) = before {
                let label = if i == 0 { "at the start of the search" } else { "" };
                drawn.push(Series::new(label, Mark::Thin, track(before, i)));
            }
        }
        let centre = |(pair, state): &(Pair, Balls)| {
            let (Pair::Wall(i, _) | Pair::Balls(i, _)) = *pair;
            (state.x[i][across], state.x[i][up])
        };
        drawn.push(Series::new("impacts", Mark::Crosses, after.impacts.iter().map(centre)));
        let ends = after.states.last().into_iter().flat_map(|s| &s.x);
        drawn.push(Series::new("end", Mark::Circles, ends.map(|x| (x[across], x[up]))));
        plane("motion", "Centres of the balls", view, drawn)
    }
}
