//! Geoms of height fields: read where rays may meet them.

use std::sync::Arc;

use super::Reader;
use super::mesh::PlacedShape;
use crate::io::height_field::HeightField;
use crate::io::mjcf::attributes::Attributes;
use crate::io::mjcf::error::{MjcfError, Problem};
use crate::io::mjcf::place::pose;
use crate::io::mjcf::schema;
use crate::model::{Facets, Shape};

/// Elevations of a field that states nothing but how many it has.
const MOST: usize = 1 << 24;

impl<'t> Reader<'t, '_> {
    /// The land of a height field; `None` where it need not be read for rays or cannot be.
    pub(super) fn height_field_shape(
        &mut self,
        a: &Attributes<'t>,
    ) -> Result<Option<PlacedShape>, MjcfError> {
        if !self.is_ranged(a) {
            self.note(a.element, "height fields are not read, and collide with nothing");
            return Ok(None);
        }
        let name = a.text("hfield").ok_or_else(|| a.missing("`hfield`"))?;
        let Some(element) = self.height_fields.get(name).copied() else {
            let known = self.height_fields.keys().map(|k| (*k).to_owned()).collect();
            let problem = Problem::Unknown { kind: "hfield", name: name.into(), known };
            return Err(a.error("hfield", problem));
        };
        let asset = self.own(element, schema::HEIGHT_FIELD);
        let size = asset.array::<4>("size")?.ok_or_else(|| asset.missing("`size`"))?;
        if size.iter().any(|s| *s <= 0.0) {
            return Err(asset.value_error("size", "four positive numbers"));
        }
        match self.height_field(&asset)? {
            Ok(land) => {
                let facets = self.built(element, Facets::new(land.triangles(size)))?;
                let place = pose(a, self.compiler.angles)?;
                Ok(Some((Shape::HeightField, place, Some(Arc::new(facets)))))
            }
            Err(why) => {
                let why = format!("what a ray may meet is not read: height field `{name}`: {why}");
                self.note(element, &why);
                Ok(None)
            }
        }
    }

    /// Elevations: of a file of numbers, of the attribute, whose rows come from the greatest y down, or level. Within: why they cannot be had.
    fn height_field(
        &mut self,
        asset: &Attributes<'t>,
    ) -> Result<Result<HeightField, String>, MjcfError> {
        if let Some(file) = asset.text("file") {
            if file.to_ascii_lowercase().ends_with(".png") {
                return Ok(Err("pictures are not read".into()));
            }
            let path = self.mesh_path(file);
            let bytes = self.files.read(&path, None);
            return Ok(bytes.and_then(|bytes| HeightField::parse(&bytes)));
        }
        let [rows, columns] = [asset.count("nrow", 0)? as usize, asset.count("ncol", 0)? as usize];
        let elevation = match asset.numbers("elevation", 1, usize::MAX)? {
            Some(given) => {
                let rows = given.chunks(columns.max(1)).rev();
                rows.flatten().copied().collect()
            }
            None if rows.saturating_mul(columns) > MOST => {
                return Ok(Err(format!("a level grid of more than {MOST} elevations")));
            }
            None => vec![0.0; rows * columns],
        };
        Ok(HeightField::new(rows, columns, elevation))
    }
}
