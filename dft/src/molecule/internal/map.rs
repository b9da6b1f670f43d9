//! The map of a molecule with coordinates: positions from what moves the nuclei, the molecule's own map at these, and back.

use std::sync::Arc;

use cotangent_problem::{
    Cost, Keep, Linearised, Map, MapError, Quantity, SampleKey, Simulation, TrialFailure, Values,
    Workspace, check_len, check_picks, fix_quantity,
};

use super::chart::{NamedCoordinate, row_of};
use super::placed::Placed;
use super::simulation::{InputPlace, OutputPlace, WithCoordinates};
use crate::molecule::scf::newton::dot;
use crate::molecule::simulation::position_of_atom;

impl Simulation for WithCoordinates {
    fn inputs(&self) -> &[Quantity] {
        &self.inputs
    }

    fn outputs(&self) -> &[Quantity] {
        &self.outputs
    }

    fn fix(&mut self, input: usize, value: &[f64]) -> Result<(), MapError> {
        fix_quantity(&mut self.inputs, input, value)?;
        let molecule = Arc::make_mut(&mut self.molecule);
        match self.input_places[input] {
            InputPlace::Molecule(k) => molecule.fix(k, value),
            InputPlace::Position(atom) => molecule.fix(position_of_atom(atom), value),
            InputPlace::Named(_) | InputPlace::Collective => Ok(()),
        }
    }

    fn map(
        self: Arc<Self>,
        inputs: &[usize],
        outputs: &[usize],
        differentiated: bool,
    ) -> Result<Box<dyn Map>, MapError> {
        check_picks(self.as_ref(), inputs, outputs, differentiated)?;
        let own = |k: &usize| match self.input_places[*k] {
            InputPlace::Molecule(own) => Some(own),
            _ => None,
        };
        let mut molecule_inputs: Vec<usize> = inputs.iter().filter_map(own).collect();
        // the positions are inputs of the molecule always: what moves them is here
        let atoms = self.molecule.molecule().atoms().len();
        molecule_inputs.extend((0..atoms).map(position_of_atom));
        let asked = |k: &usize| match self.output_places[*k] {
            OutputPlace::Molecule(own) => Some(own),
            _ => None,
        };
        let molecule_outputs: Vec<usize> = outputs.iter().filter_map(asked).collect();
        let molecule = if molecule_outputs.is_empty() {
            None
        } else {
            let molecule = Arc::clone(&self.molecule);
            Some(molecule.map(&molecule_inputs, &molecule_outputs, differentiated)?)
        };
        let (inputs, outputs) = (inputs.to_vec(), outputs.to_vec());
        Ok(Box::new(CoordinateMap { simulation: self, inputs, outputs, molecule }))
    }
}

struct CoordinateMap {
    simulation: Arc<WithCoordinates>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    /// The molecule's map, where something of it is asked: from its own picked inputs and all positions.
    molecule: Option<Box<dyn Map>>,
}

impl CoordinateMap {
    /// The picked inputs: what each is, and where its entries stand.
    fn input_spans(&self) -> impl Iterator<Item = (InputPlace, std::ops::Range<usize>)> {
        let simulation = &self.simulation;
        let lengths = self.inputs.iter().map(|k| simulation.inputs[*k].len());
        let places = self.inputs.iter().map(|k| simulation.input_places[*k]);
        places.zip(spans(lengths))
    }

    /// The picked outputs: what each is, and where its entries stand.
    fn output_spans(&self) -> impl Iterator<Item = (OutputPlace, std::ops::Range<usize>)> {
        let simulation = &self.simulation;
        let lengths = self.outputs.iter().map(|k| simulation.outputs[*k].len());
        let places = self.outputs.iter().map(|k| simulation.output_places[*k]);
        places.zip(spans(lengths))
    }
}

/// Where the entries of quantities of these lengths stand.
fn spans(lengths: impl Iterator<Item = usize>) -> impl Iterator<Item = std::ops::Range<usize>> {
    lengths.scan(0, |first, len| {
        let span = *first..*first + len;
        *first += len;
        Some(span)
    })
}

impl Map for CoordinateMap {
    fn input_len(&self) -> usize {
        self.inputs.iter().map(|k| self.simulation.inputs[*k].len()).sum()
    }

    fn output_len(&self) -> usize {
        self.outputs.iter().map(|k| self.simulation.outputs[*k].len()).sum()
    }

    fn plan(&self, keep: Keep) -> Cost {
        let none = || Cost { work: "distances and angles of the atoms".into(), bytes: 0 };
        self.molecule.as_ref().map_or_else(none, |map| map.plan(keep))
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        keep: Keep,
        key: SampleKey,
        ws: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        check_len("the point", x, self.input_len())?;
        let simulation = self.simulation.as_ref();
        let mut values: Vec<Vec<f64>> =
            simulation.inputs.iter().map(|quantity| quantity.value.clone()).collect();
        for (input, (_, span)) in self.inputs.iter().zip(self.input_spans()) {
            values[*input] = x[span].to_vec();
        }
        let placed = simulation.placed(&values)?;
        let positions = simulation.positions(&values, placed.as_ref());
        let molecule = match &self.molecule {
            None => None,
            Some(map) => {
                let mut own: Vec<f64> = Vec::new();
                for (place, span) in self.input_spans() {
                    if matches!(place, InputPlace::Molecule(_)) {
                        own.extend_from_slice(&x[span]);
                    }
                }
                own.extend_from_slice(positions.as_flattened());
                Some(map.run(&own, keep, key, ws)?)
            }
        };
        let mut run =
            CoordinateRun { map: self, placed, positions, molecule, values: Values::default() };
        run.values.entries = run.entries()?;
        Ok(Box::new(run))
    }
}

struct CoordinateRun<'a> {
    map: &'a CoordinateMap,
    /// Of internal coordinates.
    placed: Option<Placed>,
    positions: Vec<[f64; 3]>,
    molecule: Option<Box<dyn Linearised + 'a>>,
    values: Values,
}

impl CoordinateRun<'_> {
    /// The picked outputs.
    fn entries(&self) -> Result<Vec<f64>, TrialFailure> {
        let mut entries = Vec::new();
        let mut of_molecule = self.molecule.iter().flat_map(|run| &run.values().entries);
        for (place, span) in self.map.output_spans() {
            match place {
                OutputPlace::Molecule(_) => entries.extend(of_molecule.by_ref().take(span.len())),
                OutputPlace::Named(k) => entries.push(self.measured(k)?),
                OutputPlace::Position(atom) => entries.extend(self.positions[atom]),
            }
        }
        Ok(entries)
    }

    /// A named coordinate: what it was set to, or of positions that it is between half a turn before and behind what it was in the file.
    fn measured(&self, k: usize) -> Result<f64, TrialFailure> {
        if let Some(placed) = &self.placed {
            return Ok(placed.named[k]);
        }
        let simulation = &self.map.simulation;
        let NamedCoordinate { name, coordinate } = &simulation.coordinates[k];
        let value = coordinate.value(&self.positions).ok_or_else(|| on_a_line(name))?;
        let first = coordinate.value(&simulation.molecule.molecule().positions_bohr());
        Ok(first.map_or(value, |first| first + coordinate.difference(value, first)))
    }

    /// Derivatives of each named coordinate that is picked, by all positions; its entry first. None where they are inputs themselves.
    fn rows(&self) -> Result<Vec<(usize, Vec<f64>)>, TrialFailure> {
        if self.placed.is_some() {
            return Ok(Vec::new());
        }
        let named = self.map.output_spans().filter_map(|(place, span)| match place {
            OutputPlace::Named(k) => Some((k, span.start)),
            _ => None,
        });
        let row = |(k, entry): (usize, usize)| {
            let one = &self.map.simulation.coordinates[k];
            let row = row_of(&one.coordinate, &self.positions);
            let missing = || TrialFailure::NotDifferentiable {
                parameter: one.name.clone(),
                why: "its atoms lie on a line".into(),
            };
            Ok((entry, row.ok_or_else(missing)?))
        };
        named.map(row).collect()
    }

    /// `J^T y_bar`, from the molecule's own `J^T y_bar` where it has run.
    fn pulled(
        &self,
        y_bar: &[f64],
        own: Option<&Vec<f64>>,
        rows: &[(usize, Vec<f64>)],
    ) -> Vec<f64> {
        let positions_len = 3 * self.positions.len();
        let mut by_inputs: &[f64] = &[];
        let mut by_positions = vec![0.0; positions_len];
        if let Some(own) = own {
            let (inputs, positions) = own.split_at(own.len() - positions_len);
            by_inputs = inputs;
            by_positions.copy_from_slice(positions);
        }
        for (entry, row) in rows {
            by_positions.iter_mut().zip(row).for_each(|(x, b)| *x += y_bar[*entry] * b);
        }
        for (place, span) in self.map.output_spans() {
            if let OutputPlace::Position(atom) = place {
                let own = &mut by_positions[3 * atom..3 * atom + 3];
                own.iter_mut().zip(&y_bar[span]).for_each(|(x, b)| *x += b);
            }
        }
        let moved = self.placed.as_ref().map(|placed| placed.pullback(&by_positions));
        let [mut named, collective] = moved.unwrap_or_default();
        for (place, span) in self.map.output_spans() {
            if let (OutputPlace::Named(k), true) = (place, self.placed.is_some()) {
                named[k] += y_bar[span.start];
            }
        }
        let mut x_bar = vec![0.0; self.map.input_len()];
        for (place, span) in self.map.input_spans() {
            match place {
                InputPlace::Molecule(_) if by_inputs.is_empty() => {}
                InputPlace::Molecule(_) => {
                    let (own, rest) = by_inputs.split_at(span.len());
                    x_bar[span].copy_from_slice(own);
                    by_inputs = rest;
                }
                InputPlace::Position(atom) => {
                    x_bar[span].copy_from_slice(&by_positions[3 * atom..3 * atom + 3]);
                }
                InputPlace::Named(k) => x_bar[span.start] = named[k],
                InputPlace::Collective => x_bar[span].copy_from_slice(&collective),
            }
        }
        x_bar
    }

    /// How the positions and the named coordinates among the inputs move with a change of the picked inputs.
    fn motion(&self, x_dot: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let simulation = &self.map.simulation;
        let mut positions = vec![0.0; 3 * self.positions.len()];
        let mut named = vec![0.0; simulation.coordinates.len()];
        let mut collective =
            simulation.chart.as_ref().map_or(Vec::new(), |c| vec![0.0; c.collective_len()]);
        for (place, span) in self.map.input_spans() {
            match place {
                InputPlace::Molecule(_) => {}
                InputPlace::Position(atom) => {
                    positions[3 * atom..3 * atom + 3].copy_from_slice(&x_dot[span]);
                }
                InputPlace::Named(k) => named[k] = x_dot[span.start],
                InputPlace::Collective => collective.copy_from_slice(&x_dot[span]),
            }
        }
        let moved = self.placed.as_ref().map(|placed| placed.pushforward(&named, &collective));
        (moved.unwrap_or(positions), named)
    }

    /// The entries of `y_bar` that are of the molecule.
    fn of_molecule(&self, y_bar: &[f64]) -> Vec<f64> {
        let own =
            self.map.output_spans().filter(|(place, _)| matches!(place, OutputPlace::Molecule(_)));
        own.flat_map(|(_, span)| y_bar[span].to_vec()).collect()
    }
}

fn on_a_line(name: &str) -> TrialFailure {
    let why = format!("the atoms of `{name}` came to lie on a line, where it has no derivative");
    TrialFailure::OutOfDomain { why }
}

impl Linearised for CoordinateRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        for y_bar in cotangents {
            check_len("the cotangent", y_bar, self.values.entries.len())?;
        }
        let rows = self.rows()?;
        let own: Vec<Vec<f64>> = cotangents.iter().map(|y_bar| self.of_molecule(y_bar)).collect();
        let own: Vec<&[f64]> = own.iter().map(Vec::as_slice).collect();
        let own = self.molecule.as_ref().map(|run| run.pullback(&own)).transpose()?;
        let pulled = cotangents.iter().enumerate();
        Ok(pulled
            .map(|(k, bar)| self.pulled(bar, own.as_ref().map(|own| &own[k]), &rows))
            .collect())
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        for x_dot in tangents {
            check_len("the tangent", x_dot, self.map.input_len())?;
        }
        let rows = self.rows()?;
        let motions: Vec<(Vec<f64>, Vec<f64>)> =
            tangents.iter().map(|x_dot| self.motion(x_dot)).collect();
        let own_tangent = |(x_dot, (motion, _)): (&&[f64], &(Vec<f64>, Vec<f64>))| {
            let picked =
                self.map.input_spans().filter(|(p, _)| matches!(p, InputPlace::Molecule(_)));
            let mut own: Vec<f64> = picked.flat_map(|(_, span)| x_dot[span].to_vec()).collect();
            own.extend_from_slice(motion);
            own
        };
        let own: Vec<Vec<f64>> = tangents.iter().zip(&motions).map(own_tangent).collect();
        let own: Vec<&[f64]> = own.iter().map(Vec::as_slice).collect();
        let own = self.molecule.as_ref().map(|run| run.pushforward(&own)).transpose()?;
        let pushed = motions.iter().enumerate().map(|(k, (motion, named))| {
            let mut y_dot = Vec::new();
            let mut of_molecule = own.iter().flat_map(|own| own[k].iter().copied());
            for (place, span) in self.map.output_spans() {
                match place {
                    OutputPlace::Molecule(_) => y_dot.extend(of_molecule.by_ref().take(span.len())),
                    OutputPlace::Named(k) if self.placed.is_some() => y_dot.push(named[k]),
                    OutputPlace::Named(_) => {
                        let row = rows.iter().find(|(entry, _)| *entry == span.start);
                        let change = |(_, row): &(usize, Vec<f64>)| dot(row, motion);
                        y_dot.extend(row.map(change));
                    }
                    OutputPlace::Position(atom) => {
                        y_dot.extend_from_slice(&motion[3 * atom..3 * atom + 3]);
                    }
                }
            }
            y_dot
        });
        Ok(pushed.collect())
    }
}
