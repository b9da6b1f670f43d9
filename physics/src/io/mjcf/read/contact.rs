//! `contact` and `equality`, surfaces of geoms, and what of them is not simulated.

use std::collections::BTreeMap;

use cotangent_ad::{Mat3, Pose, Quat, Vec3};

use super::Reader;
use super::geom::is_seen;
use crate::io::mjcf::attributes::Attributes;
use crate::io::mjcf::defaults::MAIN;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::schema;
use crate::io::mjcf::tree::Element;
use crate::io::model_file::Effect;
use crate::model::{
    CouplingSpec, Line, MOST_PAIRS, Model, PairSpec, Softness, Surface, SurfaceSpec, TieSpec,
    Touching, are_held,
};

/// A body, `None` being the world, and a frame in its own.
type TiedFrame = (Option<usize>, Pose<f64>);

/// Bits of what a geom is, and of what it touches.
type Masks = (u32, u32);

/// A geom whose shape is not read: a mesh that does not weigh or a height field, which no ray may meet or which cannot be read.
#[derive(Debug)]
struct Unread {
    body: Option<usize>,
    /// Whether it is not clear.
    seen: bool,
    masks: Masks,
    element: usize,
    shape: &'static str,
}

/// What collides: the geoms of the builder by their elements and names, and those that it has not.
#[derive(Debug, Default)]
pub(super) struct Collisions<'t> {
    unread: Vec<Unread>,
    /// Element of each geom of the builder.
    elements: Vec<usize>,
    /// Geoms by name; `None` where one is not in the builder.
    names: BTreeMap<&'t str, Option<usize>>,
    /// Whether bodies that share a joint may touch.
    neighbours: bool,
}

impl Collisions<'_> {
    /// The first element of a contact that is not simulated, and what would touch.
    pub(super) fn unsimulated(
        &self,
        model: &Model,
        touching: &Touching,
    ) -> Option<(usize, String)> {
        if touching.too_many {
            return Some((0, format!("more than {MOST_PAIRS} pairs of geoms")));
        }
        let name = |g: usize| {
            let geom = &model.geoms[g];
            let name =
                if geom.name.is_empty() { String::new() } else { format!(" `{}`", geom.name) };
            format!("{}{name}", geom.shape.name())
        };
        let pairs = touching.unsupported.iter().map(|[a, b]| {
            let element = self.elements[*a].max(self.elements[*b]);
            (element, format!("{} and {}", name(*a), name(*b)))
        });
        let unread = self.unread.iter().enumerate().filter_map(|(k, u)| {
            let link = |body: Option<usize>| body.and_then(|b| model.bodies[b].link);
            let meets = |(kind, touches): Masks, body: Option<usize>| {
                let meet = u.masks.0 & touches != 0 || kind & u.masks.1 != 0;
                meet && !are_held(model, self.neighbours, [link(u.body), link(body)])
            };
            let masks = |g: usize| (model.surfaces[g].kind, model.surfaces[g].touches);
            // a plane and a height field do not touch meshes alone: whatever is met is not simulated
            let geom = (0..model.geoms.len()).find(|g| meets(masks(*g), model.geoms[*g].body));
            let other = self.unread[..k].iter().find(|o| meets(o.masks, o.body));
            let with = geom.map(name).or(other.map(|o| o.shape.to_owned()))?;
            Some((u.element, format!("{} and {with}", u.shape)))
        });
        pairs.chain(unread).min_by_key(|(element, _)| *element)
    }
}

/// How soft an element's constraint is.
pub(super) fn softness(
    a: &Attributes<'_>,
    [reference, impedance]: [&str; 2],
) -> Result<Softness<f64>, MjcfError> {
    let usual = Softness::DEFAULT;
    Ok(Softness {
        reference: a.some(reference, usual.reference)?,
        impedance: a.some(impedance, usual.impedance)?,
    })
}

fn directions(a: &Attributes<'_>) -> Result<usize, MjcfError> {
    match a.count("condim", 3)? {
        directions @ (1 | 3 | 4 | 6) => Ok(directions as usize),
        _ => Err(a.value_error("condim", "1, 3, 4 or 6")),
    }
}

impl<'t> Reader<'t, '_> {
    fn masks(a: &Attributes<'t>) -> Result<Masks, MjcfError> {
        Ok((a.count("contype", 1)?, a.count("conaffinity", 1)?))
    }

    /// Gives the builder's last geom its surface.
    pub(super) fn surface(&mut self, a: &Attributes<'t>) -> Result<(), MjcfError> {
        let geom = self.builder.so_far().geoms().len() - 1;
        self.collisions.elements.push(a.element.index);
        if !a.name().is_empty() {
            self.collisions.names.insert(a.name(), Some(geom));
        }
        let (kind, touches) = Self::masks(a)?;
        let priority = a.array::<1>("priority")?.map_or(0.0, |[p]| p);
        if priority.fract().abs() > 0.0 || priority.abs() > 1e9 {
            return Err(a.value_error("priority", "a whole number"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked")]
        let priority = priority as i64;
        let usual = SurfaceSpec::DEFAULT;
        let spec = SurfaceSpec {
            surface: Surface { kind, touches, directions: directions(a)?, priority },
            friction: a.some("friction", usual.friction)?,
            margin: a.number("margin", 0.0)?,
            mix: a.number("solmix", 1.0)?,
            softness: softness(a, ["solref", "solimp"])?,
        };
        if self.disabled.contains(&Effect::Contact) {
            return Ok(());
        }
        let added = self.builder.surface(geom, &spec);
        self.built(a.element, added)
    }

    /// A geom whose shape is not read.
    pub(super) fn unread_surface(
        &mut self,
        a: &Attributes<'t>,
        body: Option<usize>,
        shape: &'static str,
    ) -> Result<(), MjcfError> {
        let masks = Self::masks(a)?;
        let (element, seen) = (a.element.index, is_seen(a));
        self.collisions.unread.push(Unread { body, seen, masks, element, shape });
        self.collisions.names.insert(a.name(), None);
        Ok(())
    }

    /// Whether a mesh or a height field that is not read, and is not clear, belongs to another body.
    pub(super) fn hides_from(&self, body: Option<usize>) -> bool {
        self.collisions.unread.iter().any(|unread| unread.seen && unread.body != body)
    }

    /// `filterparent`.
    pub(super) fn neighbours_touch(&mut self) {
        self.collisions.neighbours = true;
        self.builder.neighbours_touch(true);
    }

    /// Excluded pairs of bodies, and pairs of geoms that touch whatever their masks.
    pub(super) fn contact(&mut self, section: &'t Element) {
        for child in self.tree.children(section) {
            let read = match child.tag.as_str() {
                "pair" => self.pair(child),
                "exclude" => self.exclude(child),
                _ => Err(self.unsupported(child, "contact")),
            };
            self.keep(read);
        }
    }

    fn exclude(&mut self, element: &'t Element) -> Result<(), MjcfError> {
        let a = self.own(element, &["name", "body1", "body2"]);
        let mut bodies = [None; 2];
        for (body, key) in bodies.iter_mut().zip(["body1", "body2"]) {
            let name = a.text(key).ok_or_else(|| a.missing(&format!("`{key}`")))?;
            *body = self.body_named(&a, key, name)?;
        }
        self.builder.exclude(bodies[0], bodies[1]);
        Ok(())
    }

    /// The body of a name; `None` is the world.
    pub(super) fn body_named(
        &self,
        a: &Attributes<'t>,
        key: &str,
        name: &str,
    ) -> Result<Option<usize>, MjcfError> {
        if name == "world" {
            return Ok(None);
        }
        let all = self.builder.so_far().bodies();
        all.iter().position(|b| b.name == name).map(Some).ok_or_else(|| {
            let known = all.iter().map(|b| b.name.clone()).collect();
            a.error(key, Problem::Unknown { kind: "body", name: name.into(), known })
        })
    }

    fn pair(&mut self, element: &'t Element) -> Result<(), MjcfError> {
        let a = self.with_class(element, ("pair", MAIN), schema::PAIR)?;
        a.neutral("solreffriction", 0.0)?;
        a.neutral("adhesion", 0.0)?;
        let mut geoms = [0; 2];
        for (geom, key) in geoms.iter_mut().zip(["geom1", "geom2"]) {
            let name = a.text(key).ok_or_else(|| a.missing(&format!("`{key}`")))?;
            match self.collisions.names.get(name) {
                Some(Some(found)) => *geom = *found,
                Some(None) => {
                    let what = "a mesh or height field whose shape is not read touches".into();
                    self.enables(element, Effect::Contact, Some(what));
                    return Ok(());
                }
                None => {
                    let known = self.collisions.names.keys().map(|k| (*k).to_owned()).collect();
                    let problem = Problem::Unknown { kind: "geom", name: name.into(), known };
                    return Err(a.error(key, problem));
                }
            }
        }
        if self.disabled.contains(&Effect::Contact) {
            return Ok(());
        }
        // what is not given is MuJoCo's default, whatever the surfaces say
        let spec = PairSpec {
            geoms,
            directions: directions(&a)?,
            friction: a.some("friction", [1.0, 1.0, 0.005, 0.0001, 0.0001])?,
            margin: a.number("margin", 0.0)?,
            softness: softness(&a, ["solref", "solimp"])?,
        };
        let added = self.builder.pair(&spec);
        self.built(element, added)
    }

    pub(super) fn equality(&mut self, section: &'t Element) {
        for child in self.tree.children(section) {
            match child.tag.as_str() {
                _ if child.get("active") == Some("false") => {}
                kind @ ("connect" | "weld") => {
                    let read = self.tie(child, kind == "weld");
                    self.keep(read);
                }
                kind @ ("joint" | "tendon") => {
                    let read = self.coupling(child, kind == "joint");
                    self.keep(read);
                }
                _ => {
                    let problem = self.unsupported(child, "equality");
                    self.problems.push(problem);
                }
            }
        }
    }

    fn tie(&mut self, element: &'t Element, welded: bool) -> Result<(), MjcfError> {
        let a = self.with_class(element, ("equality", MAIN), schema::TIE)?;
        let ends = if a.has("site1") || a.has("site2") {
            self.sites_tied(&a)?
        } else {
            self.bodies_tied(&a, welded)?
        };
        let spec = TieSpec {
            name: a.name().into(),
            ends,
            welded,
            torque_scale: a.number("torquescale", 1.0)?,
            softness: softness(&a, ["solref", "solimp"])?,
        };
        if self.disabled.contains(&Effect::Equality) {
            return Ok(());
        }
        let added = self.builder.tie(&spec);
        self.built(element, added)
    }

    fn sites_tied(&self, a: &Attributes<'t>) -> Result<[TiedFrame; 2], MjcfError> {
        let model = self.builder.so_far();
        let mut ends = [(None, Pose::identity()); 2];
        for (end, key) in ends.iter_mut().zip(["site1", "site2"]) {
            let name = a.text(key).ok_or_else(|| a.missing(&format!("`{key}`")))?;
            let site = model.sites().iter().find(|s| s.name == name).ok_or_else(|| {
                let known = model.sites().iter().map(|s| s.name.clone()).collect();
                a.error(key, Problem::Unknown { kind: "site", name: name.into(), known })
            })?;
            let body = site.body.map(|b| model.bodies()[b].placement);
            let placement = body.map_or(site.placement, |b| b.inverse() * site.placement);
            *end = (site.body, placement);
        }
        Ok(ends)
    }

    /// Bodies with an anchor, and how they stand to each other where the model is described or as `relpose` says.
    fn bodies_tied(&self, a: &Attributes<'t>, welded: bool) -> Result<[TiedFrame; 2], MjcfError> {
        let name = a.text("body1").ok_or_else(|| a.missing("`body1` or `site1`"))?;
        let first = self.body_named(a, "body1", name)?;
        let second = match a.text("body2") {
            Some(name) => self.body_named(a, "body2", name)?,
            None => None,
        };
        let [at_first, at_second] = [first, second].map(|b| self.builder.reference_pose(b));
        let relative = at_first.inverse() * at_second;
        let at = |translation: Vec3<f64>| Pose { rotation: Mat3::identity(), translation };
        if !welded {
            // in the first body's frame
            let anchor = Vec3(a.array("anchor")?.ok_or_else(|| a.missing("`anchor`"))?);
            let other = relative.inverse_point(anchor);
            return Ok([(first, at(anchor)), (second, at(other))]);
        }
        // in the second body's frame
        let anchor = Vec3(a.array("anchor")?.unwrap_or_default());
        let given = a.array::<7>("relpose")?.unwrap_or_default();
        let [x, y, z, turn @ ..] = given;
        let in_first = if turn.iter().all(|q| *q == 0.0) {
            Pose { translation: relative.point(anchor), ..relative }
        } else {
            Pose { rotation: Quat(turn).normalized().to_mat(), translation: Vec3([x, y, z]) }
        };
        Ok([(first, in_first), (second, at(anchor))])
    }

    fn coupling(&mut self, element: &'t Element, joints: bool) -> Result<(), MjcfError> {
        let a = self.with_class(element, ("equality", MAIN), schema::COUPLING)?;
        let (keys, kind) = if joints {
            (["joint1", "joint2"], "joint")
        } else {
            (["tendon1", "tendon2"], "tendon")
        };
        let mut lines = [None; 2];
        for (line, key) in lines.iter_mut().zip(keys) {
            let Some(name) = a.text(key) else { continue };
            // what could not be read is said already
            let Some(index) = self.named(&a, kind, name)? else { return Ok(()) };
            *line = Some(if joints { Line::Joint(index) } else { Line::Tendon(index) });
        }
        let [Some(first), second] = lines else {
            return Err(a.missing(&format!("`{}`", keys[0])));
        };
        let spec = CouplingSpec {
            name: a.name().into(),
            first,
            second,
            polynomial: a.some("polycoef", [0.0, 1.0, 0.0, 0.0, 0.0])?,
            softness: softness(&a, ["solref", "solimp"])?,
        };
        if self.disabled.contains(&Effect::Equality) {
            return Ok(());
        }
        let added = self.builder.couple(&spec);
        self.built(element, added)
    }
}
