//! `sensor`: what is measured. What is not understood is noted and no output.

use super::Reader;
use super::geom::is_clear;
use crate::io::mjcf::attributes::Attributes;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::tree::Element;
use crate::model::{
    FrameReading, InteractionReading, Mount, Reading, Shape, SubtreeReading, sees_the_unknown,
    unmeasured,
};
use cotangent_ad::{Pose, Vec3};

/// What all sensors may have, and what some do.
const KNOWN: &[&str] = &[
    "name", "noise", "user", "cutoff", "delay", "interval", "nsample", "interp", "joint", "tendon",
    "actuator", "site", "body", "objtype", "objname", "reftype", "refname", "camera", "data",
];

/// The element's word for a reading of a frame.
fn frame_reading(tag: &str) -> Option<FrameReading> {
    Some(match tag {
        "framepos" => FrameReading::Position,
        "framexaxis" => FrameReading::Axis(0),
        "frameyaxis" => FrameReading::Axis(1),
        "framezaxis" => FrameReading::Axis(2),
        "framelinvel" => FrameReading::LinearVelocity,
        "frameangvel" => FrameReading::AngularVelocity,
        "framelinacc" => FrameReading::LinearAcceleration,
        "frameangacc" => FrameReading::AngularAcceleration,
        "velocimeter" => FrameReading::Velocimeter,
        "gyro" => FrameReading::Gyro,
        "accelerometer" => FrameReading::Accelerometer,
        _ => return None,
    })
}

/// Why a sensor is no output.
enum NotRead {
    /// What it is of could not be read, which is said already.
    Broken,
    /// It is noted with these words.
    Noted(String),
    Wrong(MjcfError),
}

impl From<MjcfError> for NotRead {
    fn from(error: MjcfError) -> Self {
        Self::Wrong(error)
    }
}

/// The greatest size of a sensor's numbers. 0 is none.
fn cutoff(a: &Attributes<'_>, reading: &Reading) -> Result<Option<f64>, MjcfError> {
    match a.number("cutoff", 0.0)? {
        cutoff if cutoff < 0.0 => Err(a.value_error("cutoff", "0 or more")),
        cutoff if cutoff > 0.0 && reading.is_direction() => {
            Err(a.value_error("cutoff", "no cutoff of an axis or a quaternion"))
        }
        cutoff => Ok((cutoff > 0.0).then_some(cutoff)),
    }
}

/// The accelerations of what stands still are no outputs: MuJoCo has 0 there, where gravity is felt.
fn frame(of: Mount, relative_to: Option<Mount>, what: FrameReading) -> Result<Reading, NotRead> {
    if what.is_acceleration() && of.link.is_none() {
        return Err(NotRead::Noted("acceleration of what stands still: no output".into()));
    }
    Ok(Reading::Frame { of, relative_to, what })
}

impl<'t> Reader<'t, '_> {
    pub(super) fn sensors(&mut self, section: &'t Element) {
        for element in self.tree.children(section) {
            let a = self.own(element, KNOWN);
            let read = self.reading(&a).and_then(|reading| {
                let cutoff = cutoff(&a, &reading)?;
                let added = self.builder.sensor(a.name(), reading, cutoff);
                Ok(self.built(element, added)?)
            });
            match read {
                Ok(_) | Err(NotRead::Broken) => {}
                Err(NotRead::Noted(why)) => self.note(element, &why),
                Err(NotRead::Wrong(error)) => self.problems.push(error),
            }
        }
    }

    fn reading(&self, a: &Attributes<'t>) -> Result<Reading, NotRead> {
        let tag = a.element.tag.as_str();
        let noted = |why: &str| NotRead::Noted(format!("{why}: no output"));
        for (attribute, why) in
            [("delay", "a sensor with a delay"), ("interval", "a sensor with an interval")]
        {
            if a.number(attribute, 0.0)? != 0.0 {
                return Err(noted(why));
            }
        }
        let joint = || self.joint_or_tendon(a, "joint");
        let tendon = || self.joint_or_tendon(a, "tendon");
        let site = || self.mount(a, ["site", "site"]);
        Ok(match tag {
            "jointpos" => Reading::JointPosition(joint()?),
            "jointvel" | "ballangvel" => Reading::JointVelocity(joint()?),
            "jointactuatorfrc" => Reading::JointActuatorForce(joint()?),
            "ballquat" => Reading::BallOrientation(joint()?),
            "tendonpos" => Reading::TendonLength(tendon()?),
            "tendonvel" => Reading::TendonVelocity(tendon()?),
            "actuatorpos" => Reading::ActuatorLength(self.actuator_named(a)?),
            "actuatorvel" => Reading::ActuatorVelocity(self.actuator_named(a)?),
            "actuatorfrc" => Reading::ActuatorForce(self.actuator_named(a)?),
            "velocimeter" | "gyro" | "accelerometer" => {
                let what = frame_reading(tag).ok_or(NotRead::Broken)?;
                frame(site()?, None, what)?
            }
            "magnetometer" => {
                Reading::Magnetometer { of: site()?, field: Vec3(self.magnetic_field) }
            }
            "touch" => self.touch(a, site()?)?,
            "rangefinder" => self.range(a)?,
            "subtreecom" => self.subtree(a, SubtreeReading::Center)?,
            "subtreelinvel" => self.subtree(a, SubtreeReading::LinearVelocity)?,
            "subtreeangmom" => self.subtree(a, SubtreeReading::AngularMomentum)?,
            "force" => self.interaction(a, site()?, InteractionReading::Force)?,
            "torque" => self.interaction(a, site()?, InteractionReading::Torque)?,
            "framequat" => {
                let (of, relative_to) = self.frames(a)?;
                Reading::Orientation { of, relative_to }
            }
            _ => {
                let Some(what) = frame_reading(tag) else {
                    return Err(noted(&format!("sensor `{tag}`")));
                };
                if a.text("objtype") == Some("body") && !matches!(what, FrameReading::Axis(_)) {
                    return self.center(a, what);
                }
                let (of, relative_to) = self.frames(a)?;
                frame(of, relative_to, what)?
            }
        })
    }

    /// The frame that is measured, and that from which it is seen.
    fn frames(&self, a: &Attributes<'t>) -> Result<(Mount, Option<Mount>), NotRead> {
        let of = self.mount(a, [a.text("objtype").unwrap_or_default(), "objname"])?;
        Ok((of, self.seen_from(a)?))
    }

    fn seen_from(&self, a: &Attributes<'t>) -> Result<Option<Mount>, NotRead> {
        a.text("reftype").map(|kind| self.mount(a, [kind, "refname"])).transpose()
    }

    /// What is measured at a body's centre of mass, which has no need of its principal axes.
    fn center(&self, a: &Attributes<'t>, what: FrameReading) -> Result<Reading, NotRead> {
        let weightless = || NotRead::Noted("the centre of what does not weigh: no output".into());
        let body = self.body_of(a, "objname")?.ok_or_else(weightless)?;
        let translation = self.builder.center_so_far(body).ok_or_else(weightless)?;
        let own = &self.builder.so_far().bodies()[body];
        let placement = Pose { translation, ..own.placement };
        frame(Mount { link: own.link, placement }, self.seen_from(a)?, what)
    }

    /// A body that moves, and that neither ties nor spatial tendons pull: their forces belong to MuJoCo's sensor and not to this one.
    fn interaction(
        &self,
        a: &Attributes<'t>,
        at: Mount,
        what: InteractionReading,
    ) -> Result<Reading, NotRead> {
        let noted = |why: &str| NotRead::Noted(format!("sensor of a force on {why}: no output"));
        let model = self.builder.so_far();
        let site = model.site(a.text("site").unwrap_or_default());
        let body = site.and_then(|site| model.sites()[site].body);
        let Some(body) = body else { return Err(noted("what stands still")) };
        if let Some(of) = unmeasured(model, body) {
            return Err(noted(of));
        }
        Ok(Reading::Interaction { body, at, what })
    }

    fn joint_or_tendon(&self, a: &Attributes<'t>, kind: &'static str) -> Result<usize, NotRead> {
        let name = a.text(kind).ok_or_else(|| a.missing(&format!("`{kind}`")))?;
        self.named(a, kind, name)?.ok_or(NotRead::Broken)
    }

    /// The index of a name in a list, or an error with the names that there are.
    fn index(
        &self,
        a: &Attributes<'t>,
        (attribute, kind): (&str, &'static str),
        names: Vec<&str>,
    ) -> Result<usize, NotRead> {
        let name = a.text(attribute).ok_or_else(|| a.missing(&format!("`{attribute}`")))?;
        if let Some(index) = names.iter().position(|n| *n == name) {
            return Ok(index);
        }
        if !self.problems.is_empty() {
            return Err(NotRead::Broken);
        }
        let known = names.into_iter().filter(|n| !n.is_empty()).map(str::to_owned).collect();
        Err(a.error(attribute, Problem::Unknown { kind, name: name.into(), known }).into())
    }

    fn actuator_named(&self, a: &Attributes<'t>) -> Result<usize, NotRead> {
        let model = self.builder.so_far();
        let names = model.actuators().iter().map(|x| x.name.as_str()).collect();
        self.index(a, ("actuator", "actuator"), names)
    }

    /// The body that an attribute names; `None` for the world.
    fn body_of(&self, a: &Attributes<'t>, attribute: &str) -> Result<Option<usize>, NotRead> {
        let name = a.text(attribute).ok_or_else(|| a.missing(&format!("`{attribute}`")))?;
        match self.body_named(a, attribute, name) {
            Err(_) if !self.problems.is_empty() => Err(NotRead::Broken),
            found => Ok(found?),
        }
    }

    /// The frame of an object of a kind whose name the attribute has.
    fn mount(&self, a: &Attributes<'t>, [kind, attribute]: [&str; 2]) -> Result<Mount, NotRead> {
        let model = self.builder.so_far();
        match kind {
            "site" => {
                let names = model.sites().iter().map(|s| s.name.as_str()).collect();
                let site = &model.sites()[self.index(a, (attribute, "site"), names)?];
                Ok(Mount { link: site.link, placement: site.placement })
            }
            "geom" => {
                let names = model.geoms().iter().map(|g| g.name.as_str()).collect();
                let geom = &model.geoms()[self.index(a, (attribute, "geom"), names)?];
                let link = geom.body.and_then(|b| model.bodies()[b].link);
                Ok(Mount { link, placement: geom.placement })
            }
            "xbody" => Ok(match self.body_of(a, attribute)? {
                Some(body) => {
                    let body = &model.bodies()[body];
                    Mount { link: body.link, placement: body.placement }
                }
                None => Mount { link: None, placement: Pose::identity() },
            }),
            "" => Err(a.missing("`objtype`").into()),
            _ => Err(NotRead::Noted(format!("a sensor of a frame of type `{kind}`: no output"))),
        }
    }

    fn touch(&self, a: &Attributes<'t>, at: Mount) -> Result<Reading, NotRead> {
        let name = a.text("site").unwrap_or_default();
        let model = self.builder.so_far();
        let body = model.site(name).and_then(|site| model.sites()[site].body);
        let volume = self.volumes.get(name).copied();
        let volume: Shape = volume.ok_or_else(|| {
            NotRead::Noted(format!("touch sensor of site `{name}`, which is a mesh: no output"))
        })?;
        Ok(Reading::Touch { body, at, volume })
    }

    /// A ray that sees everything there is to see: all meshes and height fields are read, and nothing is said of clear materials.
    fn range(&self, a: &Attributes<'t>) -> Result<Reading, NotRead> {
        let noted = |why: &str| NotRead::Noted(format!("rangefinder {why}: no output"));
        if a.has("camera") || a.text("data").is_some_and(|data| data.trim() != "dist") {
            return Err(noted("of a camera, or of more than a distance"));
        }
        let of = self.mount(a, ["site", "site"])?;
        let model = self.builder.so_far();
        let site = model.site(a.text("site").unwrap_or_default());
        let body = site.and_then(|site| model.sites()[site].body);
        if sees_the_unknown(model, body) || self.hides_from(body) {
            return Err(noted("in sight of a mesh or a height field that is not read"));
        }
        if self.tree.tagged("material").any(|m| m.get("rgba").is_some_and(is_clear)) {
            return Err(noted("among materials that are clear"));
        }
        Ok(Reading::Range { of, body })
    }

    /// A body with joints of its own: what is fixed to another has its inertia in that one's.
    fn subtree(&self, a: &Attributes<'t>, what: SubtreeReading) -> Result<Reading, NotRead> {
        let bodies = self.builder.so_far().bodies();
        let body = self.body_of(a, "body")?;
        let link = body.and_then(|b| bodies[b].link);
        let first = link.and_then(|l| bodies.iter().position(|b| b.link == Some(l)));
        match link {
            Some(link) if first == body => Ok(Reading::Subtree { link, what }),
            _ => {
                let name = a.text("body").unwrap_or_default();
                let why =
                    format!("sensor of the subtree of `{name}`, which has no joint: no output");
                Err(NotRead::Noted(why))
            }
        }
    }
}
