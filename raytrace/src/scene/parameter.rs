//! Parameters by name, and how derivatives by points and slots become derivatives by them.

use super::kind::{Derivative, KINDS, Kind, Moves, Owner};
use super::slot::{Layout, Leaf};
use super::{Scene, SceneError, Wanted};
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
        scene.cameras.iter().try_for_each(|c| c.placed().map(drop))
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
        }
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

    /// Derivatives by the parameters from those by points and slots.
    pub(crate) fn pull_back(
        &self,
        scene: &Scene,
        layout: &Layout,
        points: &[V3],
        slots: &[V3],
    ) -> Vec<f64> {
        let mut sums = vec![0.0; self.dim()];
        self.spread(scene, layout, |entry, leaf, velocity| {
            let bar = match leaf {
                Leaf::Point(p) => points[p as usize],
                Leaf::Slot(s) => slots[s as usize],
            };
            sums[entry] += bar.dot(velocity);
        });
        sums
    }
}

/// What each of some directions in the space of a selection moves, by leaf.
pub(crate) struct Columns {
    pub(crate) count: usize,
    /// Of each vertex of the world: directions that move it, and its velocities.
    pub(crate) points: Vec<Vec<(usize, V3)>>,
    /// The same of each slot.
    pub(crate) slots: Vec<Vec<(usize, V3)>>,
}

impl Columns {
    /// One column for every entry.
    pub(crate) fn entries(scene: &Scene, layout: &Layout, selection: &Selection) -> Self {
        let mut columns = Self::empty(layout, selection.dim());
        selection.spread(scene, layout, |entry, leaf, velocity| {
            columns.of(leaf).push((entry, velocity));
        });
        columns
    }

    /// One column for every direction, of as many numbers as the selection has entries.
    pub(crate) fn directions(
        scene: &Scene,
        layout: &Layout,
        selection: &Selection,
        directions: &[&[f64]],
    ) -> Self {
        let mut columns = Self::empty(layout, directions.len());
        selection.spread(scene, layout, |entry, leaf, velocity| {
            let motions = columns.of(leaf);
            for (k, direction) in directions.iter().enumerate() {
                let velocity = velocity * direction[entry];
                // all entries that move a leaf along one direction are one motion
                match motions.iter_mut().find(|m| m.0 == k) {
                    Some(motion) => motion.1 += velocity,
                    None => motions.push((k, velocity)),
                }
            }
        });
        columns
    }

    fn empty(layout: &Layout, count: usize) -> Self {
        let blank = |n: usize| vec![Vec::new(); n];
        Self { count, points: blank(layout.vertices()), slots: blank(layout.slots()) }
    }

    fn of(&mut self, leaf: Leaf) -> &mut Vec<(usize, V3)> {
        match leaf {
            Leaf::Point(p) => &mut self.points[p as usize],
            Leaf::Slot(s) => &mut self.slots[s as usize],
        }
    }
}

impl Scene {
    /// All parameters, part by part.
    pub fn parameters(&self) -> Vec<ParameterInfo> {
        self.targets().map(|(t, _)| self.info(t)).collect()
    }

    /// Every parameter with its name: those of cameras first, then mesh by mesh.
    fn targets(&self) -> impl Iterator<Item = (Target, String)> + '_ {
        let of = move |camera: bool| {
            let parts = if camera { self.cameras.len() } else { self.meshes.len() };
            (0..parts).flat_map(move |part| {
                KINDS.iter().enumerate().filter_map(move |(kind, row)| {
                    if (row.owner == Owner::Camera) != camera {
                        return None;
                    }
                    let name = row.owner.prefix(self, part)? + row.name;
                    let entries = (row.shape)(self, part).iter().product();
                    Some((Target { kind, part, entries }, name))
                })
            })
        };
        of(true).chain(of(false))
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

    /// Whether every number is within its bounds and every camera sees.
    pub(super) fn check(&self) -> Result<(), SceneError> {
        for (target, _) in self.targets() {
            self.in_bounds(target, &(target.kind().get)(self, target.part))?;
        }
        self.cameras.iter().try_for_each(|c| c.placed().map(drop))
    }
}
