//! Triangle surfaces from STL and OBJ, and the inertia of what they enclose.

use cotangent_ad::{Mat3, Quat, Vec3};

use crate::spatial::principal_axes;

/// Triangles, each with its own corners, counter-clockwise from outside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Surface {
    triangles: Vec<[Vec3<f64>; 3]>,
}

/// What a homogeneous solid of mass 1 has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Inertia {
    /// m^3.
    pub(crate) volume: f64,
    pub(crate) center: Vec3<f64>,
    /// Principal axes, in the mesh's frame.
    pub(crate) rotation: Quat<f64>,
    /// Principal moments about the centre, m^2.
    pub(crate) moments: [f64; 3],
}

impl Surface {
    /// By the ending of the file's name: `.stl` (both forms) and `.obj`.
    pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Self, String> {
        let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let surface = match ending.as_str() {
            "stl" => stl(bytes)?,
            "obj" => obj(bytes)?,
            _ => return Err(format!("`.{ending}` is not read: STL and OBJ are")),
        };
        let finite = |t: &[Vec3<f64>; 3]| t.iter().all(|x| x.0.iter().all(|x| x.is_finite()));
        if surface.triangles.is_empty() || !surface.triangles.iter().all(finite) {
            return Err("it has no triangle, or a corner that is not finite".into());
        }
        Ok(surface)
    }

    /// From lists of coordinates and of corners, three a triangle.
    pub(crate) fn indexed(coordinates: &[f64], corners: &[f64]) -> Result<Self, String> {
        let points: Vec<Vec3<f64>> =
            coordinates.chunks_exact(3).map(|x| Vec3([x[0], x[1], x[2]])).collect();
        let point = |x: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
            let index = x as usize;
            points.get(index).copied().ok_or_else(|| format!("there is no vertex {x}"))
        };
        let triangle = |c: &[f64]| Ok([point(c[0])?, point(c[1])?, point(c[2])?]);
        let triangles = corners.chunks_exact(3).map(triangle).collect::<Result<_, String>>()?;
        Ok(Self { triangles })
    }

    /// Its triangles.
    pub(crate) fn into_triangles(self) -> Vec<[Vec3<f64>; 3]> {
        self.triangles
    }

    /// Every corner through `f`.
    pub(crate) fn map(&mut self, f: impl Fn(Vec3<f64>) -> Vec3<f64>) {
        self.triangles.iter_mut().flatten().for_each(|x| *x = f(*x));
    }

    /// Volume, centre and inertia, as sums over the pyramids from a point to the triangles: the centre from the area's, volume and inertia
    /// from that centre, as MuJoCo has them. Of a closed surface, these do not depend on the point where the pyramids count by sign
    /// (`exact`); of one that is open, and where they count by size, as MuJoCo's `legacy` inertia has it, they do.
    pub(crate) fn inertia(&self, exact: bool) -> Result<Inertia, String> {
        let (_, center, _) = self.pyramids(self.area_center()?, exact)?;
        let (volume, _, second) = self.pyramids(center, exact)?;
        let trace = second.0[0][0] + second.0[1][1] + second.0[2][2];
        let inertia = (Mat3::diagonal([trace; 3]) + second * -1.0) * volume.recip();
        let (moments, rotation) = principal_axes(&inertia);
        if moments.iter().any(|m| m.is_nan() || *m <= 0.0) {
            return Err(format!("its principal moments are {moments:?} m^2: is it closed?"));
        }
        Ok(Inertia { volume, center, rotation, moments })
    }

    /// Volume of the pyramids with this apex, their centre, and the integral of `x x^T` from the apex.
    fn pyramids(
        &self,
        apex: Vec3<f64>,
        exact: bool,
    ) -> Result<(f64, Vec3<f64>, Mat3<f64>), String> {
        let (mut volume, mut moment, mut second) = (0.0, Vec3::zero(), Mat3::diagonal([0.0; 3]));
        for t in &self.triangles {
            let [a, b, c] = t.map(|x| x - apex);
            let signed = a.dot(b.cross(c)) / 6.0;
            let v = if exact { signed } else { signed.abs() };
            volume += v;
            moment += (a + b + c) * (v / 4.0);
            let sum = a + b + c;
            for x in [a, b, c, sum] {
                second += x.outer(x) * (v / 20.0);
            }
        }
        if volume.is_nan() || volume <= 1e-15 {
            return Err(format!("it encloses a volume of {volume:.3e} m^3"));
        }
        Ok((volume, apex + moment * volume.recip(), second))
    }

    fn area_center(&self) -> Result<Vec3<f64>, String> {
        let (mut area, mut center) = (0.0, Vec3::zero());
        for [a, b, c] in &self.triangles {
            let own = (*b - *a).cross(*c - *a).norm() / 2.0;
            area += own;
            center += (*a + *b + *c) * (own / 3.0);
        }
        if area > 0.0 { Ok(center * area.recip()) } else { Err("its area is 0".into()) }
    }
}

fn stl(bytes: &[u8]) -> Result<Surface, String> {
    const HEADER: usize = 84;
    const TRIANGLE: usize = 50;
    let count = bytes.get(80..HEADER).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    // a text may be long enough to look binary: only a file of the right length is
    let binary = count.is_some_and(|n| bytes.len() == HEADER + TRIANGLE * n as usize);
    if !binary {
        return stl_text(bytes);
    }
    let number = |b: &[u8]| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let corner = |b: &[u8]| Vec3([number(b), number(&b[4..]), number(&b[8..])]);
    // each triangle: its normal, three corners, two bytes
    let triangles = bytes[HEADER..]
        .chunks_exact(TRIANGLE)
        .map(|t| [corner(&t[12..]), corner(&t[24..]), corner(&t[36..])]);
    Ok(Surface { triangles: triangles.collect() })
}

fn stl_text(bytes: &[u8]) -> Result<Surface, String> {
    let wrong = || "it is neither a binary STL of the length that it states nor a text".to_owned();
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
    if !text.trim_start().starts_with("solid") {
        return Err(wrong());
    }
    let mut corners = vec![];
    for (k, line) in text.lines().enumerate() {
        let mut words = line.split_ascii_whitespace();
        if words.next() == Some("vertex") {
            corners.push(three_numbers(words).ok_or_else(|| format!("line {}: no point", k + 1))?);
        }
    }
    if !corners.len().is_multiple_of(3) {
        return Err(format!("{} corners are not those of whole triangles", corners.len()));
    }
    Ok(Surface { triangles: corners.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect() })
}

fn three_numbers<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Vec3<f64>> {
    let mut number = || words.next()?.parse::<f64>().ok();
    Some(Vec3([number()?, number()?, number()?]))
}

/// Vertices and faces; polygons as fans.
fn obj(bytes: &[u8]) -> Result<Surface, String> {
    let text = String::from_utf8_lossy(bytes);
    let (mut points, mut triangles) = (vec![], vec![]);
    for (k, line) in text.lines().enumerate() {
        let at = |what: &str| format!("line {}: {what}", k + 1);
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("v") => points.push(three_numbers(words).ok_or_else(|| at("no point"))?),
            Some("f") => {
                let corner = |word: &str| {
                    let index = word.split('/').next()?.parse::<i64>().ok()?;
                    // negative indices count back from the last point
                    let last = i64::try_from(points.len()).ok()?;
                    let index = if index < 0 { last + index } else { index - 1 };
                    points.get(usize::try_from(index).ok()?).copied()
                };
                let corners: Option<Vec<Vec3<f64>>> = words.map(corner).collect();
                let corners = corners.filter(|c| c.len() >= 3).ok_or_else(|| at("no face"))?;
                let fan = (1..corners.len() - 1).map(|i| [corners[0], corners[i], corners[i + 1]]);
                triangles.extend(fan);
            }
            _ => {}
        }
    }
    Ok(Surface { triangles })
}
