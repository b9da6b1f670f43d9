//! `geom`: shape, mass, and whether it may collide.

use std::sync::Arc;

use cotangent_ad::Pose;

use super::Reader;
use super::body::Content;
use crate::io::mjcf::attributes::Attributes;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::place::{between, pose};
use crate::io::mjcf::schema;
use crate::model::{Facets, Shape, Sight, Weight};

const KINDS: [&str; 7] = ["sphere", "capsule", "cylinder", "box", "ellipsoid", "plane", "mesh"];

/// Whether a colour lets all light through.
pub(super) fn is_clear(rgba: &str) -> bool {
    let alpha = rgba.split_ascii_whitespace().nth(3).and_then(|x| x.parse::<f64>().ok());
    alpha.is_some_and(|alpha| alpha <= 0.0)
}

/// Whether a geom is not clear. Of materials that are, rays are refused as a whole.
pub(super) fn is_seen(a: &Attributes<'_>) -> bool {
    a.has("material") || !a.text("rgba").is_some_and(is_clear)
}

impl<'t> Reader<'t, '_> {
    pub(super) fn geom(
        &mut self,
        content: &Content<'t>,
        body: Option<usize>,
        weighed: bool,
    ) -> Result<(), MjcfError> {
        let element = content.element;
        let a = self.with_class(element, ("geom", content.class), schema::GEOM)?;
        a.choice("fluidshape", &["none"])?;
        a.neutral("adhesion", 0.0)?;
        a.neutral("surfacevel", 0.0)?;
        a.choice("shellinertia", &["false"])?;
        let weight = self.weight(&a, body, weighed)?;
        let is_mesh = a.text("type") == Some("mesh") || (!a.has("type") && a.has("mesh"));
        let (read, unread) = if a.text("type") == Some("hfield") && body.is_none() {
            (self.height_field_shape(&a)?, "a height field")
        } else if is_mesh {
            (self.mesh_shape(&a, weight)?, "a mesh")
        } else {
            let (shape, place) = self.primitive(&a)?;
            (Some((shape, place, None)), "")
        };
        let Some((shape, place, facets)) = read else {
            // its inertia does not count: it may still collide
            return self.unread_surface(&a, body, unread);
        };
        let place = content.frame * place;
        let mass = match weight {
            Weight::Density(density) => density * shape.volume(),
            Weight::Mass(mass) => mass,
        };
        let added = self.builder.geom(a.name(), body, shape, place, Weight::Mass(0.0));
        self.built(element, added)?;
        self.surface(&a)?;
        self.sight(&a, &shape, facets);
        if mass < 0.0 {
            let (what, of) = ("mass", format!("geom `{}`", a.name()));
            let error = crate::model::BuildError::BadNumber {
                what,
                of,
                value: mass,
                condition: "not negative",
            };
            return self.built(element, Err(error));
        }
        if let Some(body) = body
            && mass > 0.0
        {
            self.weigh(element, body, mass, place, shape.unit_inertia().map(|i| i * mass))?;
        }
        Ok(())
    }

    /// Whether rays see a geom, which they do not where it is clear, the sides of a plane, and the surface of what is no primitive.
    fn sight(&mut self, a: &Attributes<'t>, shape: &Shape, facets: Option<Arc<Facets>>) {
        let size = a.numbers("size", 0, 3).ok().flatten().unwrap_or_default();
        let side = |k: usize| size.get(k).copied().unwrap_or(0.0);
        let extent = if *shape == Shape::Plane { [side(0), side(1)] } else { [0.0; 2] };
        let sight = Sight { seen: is_seen(a), extent, facets };
        self.builder.sight(self.builder.so_far().geoms().len() - 1, sight);
    }

    /// Whether a ray of the file may meet a geom.
    pub(super) fn is_ranged(&self, a: &Attributes<'t>) -> bool {
        is_seen(a) && self.has_rays()
    }

    /// Mass or density of a geom; 0 where its body's inertia does not come from geoms.
    fn weight(
        &self,
        a: &Attributes<'t>,
        body: Option<usize>,
        weighed: bool,
    ) -> Result<Weight, MjcfError> {
        let [least, greatest] = self.compiler.weighing_groups;
        let group = a.element.get("group").or(a.text("group")).and_then(|g| g.parse().ok());
        let counted = (least..=greatest).contains(&group.unwrap_or(0.0));
        let own = match self.compiler.inertia_from_geoms {
            "false" => false,
            "auto" => !weighed,
            _ => true,
        };
        if body.is_none() || !own || !counted {
            return Ok(Weight::Mass(0.0));
        }
        Ok(match a.array::<1>("mass")? {
            Some([mass]) => Weight::Mass(mass),
            None => Weight::Density(a.number("density", 1000.0)?),
        })
    }

    fn primitive(&self, a: &Attributes<'t>) -> Result<(Shape, Pose<f64>), MjcfError> {
        let kind = a.choice("type", &KINDS)?;
        let size = a.numbers("size", 0, 3)?.unwrap_or_default();
        let need = |n: usize| {
            if size.len() >= n { Ok(()) } else { Err(a.missing(&format!("{n} numbers in `size`"))) }
        };
        if a.has("fromto") {
            let lengthy = ["capsule", "cylinder", "box", "ellipsoid"].contains(&kind);
            if let (true, Some((pose, half))) = (lengthy, between(a)?) {
                // of a box and an ellipsoid, too, MuJoCo takes one number for both widths
                need(1)?;
                let shape = match kind {
                    "capsule" => Shape::Capsule { radius: size[0], half_length: half },
                    "cylinder" => Shape::Cylinder { radius: size[0], half_length: half },
                    "box" => Shape::Box { half: [size[0], size[0], half] },
                    _ => Shape::Ellipsoid { half: [size[0], size[0], half] },
                };
                return Ok((shape, pose));
            }
            let (attribute, element) = (format!("fromto of a {kind}"), "geom".to_owned());
            return Err(a.error("fromto", Problem::Attribute { attribute, element }));
        }
        need(match kind {
            "plane" => 0,
            "sphere" => 1,
            "capsule" | "cylinder" => 2,
            _ => 3,
        })?;
        let shape = match kind {
            "sphere" => Shape::Sphere { radius: size[0] },
            "capsule" => Shape::Capsule { radius: size[0], half_length: size[1] },
            "cylinder" => Shape::Cylinder { radius: size[0], half_length: size[1] },
            "box" => Shape::Box { half: [size[0], size[1], size[2]] },
            "ellipsoid" => Shape::Ellipsoid { half: [size[0], size[1], size[2]] },
            _ => Shape::Plane,
        };
        Ok((shape, pose(a, self.compiler.angles)?))
    }
}
