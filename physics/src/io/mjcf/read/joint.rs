//! `joint` and `freejoint`.

use super::Reader;
use super::body::{Content, through};
use super::contact::softness;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::schema;
use crate::io::model_file::Effect;
use crate::model::{JointSpec, Mobility, StopSpec};

impl<'t> Reader<'t, '_> {
    pub(super) fn joint(&mut self, content: &Content<'t>) -> Result<JointSpec, MjcfError> {
        let element = content.element;
        if element.tag == "freejoint" {
            let a = self.own(element, &["name", "align"]);
            a.choice("align", &["auto", "false"])?;
            return Ok(JointSpec::new(a.name(), Mobility::Free));
        }
        let a = self.with_class(element, ("joint", content.class), schema::JOINT)?;
        let (anchor, axis) = (
            a.array::<3>("pos")?.unwrap_or_default(),
            a.array::<3>("axis")?.unwrap_or([0.0, 0.0, 1.0]),
        );
        let [anchor, axis] = through(&content.frame, anchor, axis);
        let mobility = match a.choice("type", &["hinge", "slide", "ball", "free"])? {
            "hinge" => Mobility::Hinge(axis),
            "slide" => Mobility::Slide(axis),
            "ball" => Mobility::Ball,
            _ => Mobility::Free,
        };
        let hinge = matches!(mobility, Mobility::Hinge(_));
        let free = mobility == Mobility::Free;
        let unit = if hinge { self.compiler.angles.unit } else { 1.0 };
        let turning = if mobility == Mobility::Ball { self.compiler.angles.unit } else { unit };
        let automatic = self.compiler.automatic_limits;
        let range = a.range("range", "limited", automatic)?;
        if free && range.is_some() {
            let (attribute, element) = ("range of a free joint".into(), "joint".into());
            return Err(a.error("range", Problem::Attribute { attribute, element }));
        }
        let force_range = a.range("actuatorfrcrange", "actuatorfrclimited", automatic)?;
        if a.choice("actuatorgravcomp", &["false", "true"])? == "true" && force_range.is_some() {
            let problem = Problem::Both { first: "actuatorgravcomp", second: "actuatorfrcrange" };
            return Err(a.error("actuatorgravcomp", problem));
        }
        a.neutral("springdamper", 0.0)?;
        let margin = a.number("margin", 0.0)? * turning;
        let stop = StopSpec { margin, softness: softness(&a, ["solreflimit", "solimplimit"])? };
        let loss = a.number("frictionloss", 0.0)?;
        let [damping, damping_1, damping_2] = a.some("damping", [0.0; 3])?;
        let [stiffness, stiffness_1, stiffness_2] = a.some("stiffness", [0.0; 3])?;
        Ok(JointSpec {
            name: a.name().into(),
            mobility,
            anchor: if free { [0.0; 3] } else { anchor },
            reference: a.number("ref", 0.0)? * unit,
            damping,
            damping_poly: [damping_1, damping_2],
            armature: a.number("armature", 0.0)?,
            stiffness,
            stiffness_poly: [stiffness_1, stiffness_2],
            rest: a.number("springref", 0.0)? * unit,
            range: range.map(|r| r.map(|x| x * turning)),
            force_range,
            stop: if self.disabled.contains(&Effect::Limits) { None } else { Some(stop) },
            friction_loss: if self.disabled.contains(&Effect::FrictionLoss) { 0.0 } else { loss },
            friction: softness(&a, ["solreffriction", "solimpfriction"])?,
        })
    }
}
