//! Several simulations as one, which share some of their inputs.
//!
//! An input that is shared has one name and goes to every member that has it; everything else stands behind the name of its member. A
//! member of which no output is asked does not run.

use std::sync::Arc;

use crate::failure::TrialFailure;
use crate::key::SampleKey;
use crate::objective::Workspace;
use crate::quantity::Quantity;
use crate::simulation::{
    Cost, Keep, Linearised, Map, MapError, Simulation, Values, check_len, check_picks,
};

/// Several simulations side by side.
#[derive(Debug)]
pub struct Joined {
    members: Vec<Arc<dyn Simulation>>,
    inputs: Vec<Quantity>,
    /// Of each input the members that have it, and its place there.
    input_places: Vec<Vec<(usize, usize)>>,
    outputs: Vec<Quantity>,
    /// Of each output its member, and its place there.
    output_places: Vec<(usize, usize)>,
}

impl Joined {
    /// Joins members with their names. Inputs for which `is_shared` says so are one; the first member that has them gives value and
    /// bounds.
    ///
    /// # Errors
    /// [`MapError::Value`]: a shared input that is another thing in another member.
    pub fn new(
        members: Vec<(String, Box<dyn Simulation>)>,
        is_shared: impl Fn(&str) -> bool,
    ) -> Result<Self, MapError> {
        let mut joined = Self {
            members: Vec::new(),
            inputs: Vec::new(),
            input_places: Vec::new(),
            outputs: Vec::new(),
            output_places: Vec::new(),
        };
        for (member, (prefix, simulation)) in members.into_iter().enumerate() {
            let behind =
                |q: &Quantity| Quantity { name: format!("{prefix}.{}", q.name), ..q.clone() };
            for (place, quantity) in simulation.inputs().iter().enumerate() {
                if !is_shared(&quantity.name) {
                    joined.inputs.push(behind(quantity));
                    joined.input_places.push(vec![(member, place)]);
                    continue;
                }
                match joined.inputs.iter().position(|q| q.name == quantity.name) {
                    None => {
                        joined.inputs.push(quantity.clone());
                        joined.input_places.push(vec![(member, place)]);
                    }
                    Some(known) if joined.inputs[known] == *quantity => {
                        joined.input_places[known].push((member, place));
                    }
                    Some(_) => {
                        let why = format!("it is another in {prefix} than in the members before");
                        return Err(MapError::Value { name: quantity.name.clone(), why });
                    }
                }
            }
            for (place, quantity) in simulation.outputs().iter().enumerate() {
                joined.outputs.push(behind(quantity));
                joined.output_places.push((member, place));
            }
            joined.members.push(Arc::from(simulation));
        }
        Ok(joined)
    }
}

impl Simulation for Joined {
    fn inputs(&self) -> &[Quantity] {
        &self.inputs
    }

    fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError> {
        crate::simulation::fix_quantity(&mut self.inputs, input, value)?;
        for (member, place) in &self.input_places[input] {
            let Some(simulation) = Arc::get_mut(&mut self.members[*member]) else {
                let (name, why) = (self.inputs[input].name.clone(), "a map is in use".into());
                return Err(MapError::Value { name, why });
            };
            simulation.fix(*place, value)?;
        }
        Ok(())
    }

    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError> {
        check_picks(self.as_ref(), inputs, outputs, differentiated)?;
        let starts = |picks: &[usize], all: &[Quantity]| {
            let mut len = 0;
            let first = |k: &usize| {
                len += all[*k].len();
                len - all[*k].len()
            };
            let firsts: Vec<usize> = picks.iter().map(first).collect();
            (firsts, len)
        };
        let (first_inputs, input_len) = starts(inputs, &self.inputs);
        let (first_outputs, output_len) = starts(outputs, &self.outputs);
        let mut parts = Vec::new();
        for (member, simulation) in self.members.iter().enumerate() {
            let (mut own_inputs, mut x) = (Vec::new(), Vec::new());
            for (input, first) in inputs.iter().zip(&first_inputs) {
                for (_, place) in self.input_places[*input].iter().filter(|(m, _)| *m == member) {
                    own_inputs.push(*place);
                    x.extend(*first..first + self.inputs[*input].len());
                }
            }
            let (mut own_outputs, mut y) = (Vec::new(), Vec::new());
            for (output, first) in outputs.iter().zip(&first_outputs) {
                let (of, place) = self.output_places[*output];
                if of == member {
                    own_outputs.push(place);
                    y.extend(*first..first + self.outputs[*output].len());
                }
            }
            if !own_outputs.is_empty() {
                let map = Arc::clone(simulation).map(&own_inputs, &own_outputs, differentiated)?;
                parts.push(PartOf { map, x, y });
            }
        }
        Ok(Box::new(JoinedMap { parts, input_len, output_len }))
    }
}

/// A member's map, and where its numbers stand among all.
struct PartOf {
    map: Box<dyn Map>,
    x: Vec<usize>,
    y: Vec<usize>,
}

struct JoinedMap {
    parts: Vec<PartOf>,
    input_len: usize,
    output_len: usize,
}

fn taken(of: &[f64], places: &[usize]) -> Vec<f64> {
    places.iter().map(|k| of[*k]).collect()
}

impl Map for JoinedMap {
    fn input_len(&self) -> usize {
        self.input_len
    }

    fn output_len(&self) -> usize {
        self.output_len
    }

    fn plan(&self, keep: Keep) -> Cost {
        let plans: Vec<Cost> = self.parts.iter().map(|part| part.map.plan(keep)).collect();
        // members of one kind say the same
        let mut counted: Vec<(&str, usize)> = Vec::new();
        for plan in &plans {
            match counted.iter_mut().find(|(work, _)| *work == plan.work) {
                Some((_, count)) => *count += 1,
                None => counted.push((&plan.work, 1)),
            }
        }
        let say = |(work, count): &(&str, usize)| match count {
            1 => (*work).to_owned(),
            _ => format!("{count} times {work}"),
        };
        let work: Vec<String> = counted.iter().map(say).collect();
        Cost { work: work.join("; "), bytes: plans.iter().map(|plan| plan.bytes).sum() }
    }

    fn is_stochastic(&self) -> bool {
        self.parts.iter().any(|part| part.map.is_stochastic())
    }

    fn has_second(&self) -> bool {
        self.parts.iter().all(|part| part.map.has_second())
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        keep: Keep,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        check_len("the point", x, self.input_len)?;
        let mut values = Values { entries: vec![0.0; self.output_len], ..Values::default() };
        let mut runs = Vec::new();
        for part in &self.parts {
            let run = part.map.run(&taken(x, &part.x), keep, key, ws)?;
            let found = run.values();
            for (k, value) in part.y.iter().zip(&found.entries) {
                values.entries[*k] = *value;
            }
            if let Some(errors) = &found.standard_errors {
                let all = values.standard_errors.get_or_insert_with(|| vec![0.0; self.output_len]);
                part.y.iter().zip(errors).for_each(|(k, error)| all[*k] = *error);
            }
            values.switches.extend(found.switches.iter().cloned());
            runs.push((part, run));
        }
        Ok(Box::new(JoinedRun { runs, input_len: self.input_len, values }))
    }
}

struct JoinedRun<'a> {
    runs: Vec<(&'a PartOf, Box<dyn Linearised + 'a>)>,
    input_len: usize,
    values: Values,
}

impl Linearised for JoinedRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let mut all = vec![vec![0.0; self.input_len]; cotangents.len()];
        for y_bar in cotangents {
            check_len("the cotangent", y_bar, self.values.entries.len())?;
        }
        for (part, run) in &self.runs {
            let own: Vec<Vec<f64>> = cotangents.iter().map(|bar| taken(bar, &part.y)).collect();
            let found = run.pullback(&own.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
            for (x_bar, own) in all.iter_mut().zip(&found) {
                part.x.iter().zip(own).for_each(|(k, bar)| x_bar[*k] += bar);
            }
        }
        Ok(all)
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let mut all = vec![vec![0.0; self.values.entries.len()]; tangents.len()];
        for x_dot in tangents {
            check_len("the tangent", x_dot, self.input_len)?;
        }
        for (part, run) in &self.runs {
            let own: Vec<Vec<f64>> = tangents.iter().map(|dot| taken(dot, &part.x)).collect();
            let found = run.pushforward(&own.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
            for (y_dot, own) in all.iter_mut().zip(&found) {
                part.y.iter().zip(own).for_each(|(k, dot)| y_dot[*k] = *dot);
            }
        }
        Ok(all)
    }

    fn second(&self, y_bar: &[f64], x_dot: &[f64]) -> Option<Result<Vec<f64>, TrialFailure>> {
        let mut sum = vec![0.0; self.input_len];
        for (part, run) in &self.runs {
            match run.second(&taken(y_bar, &part.y), &taken(x_dot, &part.x))? {
                Ok(own) => part.x.iter().zip(own).for_each(|(k, value)| sum[*k] += value),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(sum))
    }
}
