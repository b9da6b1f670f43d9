//! From the elements to the model.

mod actuator;
mod body;
mod compiler;
mod contact;
mod geom;
mod height_field;
mod joint;
mod keyframe;
mod mesh;
mod option;
mod sensor;
mod tendon;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::attributes::{Attributes, unknown};
use super::defaults::Defaults;
use super::error::{MjcfError, MjcfErrors, Problem};
use super::files::{Files, Folder, NoFiles};
use super::tree::{Element, Tree};
use crate::integrate::{Integrator, StepOptions};
use crate::io::model_file::{Effect, ModelFile, Note, Unsimulated};
use crate::model::{BuildError, Cone, ConstraintOptions, ModelBuilder, Shape, with_damping_ratios};
use compiler::Compiler;
use contact::Collisions;
use mesh::Mesh;

/// Reads a model that names no other files.
///
/// ```
/// let text = r#"<mujoco><worldbody><body name="pole">
///   <joint name="pivot" type="hinge" axis="0 1 0"/>
///   <geom type="capsule" fromto="0 0 0 0 0 -1" size="0.02" mass="1"/>
/// </body></worldbody></mujoco>"#;
/// let read = cotangent_physics::io::mjcf::read_mjcf(text)?;
/// assert_eq!(read.model.nv(), 1);
/// let errors = cotangent_physics::io::mjcf::read_mjcf(&text.replace("hinge", "gimbal")).unwrap_err();
/// assert_eq!(errors.0[0].line, 2);
/// # Ok::<(), cotangent_physics::io::mjcf::MjcfErrors>(())
/// ```
///
/// # Errors
/// All that is not well-formed, not supported, or has no meaning, each with its place.
pub fn read_mjcf(text: &str) -> Result<ModelFile, MjcfErrors> {
    read_mjcf_with(text, &mut NoFiles)
}

/// Reads the model of a file, and the files that it names, beside it.
///
/// # Errors
/// As [`read_mjcf`]'s.
pub fn read_mjcf_file(path: &Path) -> Result<ModelFile, MjcfErrors> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let problem = Problem::File { name: path.display().to_string(), why: e.to_string() };
        let problem = Box::new(problem);
        MjcfErrors(vec![MjcfError { problem, file: None, span: 0..0, line: 1, column: 1 }])
    })?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    read_mjcf_with(&text, &mut Folder(folder))
}

/// Reads a model whose other files `files` opens.
///
/// # Errors
/// As [`read_mjcf`]'s.
pub fn read_mjcf_with(text: &str, files: &mut dyn Files) -> Result<ModelFile, MjcfErrors> {
    let tree = Tree::read(text, files).map_err(MjcfErrors)?;
    let mut reader = Reader {
        tree: &tree,
        files,
        builder: ModelBuilder::new(),
        defaults: Defaults::default(),
        compiler: Compiler::default(),
        options: StepOptions { dt: 0.002, integrator: Integrator::Euler },
        disabled: BTreeSet::new(),
        meshes: BTreeMap::new(),
        height_fields: BTreeMap::new(),
        joints: BTreeMap::new(),
        tendons: BTreeMap::new(),
        volumes: BTreeMap::new(),
        collisions: Collisions::default(),
        cone: Cone::default(),
        friction_impedance: 1.0,
        magnetic_field: [0.0, -0.5, 0.0],
        guarded: true,
        unsimulated: BTreeMap::new(),
        notes: vec![],
        problems: vec![],
    };
    reader.sections();
    reader.finish()
}

struct Reader<'t, 'f> {
    tree: &'t Tree,
    files: &'f mut dyn Files,
    builder: ModelBuilder,
    defaults: Defaults<'t>,
    compiler: Compiler,
    options: StepOptions,
    /// Effects that the file turns off.
    disabled: BTreeSet<Effect>,
    meshes: BTreeMap<&'t str, Mesh<'t>>,
    height_fields: BTreeMap<&'t str, &'t Element>,
    /// Joints and tendons by name; `None` where one could not be read.
    joints: BTreeMap<&'t str, Option<usize>>,
    tendons: BTreeMap<&'t str, Option<usize>>,
    /// Volumes of the sites that have one.
    volumes: BTreeMap<&'t str, Shape>,
    collisions: Collisions<'t>,
    cone: Cone,
    friction_impedance: f64,
    /// What magnetometers see, in world axes, T.
    magnetic_field: [f64; 3],
    /// Whether constraints are no faster than the step allows.
    guarded: bool,
    unsimulated: BTreeMap<Effect, Unsimulated>,
    notes: Vec<Note>,
    problems: Vec<MjcfError>,
}

impl<'t> Reader<'t, '_> {
    /// The attributes of an element without defaults; those that it may not have are reported.
    fn own(&mut self, element: &'t Element, known: &'t [&'t str]) -> Attributes<'t> {
        self.problems.extend(unknown(self.tree, element, known));
        Attributes::new(self.tree, element, None)
    }

    /// The attributes of an element over the defaults of its class, whose table is `tag`'s.
    fn with_class(
        &mut self,
        element: &'t Element,
        (tag, around): (&str, &'t str),
        known: &'t [&'t str],
    ) -> Result<Attributes<'t>, MjcfError> {
        self.problems.extend(unknown(self.tree, element, known));
        let class = self.defaults.class(self.tree, element, around)?;
        Ok(Attributes::new(self.tree, element, class.and_then(|c| c.table(tag))))
    }

    fn unsupported(&self, element: &Element, parent: &str) -> MjcfError {
        let problem = Problem::Element { element: element.tag.clone(), parent: parent.into() };
        self.tree.error(&element.place, problem)
    }

    fn keep<T>(&mut self, r: Result<T, MjcfError>) -> Option<T> {
        r.map_err(|e| self.problems.push(e)).ok()
    }

    /// Whether the file measures distances along rays.
    fn has_rays(&self) -> bool {
        self.tree.tagged("rangefinder").next().is_some()
    }

    /// Once a message.
    fn note(&mut self, element: &Element, message: &str) {
        if self.notes.iter().all(|n| n.message != message) {
            let (file, line) = (self.tree.file(&element.place), self.tree.line(&element.place));
            self.notes.push(Note { message: message.into(), file, line });
        }
    }

    /// The first element that enables an effect, where the file does not turn it off.
    fn enables(&mut self, element: &Element, what: Effect, which: Option<String>) {
        if !self.disabled.contains(&what) && !self.unsimulated.contains_key(&what) {
            let (file, line) = (self.tree.file(&element.place), self.tree.line(&element.place));
            self.unsimulated.insert(what, Unsimulated { what, which, file, line });
        }
    }

    fn built<T>(&self, element: &Element, r: Result<T, BuildError>) -> Result<T, MjcfError> {
        r.map_err(|e| self.tree.error(&element.place, e.into()))
    }

    /// Settings, assets and defaults first: they hold for the whole file, wherever they stand.
    fn sections(&mut self) {
        let tree = self.tree;
        let root = tree.element(0);
        self.own(root, &["model"]);
        let sections = || tree.children(root);
        for section in sections() {
            match section.tag.as_str() {
                "compiler" => {
                    let read = self.compiler(section);
                    self.keep(read);
                }
                "option" => {
                    let read = self.option(section);
                    self.keep(read);
                }
                "default" => self.defaults.read(tree, section, &mut self.problems),
                // read below, or only looked at
                "asset" | "worldbody" | "contact" | "equality" | "tendon" | "actuator"
                | "sensor" | "keyframe" | "visual" | "statistic" | "size" | "custom" => {}
                "extension" | "deformable" if section.children.is_empty() => {}
                _ => {
                    let problem = self.unsupported(section, "mujoco");
                    self.problems.push(problem);
                }
            }
        }
        for pass in ["asset", "worldbody", "contact", "tendon", "equality", "actuator", "sensor"] {
            for section in sections().filter(|s| s.tag == pass) {
                match pass {
                    "asset" => self.assets(section),
                    "worldbody" => self.world(section),
                    "contact" => self.contact(section),
                    "equality" => self.equality(section),
                    "tendon" => self.tendons(section),
                    "actuator" => self.actuators(section),
                    _ => self.sensors(section),
                }
            }
        }
    }

    fn finish(mut self) -> Result<ModelFile, MjcfErrors> {
        let root = self.tree.element(0);
        if self.problems.is_empty()
            && let Some(total) = self.compiler.total_mass
        {
            let set = self.builder.total_mass(total);
            let set = self.built(root, set);
            self.keep(set);
        }
        if !self.problems.is_empty() {
            return Err(MjcfErrors(self.problems));
        }
        let least = if self.guarded { 2.0 * self.options.dt } else { 0.0 };
        let (cone, friction_impedance) = (self.cone, self.friction_impedance);
        let options = ConstraintOptions { cone, friction_impedance, least_time_constant: least };
        let set = self.builder.constraint_options(options);
        let built = std::mem::take(&mut self.builder);
        let built = set.and_then(|()| built.build_in_part());
        let (model, touching) = match self.built(root, built) {
            Ok((model, touching)) => (with_damping_ratios(model), touching),
            Err(e) => return Err(MjcfErrors(vec![e])),
        };
        if let Some((element, which)) = self.collisions.unsimulated(&model, &touching) {
            self.enables(self.tree.element(element), Effect::Contact, Some(which));
        }
        let keyframes = self.keyframes(&model);
        if !self.problems.is_empty() {
            return Err(MjcfErrors(self.problems));
        }
        let name = root.get("model").map(str::to_owned);
        let unsimulated = self.unsimulated.into_values().collect();
        let (options, notes) = (self.options, self.notes);
        Ok(ModelFile { name, model, options, keyframes, unsimulated, notes })
    }
}
