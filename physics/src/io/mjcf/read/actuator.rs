//! `actuator`: motors, servos, dampers, cylinders, and general actuators.
//!
//! All kinds write to one default, so an actuator is what its class's elements and then its own leave of a motor, one after the
//! other.

use std::f64::consts::PI;

use super::Reader;
use crate::io::mjcf::attributes::{Attributes, Table};
use crate::io::mjcf::defaults::MAIN;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::schema;
use crate::io::mjcf::tree::Element;
use crate::model::{ActivationLaw, ActivationSpec, ActuatorSpec, Drive};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    General,
    Position,
    Velocity,
    IntegratedVelocity,
    Cylinder,
    Other,
}

/// Gain, bias and activation on the way through the elements.
#[derive(Clone, Copy, Debug)]
struct Law {
    /// The shortcut that wrote it last.
    kind: Kind,
    affine_gain: bool,
    gain: [f64; 3],
    affine_bias: bool,
    bias: [f64; 3],
    activation: Option<ActivationLaw>,
    time_constant: f64,
}

impl Law {
    const MOTOR: Self = Self {
        kind: Kind::General,
        affine_gain: false,
        gain: [1.0, 0.0, 0.0],
        affine_bias: false,
        bias: [0.0; 3],
        activation: None,
        time_constant: 1.0,
    };

    /// What an element makes of it.
    fn apply(&mut self, a: &Attributes<'_>, around: &[Self]) -> Result<(), MjcfError> {
        let servo = |kind, gain, bias| Self { kind, gain, affine_bias: true, bias, ..Self::MOTOR };
        let kind = match a.element.tag.as_str() {
            "position" => Kind::Position,
            "intvelocity" => Kind::IntegratedVelocity,
            "velocity" => Kind::Velocity,
            "cylinder" => Kind::Cylinder,
            "general" => Kind::General,
            _ => Kind::Other,
        };
        // a servo keeps the numbers of its own kind and of `general`; where another kind wrote last, those of the nearest class
        // around that has its kind
        if self.kind != Kind::General && kind != Kind::General && self.kind != kind {
            let same = around.iter().rev().find(|law| law.kind == kind);
            *self = same.copied().unwrap_or(Self::MOTOR);
        }
        match a.element.tag.as_str() {
            "motor" => *self = Self { kind, ..Self::MOTOR },
            "position" | "intvelocity" => *self = self.towards_position(a, kind)?,
            "velocity" => {
                let kv = a.number("kv", self.gain[0])?;
                *self = servo(kind, [kv, 0.0, 0.0], [0.0, 0.0, -kv]);
            }
            "damper" => {
                let kv = a.number("kv", -self.gain[2])?;
                *self = Self { kind, affine_gain: true, gain: [0.0, 0.0, -kv], ..Self::MOTOR };
            }
            "cylinder" => {
                let area = match a.number("diameter", -1.0)? {
                    diameter if diameter >= 0.0 => 0.25 * PI * diameter * diameter,
                    _ => a.number("area", self.gain[0])?,
                };
                let law = servo(kind, [area, 0.0, 0.0], three(a, "bias", self.bias)?);
                let time_constant = a.number("timeconst", self.time_constant)?;
                *self = Self { activation: Some(ActivationLaw::Filter), time_constant, ..law };
            }
            _ => {
                if a.has("gaintype") {
                    self.affine_gain = a.choice("gaintype", &["fixed", "affine"])? == "affine";
                }
                if a.has("biastype") {
                    self.affine_bias = a.choice("biastype", &["none", "affine"])? == "affine";
                }
                if a.has("dyntype") {
                    let laws = ["none", "integrator", "filter", "filterexact"];
                    self.activation = match a.choice("dyntype", &laws)? {
                        "integrator" => Some(ActivationLaw::Integrator),
                        "filter" => Some(ActivationLaw::Filter),
                        "filterexact" => Some(ActivationLaw::ExactFilter),
                        _ => None,
                    };
                }
                if let Some([first, ..]) = a.numbers("dynprm", 1, 10)?.as_deref() {
                    self.time_constant = *first;
                }
                self.gain = three(a, "gainprm", self.gain)?;
                self.bias = three(a, "biasprm", self.bias)?;
            }
        }
        Ok(())
    }

    /// A servo towards a position, given or integrated.
    fn towards_position(&self, a: &Attributes<'_>, kind: Kind) -> Result<Self, MjcfError> {
        let kp = a.number("kp", self.gain[0])?;
        let damping = self.servo_damping(a)?;
        // what `general` says of the activation is not a servo's
        let kept = self.activation.filter(|_| self.kind == kind);
        let (mut activation, mut time_constant) = (kept, self.time_constant);
        if a.has("timeconst") {
            time_constant = a.number("timeconst", 0.0)?;
            activation = (time_constant > 0.0).then_some(ActivationLaw::ExactFilter);
        }
        if kind == Kind::IntegratedVelocity {
            activation = Some(ActivationLaw::Integrator);
        }
        let (gain, bias) = ([kp, 0.0, 0.0], [0.0, -kp, damping]);
        Ok(Self {
            kind,
            affine_gain: false,
            gain,
            affine_bias: true,
            bias,
            activation,
            time_constant,
        })
    }

    /// The last number of a servo's bias: minus its damping or, where it is positive, a ratio of damping.
    fn servo_damping(&self, a: &Attributes<'_>) -> Result<f64, MjcfError> {
        for name in ["kv", "dampratio"] {
            if a.number(name, 0.0)? < 0.0 {
                return Err(a.value_error(name, "0 or more"));
            }
        }
        match (a.has("kv"), a.has("dampratio")) {
            (true, true) => {
                let problem = Problem::Both { first: "kv", second: "dampratio" };
                Err(a.error("dampratio", problem))
            }
            (true, false) => Ok(-a.number("kv", 0.0)?),
            (false, true) => a.number("dampratio", 0.0),
            (false, false) => Ok(self.bias[2]),
        }
    }

    fn gain(&self) -> [f64; 3] {
        if self.affine_gain { self.gain } else { [self.gain[0], 0.0, 0.0] }
    }

    fn bias(&self) -> [f64; 3] {
        if self.affine_bias { self.bias } else { [0.0; 3] }
    }
}

/// The first three of up to ten numbers; those that are not given stay.
fn three(a: &Attributes<'_>, name: &str, old: [f64; 3]) -> Result<[f64; 3], MjcfError> {
    let mut all = old;
    for (into, given) in all.iter_mut().zip(a.numbers(name, 1, 10)?.unwrap_or_default()) {
        *into = given;
    }
    Ok(all)
}

/// The activation of an actuator, within `range`.
fn activation(
    a: &Attributes<'_>,
    law: &Law,
    range: Option<[f64; 2]>,
) -> Result<Option<ActivationSpec>, MjcfError> {
    let early = a.choice("actearly", &["false", "true"])? == "true";
    a.neutral("actdim", 1.0)?;
    let Some(follows) = law.activation else {
        // MuJoCo refuses it too
        return match range {
            Some(_) => Err(a.value_error("actrange", "given with a `dyntype`")),
            None => Ok(None),
        };
    };
    if law.kind == Kind::IntegratedVelocity && range.is_none() {
        return Err(a.missing("`actrange`"));
    }
    let filters = follows != ActivationLaw::Integrator;
    let time_constant = if filters { law.time_constant } else { 1.0 };
    Ok(Some(ActivationSpec { range, early, ..ActivationSpec::new(follows, time_constant) }))
}

impl<'t> Reader<'t, '_> {
    pub(super) fn actuators(&mut self, section: &'t Element) {
        for element in self.tree.children(section) {
            let read = self.actuator(element);
            self.keep(read);
        }
    }

    fn actuator(&mut self, element: &'t Element) -> Result<(), MjcfError> {
        let supported =
            ["general", "motor", "position", "velocity", "intvelocity", "damper", "cylinder"];
        if !supported.contains(&element.tag.as_str()) {
            return Err(self.unsupported(element, "actuator"));
        }
        self.own(element, schema::ACTUATOR);
        let class = self.defaults.class(self.tree, element, MAIN)?;
        let classes = class.map(|c| c.actuators.clone()).unwrap_or_default();
        let (mut law, mut table) = (Law::MOTOR, Table::new());
        // the law at the end of each class around
        let mut around = vec![];
        for default in classes.into_iter().filter(|own| !own.is_empty()) {
            for default in default {
                law.apply(&Attributes::new(self.tree, default, None), &around)?;
                table.extend(default.attributes.iter().map(|a| (a.name.as_str(), a)));
            }
            around.push(law);
        }
        law.apply(&Attributes::new(self.tree, element, None), &around)?;
        // what is not of the law holds for every kind
        let a = Attributes::new(self.tree, element, Some(&table));
        for name in ["armature", "damping", "delay", "nsample"] {
            a.neutral(name, 0.0)?;
        }
        let Some(drive) = self.drive(&a)? else { return Ok(()) };
        let automatic = self.compiler.automatic_limits;
        let integrates = law.kind == Kind::IntegratedVelocity;
        let share = a.number("inheritrange", 0.0)?;
        let read = |name: &'static str, limited: &str, inherits: bool| {
            if inherits && share > 0.0 {
                self.inherited(&a, name, drive, share).map(Some)
            } else {
                a.range(name, limited, automatic)
            }
        };
        let range = read("ctrlrange", "ctrllimited", !integrates)?;
        let bounds = read("actrange", "actlimited", integrates)?;
        let activation = activation(&a, &law, bounds)?;
        let spec = ActuatorSpec {
            name: a.name().into(),
            drive,
            gear: a.some("gear", [1.0, 0.0, 0.0, 0.0, 0.0, 0.0])?,
            gain: law.gain(),
            bias: law.bias(),
            range,
            activation,
            force_range: a.range("forcerange", "forcelimited", automatic)?,
        };
        let added = self.builder.actuator(&spec);
        self.built(element, added).map(drop)
    }

    /// The range of what is driven, its width times `share`.
    fn inherited(
        &self,
        a: &Attributes<'t>,
        name: &'static str,
        drive: Drive,
        share: f64,
    ) -> Result<[f64; 2], MjcfError> {
        if a.has(name) {
            let problem = Problem::Both { first: name, second: "inheritrange" };
            return Err(a.error("inheritrange", problem));
        }
        let model = self.builder.so_far();
        let range = match drive {
            Drive::Joint(joint) => model.joints()[joint].range,
            Drive::Tendon(tendon) => model.tendons()[tendon].range,
            _ => None,
        };
        let [least, greatest] =
            range.ok_or_else(|| a.missing("a joint or tendon with a range for `inheritrange`"))?;
        let (middle, half) = (f64::midpoint(least, greatest), 0.5 * share * (greatest - least));
        Ok([middle - half, middle + half])
    }

    /// What it drives; `None` where that could not be read, which is said already.
    fn drive(&self, a: &Attributes<'t>) -> Result<Option<Drive>, MjcfError> {
        let targets = ["joint", "jointinparent", "tendon", "site", "cranksite", "body"];
        let mut given = targets.into_iter().filter(|target| a.has(target));
        if let (Some(first), Some(second)) = (given.next(), given.next()) {
            return Err(a.error(second, Problem::Both { first, second }));
        }
        for (attribute, with) in
            [("refsite", "site"), ("slidersite", "cranksite"), ("cranklength", "cranksite")]
        {
            // the rod of a class is there for those of its actuators that have one
            let own = a.element.attributes.iter().any(|x| x.name == attribute);
            if own && !a.has(with) {
                return Err(a.missing(&format!("`{with}`, to which `{attribute}` belongs")));
            }
        }
        if let Some(name) = a.text("joint") {
            return Ok(self.named(a, "joint", name)?.map(Drive::Joint));
        }
        if let Some(name) = a.text("jointinparent") {
            let Some(joint) = self.named(a, "joint", name)? else { return Ok(None) };
            if self.builder.so_far().joints()[joint].v.1 == 1 {
                return Ok(Some(Drive::Joint(joint)));
            }
        }
        if let Some(name) = a.text("tendon") {
            return Ok(self.named(a, "tendon", name)?.map(Drive::Tendon));
        }
        if a.has("site") {
            let site = self.site_of(a, "site")?;
            return Ok(Some(if a.has("refsite") {
                Drive::SiteAgainst { site, other: self.site_of(a, "refsite")? }
            } else {
                Drive::Site(site)
            }));
        }
        if a.has("cranksite") {
            for needed in ["slidersite", "cranklength"] {
                if !a.has(needed) {
                    return Err(a.missing(&format!("`{needed}`")));
                }
            }
            let (crank, slider) = (self.site_of(a, "cranksite")?, self.site_of(a, "slidersite")?);
            let rod = a.number("cranklength", 0.0)?;
            if rod <= 0.0 {
                return Err(a.value_error("cranklength", "positive"));
            }
            return Ok(Some(Drive::SliderCrank { crank, slider, rod }));
        }
        for attribute in ["jointinparent", "body"] {
            if a.has(attribute) {
                let (attribute_, element) = (attribute.to_owned(), a.element.tag.clone());
                let problem = Problem::Attribute { attribute: attribute_, element };
                return Err(a.error(attribute, problem));
            }
        }
        Err(a.missing("`joint`, `tendon`, `site` or `cranksite`"))
    }

    fn site_of(&self, a: &Attributes<'t>, attribute: &'static str) -> Result<usize, MjcfError> {
        let (model, name) = (self.builder.so_far(), a.text(attribute).unwrap_or_default());
        let known = || model.sites().iter().map(|s| s.name.clone()).collect();
        let unknown = || Problem::Unknown { kind: "site", name: name.into(), known: known() };
        model.site(name).ok_or_else(|| a.error(attribute, unknown()))
    }
}
