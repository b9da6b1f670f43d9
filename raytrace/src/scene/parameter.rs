//! Parameters by name, and how derivatives by points and slots become derivatives by them.

use super::kind::{Derivative, KINDS, Kind, Moves};
use super::leaves::Leaves;
use super::owner::Group;
use super::slot::{Layout, Leaf};
use super::{Scene, SceneError, Wanted, World};
use crate::geometry::V3;

/// What a parameter is.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterInfo {
    /// Name.
    pub name: String,
    /// Shape, row-major.
    pub shape: Vec<usize>,
    /// Unit.
    pub unit: &'static str,
    /// Least and greatest value of an entry.
    pub bounds: [f64; 2],
    /// Why it cannot be differentiated; `None` where it can.
    pub not_differentiable: Option<&'static str>,
}

/// A parameter: a row of the table of kinds, and the mesh or camera that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    kind: usize,
    part: usize,
    entries: usize,
}

impl Target {
    fn kind(self) -> &'static Kind {
        &KINDS[self.kind]
    }
}

/// Parameters chosen by name, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    targets: Vec<Target>,
}

impl Selection {
    /// The parameters of these names.
    ///
    /// # Errors
    /// [`SceneError::Unknown`], or [`SceneError::NotDifferentiable`] where a parameter has no derivative.
    pub fn new(scene: &Scene, names: &[impl AsRef<str>]) -> Result<Self, SceneError> {
        let targets = names.iter().map(|name| {
            let target = scene.find(name.as_ref())?;
            match target.kind().derivative {
                Derivative::By(..) => Ok(target),
                Derivative::Not(why) => {
                    Err(SceneError::NotDifferentiable { name: name.as_ref().into(), why })
                }
            }
        });
        Ok(Self { targets: targets.collect::<Result<_, _>>()? })
    }

    /// Number of entries.
    pub fn dim(&self) -> usize {
        self.targets.iter().map(|t| t.entries).sum()
    }

    /// The entries of the parameter of this name, where it is selected.
    pub(crate) fn entries(&self, scene: &Scene, name: &str) -> Option<std::ops::Range<usize>> {
        let mut first = 0;
        for target in &self.targets {
            if scene.info(*target).name == name {
                return Some(first..first + target.entries);
            }
            first += target.entries;
        }
        None
    }

    /// What the parameters are, in order.
    pub fn parameters(&self, scene: &Scene) -> Vec<ParameterInfo> {
        self.targets.iter().map(|t| scene.info(*t)).collect()
    }

    /// Values, one parameter after the other.
    pub fn get(&self, scene: &Scene) -> Vec<f64> {
        self.targets.iter().flat_map(|t| (t.kind().get)(scene, t.part)).collect()
    }

    /// Sets all values.
    ///
    /// # Errors
    /// A [`SceneError`] where the number of values is wrong, or a value out of its range.
    pub fn set(&self, scene: &mut Scene, values: &[f64]) -> Result<(), SceneError> {
        let (expected, found) = (self.dim(), values.len());
        if expected != found {
            return Err(SceneError::Length { name: "the selection".into(), expected, found });
        }
        let mut rest = values;
        for target in &self.targets {
            let (these, others) = rest.split_at(target.entries);
            scene.in_bounds(*target, these)?;
            (target.kind().set)(scene, target.part, these)?;
            rest = others;
        }
        scene.fits()
    }

    /// What must be followed for the image of a camera.
    pub(crate) fn wanted(&self, scene: &Scene, camera: usize) -> Wanted {
        let moves = |part: usize, what: Moves| {
            let hit = |t: &Target| {
                t.part == part && matches!(t.kind().derivative, Derivative::By(m, _) if m == what)
            };
            self.targets.iter().any(hit)
        };
        Wanted {
            moving: (0..scene.meshes.len()).map(|m| moves(m, Moves::Points)).collect(),
            camera: moves(camera, Moves::Rays),
            lamps: (0..scene.lamps.len()).any(|l| moves(l, Moves::Lamps)),
            normals: (0..scene.meshes.len()).any(|m| moves(m, Moves::Normals)),
        }
    }

    /// The name of the first parameter that moves edges, or what smooth surfaces show, in the image of a camera.
    pub(crate) fn moves_reflections(&self, scene: &Scene, camera: usize) -> Option<String> {
        let moves = |t: &&Target| {
            let is_specular = || scene.meshes[t.part].material.is_specular();
            match t.kind().derivative {
                Derivative::By(Moves::Points | Moves::Lamps, _) => true,
                Derivative::By(Moves::Rays, _) => t.part == camera,
                Derivative::By(Moves::Normals | Moves::Refraction, _) => is_specular(),
                Derivative::By(Moves::Nothing, _) | Derivative::Not(_) => false,
            }
        };
        self.targets.iter().find(moves).map(|t| scene.info(*t).name)
    }

    /// Visits `(entry, leaf, velocity of the leaf)` over all entries of all parameters.
    fn spread(&self, scene: &Scene, layout: &Layout, mut each: impl FnMut(usize, Leaf, V3)) {
        let mut first = 0;
        for target in &self.targets {
            if let Derivative::By(_, spread) = target.kind().derivative {
                spread(scene, layout, target.part, &mut |k, leaf, v| each(first + k, leaf, v));
            }
            first += target.entries;
        }
    }

    /// Derivatives by the parameters from those by points, normals and slots.
    pub(crate) fn pull_back(&self, world: &World, bars: &Leaves) -> Vec<f64> {
        let (scene, layout) = (&world.scene, &world.layout);
        let mut points = bars.points.clone();
        world.normals_pullback(&bars.normals, &mut points);
        let mut sums = vec![0.0; self.dim()];
        self.spread(scene, layout, |entry, leaf, velocity| {
            let bar = match leaf {
                Leaf::Point(p) => points[p as usize],
                Leaf::Normal(n) => bars.normals[n as usize],
                Leaf::Slot(s) => bars.slots[s as usize],
            };
            sums[entry] += bar.dot(velocity);
        });
        self.charted(scene, &mut sums);
        sums
    }

    /// Applies the charts of the kinds that have any: to cotangents of what their derivatives are by, or to directions. Each is its own
    /// transpose.
    fn charted(&self, scene: &Scene, entries: &mut [f64]) {
        let mut rest = entries;
        for target in &self.targets {
            let (these, others) = rest.split_at_mut(target.entries);
            if let Some(chart) = target.kind().chart {
                these.copy_from_slice(&chart(scene, target.part, these));
            }
            rest = others;
        }
    }

    /// The cotangents of the entries of a parameter for those of what its derivative is by.
    pub(crate) fn pull_entries(scene: &Scene, name: &str, bar: &[f64]) -> Vec<f64> {
        let chart = scene.find(name).ok().and_then(|t| Some((t.part, t.kind().chart?)));
        chart.map_or_else(|| bar.to_vec(), |(part, chart)| chart(scene, part, bar))
    }
}

/// What each of some directions in the space of a selection moves, by leaf.
pub(crate) struct Columns {
    pub(crate) count: usize,
    /// Of each vertex of the world: directions that move it, and its velocities.
    pub(crate) points: Vec<Vec<(usize, V3)>>,
    /// The same of each normal for shading.
    pub(crate) normals: Vec<Vec<(usize, V3)>>,
    /// The same of each slot.
    pub(crate) slots: Vec<Vec<(usize, V3)>>,
}

impl Columns {
    /// One column for every entry.
    pub(crate) fn entries(world: &World, selection: &Selection) -> Self {
        let n = selection.dim();
        if selection.targets.iter().any(|t| t.kind().chart.is_some()) {
            let unit = |k: usize| (0..n).map(|j| f64::from(u8::from(j == k))).collect();
            let units: Vec<Vec<f64>> = (0..n).map(unit).collect();
            let units: Vec<&[f64]> = units.iter().map(Vec::as_slice).collect();
            return Self::directions(world, selection, &units);
        }
        let mut columns = Self::empty(&world.layout, selection.dim());
        selection.spread(&world.scene, &world.layout, |entry, leaf, velocity| {
            columns.of(leaf).push((entry, velocity));
        });
        columns.move_normals(world);
        columns
    }

    /// One column for every direction, of as many numbers as the selection has entries.
    pub(crate) fn directions(world: &World, selection: &Selection, directions: &[&[f64]]) -> Self {
        let mut columns = Self::empty(&world.layout, directions.len());
        let charted = |direction: &&[f64]| {
            let mut direction = direction.to_vec();
            selection.charted(&world.scene, &mut direction);
            direction
        };
        let directions: Vec<Vec<f64>> = directions.iter().map(charted).collect();
        selection.spread(&world.scene, &world.layout, |entry, leaf, velocity| {
            let motions = columns.of(leaf);
            for (k, direction) in directions.iter().enumerate() {
                add_motion(motions, k, velocity * direction[entry]);
            }
        });
        columns.move_normals(world);
        columns
    }

    /// Normals that follow vertices move as these do.
    fn move_normals(&mut self, world: &World) {
        let Self { points, normals, .. } = self;
        world.normals_of_faces(|corners, at| {
            let [a, b, c] = corners.map(|v| world.vertices[v as usize]);
            // d((b - a) x (c - a)) by each corner: its motion crossed with the side opposite it
            for (corner, side) in corners.iter().zip([b - c, c - a, a - b]) {
                for &(column, motion) in &points[*corner as usize] {
                    for n in at {
                        add_motion(&mut normals[n as usize], column, motion.cross(side));
                    }
                }
            }
        });
    }

    fn empty(layout: &Layout, count: usize) -> Self {
        let blank = |n: usize| vec![Vec::new(); n];
        Self {
            count,
            points: blank(layout.vertices()),
            normals: blank(layout.normals()),
            slots: blank(layout.slots()),
        }
    }

    fn of(&mut self, leaf: Leaf) -> &mut Vec<(usize, V3)> {
        match leaf {
            Leaf::Point(p) => &mut self.points[p as usize],
            Leaf::Normal(n) => &mut self.normals[n as usize],
            Leaf::Slot(s) => &mut self.slots[s as usize],
        }
    }
}

/// All that moves a leaf along one column is one motion.
fn add_motion(motions: &mut Vec<(usize, V3)>, column: usize, velocity: V3) {
    match motions.iter_mut().find(|m| m.0 == column) {
        Some(motion) => motion.1 += velocity,
        None => motions.push((column, velocity)),
    }
}

impl Scene {
    /// All parameters, part by part.
    pub fn parameters(&self) -> Vec<ParameterInfo> {
        self.targets().map(|(t, _)| self.info(t)).collect()
    }

    /// Every parameter with its name: those of cameras first, then of the environment, of lamps, and mesh by mesh.
    fn targets(&self) -> impl Iterator<Item = (Target, String)> + '_ {
        [Group::Cameras, Group::Environment, Group::Lamps, Group::Meshes].into_iter().flat_map(
            move |group| {
                (0..group.parts(self)).flat_map(move |part| {
                    KINDS.iter().enumerate().filter_map(move |(kind, row)| {
                        if row.owner.group() != group {
                            return None;
                        }
                        let name = row.owner.prefix(self, part)? + row.name;
                        let entries = (row.shape)(self, part).iter().product();
                        Some((Target { kind, part, entries }, name))
                    })
                })
            },
        )
    }

    fn info(&self, target: Target) -> ParameterInfo {
        let kind = target.kind();
        let prefix = kind.owner.prefix(self, target.part).unwrap_or_default();
        ParameterInfo {
            name: prefix + kind.name,
            shape: (kind.shape)(self, target.part),
            unit: kind.unit,
            bounds: kind.bounds,
            not_differentiable: match kind.derivative {
                Derivative::By(..) => None,
                Derivative::Not(why) => Some(why),
            },
        }
    }

    fn find(&self, name: &str) -> Result<Target, SceneError> {
        let found = self.targets().find(|t| t.1 == name);
        found.map(|t| t.0).ok_or_else(|| {
            let known: Vec<String> = self.targets().map(|t| t.1).collect();
            SceneError::Unknown { name: name.into(), known: known.join(", ") }
        })
    }

    /// Shape, unit and differentiability of a parameter.
    ///
    /// # Errors
    /// [`SceneError::Unknown`].
    pub fn parameter(&self, name: &str) -> Result<ParameterInfo, SceneError> {
        self.find(name).map(|target| self.info(target))
    }

    /// Whether values of a parameter are finite and within its bounds.
    fn in_bounds(&self, target: Target, values: &[f64]) -> Result<(), SceneError> {
        let (kind, [least, most]) = (target.kind(), target.kind().bounds);
        // the negation refuses a NaN too
        match values.iter().find(|x| !(x.is_finite() && **x >= least && **x <= most)) {
            None => Ok(()),
            Some(&value) => {
                Err(SceneError::Value { name: self.info(target).name, value, why: kind.must })
            }
        }
    }

    /// Whether every number is within its bounds, every camera sees and every lamp shines.
    pub(super) fn check(&self) -> Result<(), SceneError> {
        for (target, _) in self.targets() {
            self.in_bounds(target, &(target.kind().get)(self, target.part))?;
        }
        self.fits()
    }

    /// Whether every camera sees and every lamp shines, on all that its light reaches.
    fn fits(&self) -> Result<(), SceneError> {
        let smooth = self.meshes.iter().find(|m| m.material.is_specular());
        if let (Some(mesh), Some(lamp), 2..) =
            (smooth, self.lamps.first(), self.transport.bounces())
        {
            let [lamp, mesh] = [&lamp.name, &mesh.name].map(Clone::clone);
            return Err(SceneError::Caustic { lamp, mesh });
        }
        self.lamps.iter().try_for_each(super::SceneLamp::check)?;
        self.cameras.iter().try_for_each(|c| c.placed().map(drop))
    }
}
