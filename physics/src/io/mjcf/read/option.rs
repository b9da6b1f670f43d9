//! `option` and `flag`: gravity, the fluid around, the step, and what is turned off.

use super::Reader;
use crate::integrate::Integrator;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::schema;
use crate::io::mjcf::tree::Element;
use crate::io::model_file::Effect;
use crate::model::Cone;

impl<'t> Reader<'t, '_> {
    pub(super) fn option(&mut self, element: &'t Element) -> Result<(), MjcfError> {
        let a = self.own(element, schema::OPTION);
        for child in self.tree.children(element) {
            if child.tag == "flag" {
                let read = self.flag(child);
                self.keep(read);
            } else {
                let problem = self.unsupported(child, "option");
                self.problems.push(problem);
            }
        }
        self.options.dt = a.number("timestep", self.options.dt)?;
        if self.options.dt <= 0.0 {
            let value = a.text("timestep").unwrap_or_default().to_owned();
            let (attribute, expected) = ("timestep".to_owned(), "a positive number".to_owned());
            return Err(a.error("timestep", Problem::Numbers { attribute, value, expected }));
        }
        if let Some(gravity) = a.array::<3>("gravity")? {
            let set = self.builder.gravity(gravity);
            self.built(element, set)?;
        }
        let [density, viscosity] = self.builder.so_far().parameters().fluid;
        let (density, viscosity) =
            (a.number("density", density)?, a.number("viscosity", viscosity)?);
        let set = self.builder.fluid(density, viscosity);
        self.built(element, set)?;
        self.cone = if a.choice("cone", &["pyramidal", "elliptic"])? == "elliptic" {
            Cone::Elliptic
        } else if a.has("cone") {
            Cone::Pyramidal
        } else {
            self.cone
        };
        self.friction_impedance = a.number("impratio", self.friction_impedance)?;
        if let Some(field) = a.array::<3>("magnetic")? {
            self.magnetic_field = field;
        }
        a.neutral("noslip_iterations", 0.0)?;
        a.neutral("wind", 0.0)?;
        if a.has("integrator") {
            let damped = self.options.integrator != Integrator::EulerExplicitDamping;
            self.options.integrator =
                match a.choice("integrator", &["Euler", "RK4", "implicitfast"])? {
                    "implicitfast" => Integrator::ImplicitFast,
                    "RK4" => Integrator::RungeKutta4,
                    _ if damped => Integrator::Euler,
                    _ => Integrator::EulerExplicitDamping,
                };
        }
        if a.text("actuatorgroupdisable").is_some_and(|groups| !groups.trim().is_empty()) {
            return Err(a.value_error("actuatorgroupdisable", "no group"));
        }
        Ok(())
    }

    fn flag(&mut self, element: &'t Element) -> Result<(), MjcfError> {
        let a = self.own(element, schema::FLAG);
        let disabled = |name: &str| Ok(a.choice(name, &["enable", "disable"])? == "disable");
        let all = [Effect::Contact, Effect::Limits, Effect::FrictionLoss, Effect::Equality];
        for effect in all {
            if disabled(effect.name())? || disabled("constraint")? {
                self.disabled.insert(effect);
            }
        }
        if disabled("filterparent")? {
            self.neighbours_touch();
        }
        if disabled("refsafe")? {
            self.guarded = false;
        }
        for name in ["override", "diagexact", "sleep"] {
            a.choice(name, &["disable"])?;
        }
        // the forces themselves are not turned off by a flag here
        for name in ["passive", "spring", "damper", "actuation", "clampctrl"] {
            a.choice(name, &["enable"])?;
        }
        if disabled("eulerdamp")? && self.options.integrator == Integrator::Euler {
            self.options.integrator = Integrator::EulerExplicitDamping;
        }
        if disabled("gravity")? {
            let set = self.builder.gravity([0.0; 3]);
            self.built(element, set)?;
        }
        Ok(())
    }
}
