//! `tendon`: fixed and spatial tendons.

use super::Reader;
use super::contact::softness;
use crate::io::mjcf::defaults::MAIN;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::schema;
use crate::io::mjcf::tree::Element;
use crate::io::model_file::Effect;
use crate::model::{StopSpec, TendonSpec, Waypoint};

impl<'t> Reader<'t, '_> {
    pub(super) fn tendons(&mut self, section: &'t Element) {
        for element in self.tree.children(section) {
            let name = element.get("name").unwrap_or_default();
            let read = match element.tag.as_str() {
                "fixed" | "spatial" => self.tendon(element),
                _ => Err(self.unsupported(element, "tendon")),
            };
            let index = self.keep(read).flatten();
            self.tendons.insert(name, index);
        }
    }

    /// `None` where one of its joints or sites could not be read, which is said already.
    fn tendon(&mut self, element: &'t Element) -> Result<Option<usize>, MjcfError> {
        let a = self.with_class(element, ("tendon", MAIN), schema::TENDON)?;
        a.neutral("armature", 0.0)?;
        let automatic = self.compiler.automatic_limits;
        if a.range("actuatorfrcrange", "actuatorfrclimited", automatic)?.is_some() {
            let (attribute, element) = ("actuatorfrcrange".into(), element.tag.clone());
            return Err(a.error("actuatorfrcrange", Problem::Attribute { attribute, element }));
        }
        let spec = if element.tag == "fixed" { self.over(element) } else { self.route(element) }?;
        let Some(spec) = spec else { return Ok(None) };
        let rest = match a.numbers("springlength", 1, 2)?.as_deref() {
            // MuJoCo's way to ask for the length at rest
            None | Some([-1.0] | [-1.0, -1.0]) => None,
            Some([least, greatest]) => Some([*least, *greatest]),
            Some(one) => Some([one[0]; 2]),
        };
        let range = a.range("range", "limited", automatic)?;
        let stop = StopSpec {
            margin: a.number("margin", 0.0)?,
            softness: softness(&a, ["solreflimit", "solimplimit"])?,
        };
        let loss = a.number("frictionloss", 0.0)?;
        let spec = TendonSpec {
            stiffness: a.number("stiffness", 0.0)?,
            damping: a.number("damping", 0.0)?,
            rest,
            range,
            stop: if self.disabled.contains(&Effect::Limits) { None } else { Some(stop) },
            friction_loss: if self.disabled.contains(&Effect::FrictionLoss) { 0.0 } else { loss },
            friction: softness(&a, ["solreffriction", "solimpfriction"])?,
            name: a.name().into(),
            ..spec
        };
        let added = self.builder.tendon(&spec);
        self.built(element, added).map(Some)
    }

    /// The joints of a fixed tendon.
    fn over(&mut self, element: &'t Element) -> Result<Option<TendonSpec>, MjcfError> {
        let mut joints = vec![];
        for child in self.tree.children(element) {
            if child.tag != "joint" {
                return Err(self.unsupported(child, "fixed"));
            }
            let part = self.own(child, &["joint", "coef"]);
            let name = part.text("joint").ok_or_else(|| part.missing("`joint`"))?;
            let Some(joint) = self.named(&part, "joint", name)? else { return Ok(None) };
            joints.push((joint, part.number("coef", 0.0)?));
        }
        Ok(Some(TendonSpec::new("", joints)))
    }

    /// The way of a spatial tendon.
    fn route(&mut self, element: &'t Element) -> Result<Option<TendonSpec>, MjcfError> {
        let mut route = vec![];
        for child in self.tree.children(element) {
            match child.tag.as_str() {
                "site" => {
                    let part = self.own(child, &["site"]);
                    let name = part.text("site").ok_or_else(|| part.missing("`site`"))?;
                    let Some(site) = self.site_named(&part, name)? else { return Ok(None) };
                    route.push(Waypoint::Site(site));
                }
                "pulley" => {
                    let part = self.own(child, &["divisor"]);
                    let divisor = part.number("divisor", 0.0)?;
                    if divisor <= 0.0 {
                        return Err(part.value_error("divisor", "a positive number"));
                    }
                    route.push(Waypoint::Pulley(divisor));
                }
                "geom" => {
                    let part = self.own(child, &["geom", "sidesite"]);
                    let name = part.text("geom").ok_or_else(|| part.missing("`geom`"))?;
                    let Some(geom) = self.geom_named(&part, name)? else { return Ok(None) };
                    let side = match part.text("sidesite") {
                        None => None,
                        Some(name) => match self.site_named(&part, name)? {
                            Some(site) => Some(site),
                            None => return Ok(None),
                        },
                    };
                    route.push(Waypoint::Geom { geom, side });
                }
                _ => return Err(self.unsupported(child, "spatial")),
            }
        }
        Ok(Some(TendonSpec::spatial("", route)))
    }

    /// The geom of a name; `None` where the file has errors that may be why there is none.
    fn geom_named(
        &self,
        a: &crate::io::mjcf::attributes::Attributes<'t>,
        name: &str,
    ) -> Result<Option<usize>, MjcfError> {
        let geoms = self.builder.so_far().geoms();
        match geoms.iter().position(|geom| geom.name == name) {
            Some(geom) => Ok(Some(geom)),
            None if !self.problems.is_empty() => Ok(None),
            None => {
                let names = geoms.iter().map(|g| g.name.clone());
                let known = names.filter(|n| !n.is_empty()).collect();
                Err(a.error("geom", Problem::Unknown { kind: "geom", name: name.into(), known }))
            }
        }
    }

    /// The site of a name; `None` where the file has errors that may be why there is none.
    fn site_named(
        &self,
        a: &crate::io::mjcf::attributes::Attributes<'t>,
        name: &str,
    ) -> Result<Option<usize>, MjcfError> {
        let model = self.builder.so_far();
        match model.site(name) {
            Some(site) => Ok(Some(site)),
            None if !self.problems.is_empty() => Ok(None),
            None => {
                let names = model.sites().iter().map(|s| s.name.clone());
                let known = names.filter(|n| !n.is_empty()).collect();
                Err(a.error("site", Problem::Unknown { kind: "site", name: name.into(), known }))
            }
        }
    }

    /// The joint or tendon of a name; `None` where it could not be read, which is said already.
    pub(super) fn named(
        &self,
        a: &crate::io::mjcf::attributes::Attributes<'t>,
        kind: &'static str,
        name: &str,
    ) -> Result<Option<usize>, MjcfError> {
        let all = if kind == "joint" { &self.joints } else { &self.tendons };
        all.get(name).copied().ok_or_else(|| {
            let known = all.keys().map(|k| (*k).to_owned()).collect();
            a.error(kind, Problem::Unknown { kind, name: name.into(), known })
        })
    }
}
