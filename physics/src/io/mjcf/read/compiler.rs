//! `compiler`: how the file is to be understood.

use super::Reader;
use crate::io::mjcf::error::MjcfError;
use crate::io::mjcf::place::Angles;
use crate::io::mjcf::schema;
use crate::io::mjcf::tree::Element;

/// Settings of the reader.
#[derive(Clone, Debug)]
pub(super) struct Compiler {
    pub(super) angles: Angles,
    pub(super) automatic_limits: bool,
    pub(super) inertia_from_geoms: &'static str,
    /// Groups of the geoms that weigh.
    pub(super) weighing_groups: [f64; 2],
    pub(super) total_mass: Option<f64>,
    pub(super) balance_inertia: bool,
    pub(super) least_mass: f64,
    pub(super) least_inertia: f64,
    pub(super) mesh_folder: String,
    pub(super) strip_path: bool,
}

impl Default for Compiler {
    fn default() -> Self {
        Self {
            angles: Angles { unit: 1.0_f64.to_radians(), sequence: ['x', 'y', 'z'] },
            automatic_limits: true,
            inertia_from_geoms: "auto",
            weighing_groups: [f64::NEG_INFINITY, f64::INFINITY],
            total_mass: None,
            balance_inertia: false,
            least_mass: 0.0,
            least_inertia: 0.0,
            mesh_folder: String::new(),
            strip_path: false,
        }
    }
}

impl<'t> Reader<'t, '_> {
    pub(super) fn compiler(&mut self, element: &'t Element) -> Result<(), MjcfError> {
        let a = self.own(element, schema::COMPILER);
        for child in self.tree.children(element) {
            // ranges of actuators' lengths: what only muscles need
            if child.tag != "lengthrange" {
                let problem = self.unsupported(child, "compiler");
                self.problems.push(problem);
            }
        }
        // a second section changes what it says and keeps the rest
        let c = &mut self.compiler;
        if a.has("angle") {
            let radian = a.choice("angle", &["degree", "radian"])? == "radian";
            c.angles.unit = if radian { 1.0 } else { 1.0_f64.to_radians() };
        }
        a.choice("coordinate", &["local"])?;
        a.choice("alignfree", &["false"])?;
        a.choice("fusestatic", &["false", "true"])?;
        if a.has("autolimits") {
            c.automatic_limits = a.choice("autolimits", &["true", "false"])? == "true";
        }
        if a.has("inertiafromgeom") {
            c.inertia_from_geoms = a.choice("inertiafromgeom", &["auto", "true", "false"])?;
        }
        if a.has("balanceinertia") {
            c.balance_inertia = a.choice("balanceinertia", &["false", "true"])? == "true";
        }
        if a.has("strippath") {
            c.strip_path = a.choice("strippath", &["false", "true"])? == "true";
        }
        if a.has("exactmeshinertia") {
            a.choice("exactmeshinertia", &["true"])?;
        }
        c.weighing_groups = a.array::<2>("inertiagrouprange")?.unwrap_or(c.weighing_groups);
        c.least_mass = a.number("boundmass", c.least_mass)?;
        c.least_inertia = a.number("boundinertia", c.least_inertia)?;
        if let Some([total]) = a.array::<1>("settotalmass")? {
            c.total_mass = Some(total).filter(|m| *m > 0.0);
        }
        if let Some(folder) = a.text("meshdir").or(a.text("assetdir")) {
            c.mesh_folder = folder.into();
        }
        if let Some(text) = a.text("eulerseq") {
            let axes: Vec<char> = text.chars().collect();
            match axes[..] {
                [x, y, z] if axes.iter().all(|c| "xyzXYZ".contains(*c)) => {
                    c.angles.sequence = [x, y, z];
                }
                _ => return Err(a.value_error("eulerseq", "three letters of xyzXYZ")),
            }
        }
        Ok(())
    }
}
