//! Land over a rectangle, as MuJoCo has it: elevations on a grid with two triangles a cell, on a box that reaches below.

use cotangent_ad::Vec3;

type Triangle = [Vec3<f64>; 3];

/// Elevations on a grid, the row of the least y first and in it the least x.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeightField {
    rows: usize,
    columns: usize,
    /// From 0 to 1.
    elevation: Vec<f64>,
}

impl HeightField {
    /// Of elevations in any unit, which are brought between 0 and 1; level ones are at 0.
    pub(crate) fn new(
        rows: usize,
        columns: usize,
        mut elevation: Vec<f64>,
    ) -> Result<Self, String> {
        if rows < 2 || columns < 2 || rows.checked_mul(columns) != Some(elevation.len()) {
            let count = elevation.len();
            return Err(format!("{count} elevations on a grid of {rows} rows, {columns} columns"));
        }
        if !elevation.iter().all(|z| z.is_finite()) {
            return Err("an elevation is not finite".into());
        }
        let low = elevation.iter().fold(f64::INFINITY, |low, z| low.min(*z));
        let height = elevation.iter().fold(0.0_f64, |most, z| most.max(z - low));
        for z in &mut elevation {
            *z = if height > 0.0 { (*z - low) / height } else { 0.0 };
        }
        Ok(Self { rows, columns, elevation })
    }

    /// Of MuJoCo's own files: the numbers of rows and columns, then the elevations, four bytes each, the least first.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let wrong = || format!("{} bytes are not those of the grid that they state", bytes.len());
        let mut words = bytes.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
        let mut count = || {
            let n = words.next().map(i32::from_le_bytes)?;
            usize::try_from(n).ok()
        };
        let (rows, columns) = count().zip(count()).ok_or_else(wrong)?;
        let exact = rows.checked_mul(columns).and_then(|n| n.checked_add(2)?.checked_mul(4));
        if exact != Some(bytes.len()) {
            return Err(wrong());
        }
        Self::new(rows, columns, words.map(|w| f64::from(f32::from_le_bytes(w))).collect())
    }

    /// Its surface: the land, its cut sides, and the box below, whose top is there too, under the land. `size`: half the sides along x and y, the
    /// greatest elevation, and how deep the box is.
    pub(crate) fn triangles(&self, [x, y, height, depth]: [f64; 4]) -> Vec<Triangle> {
        let place = |count: usize, k: usize, half: f64| {
            #[expect(clippy::cast_precision_loss, reason = "an index")]
            let part = k as f64 / (count - 1) as f64;
            (2.0 * part - 1.0) * half
        };
        let land = |row: usize, column: usize| {
            let z = self.elevation[row * self.columns + column] * height;
            Vec3([place(self.columns, column, x), place(self.rows, row, y), z])
        };
        let mut triangles = vec![];
        for row in 0..self.rows - 1 {
            for column in 0..self.columns - 1 {
                let [a, c] = [land(row, column), land(row + 1, column + 1)];
                triangles.push([a, land(row, column + 1), c]);
                triangles.push([a, c, land(row + 1, column)]);
            }
        }
        let foot = |p: Vec3<f64>| Vec3([p[0], p[1], 0.0]);
        let mut wall = |p: Vec3<f64>, q: Vec3<f64>| {
            triangles.extend(quad([foot(p), foot(q), q, p]));
        };
        let (top, right) = (self.rows - 1, self.columns - 1);
        for column in 0..right {
            wall(land(0, column), land(0, column + 1));
            wall(land(top, column + 1), land(top, column));
        }
        for row in 0..top {
            wall(land(row + 1, 0), land(row, 0));
            wall(land(row, right), land(row + 1, right));
        }
        let corner = |[i, j, k]: [usize; 3]| Vec3([[-x, x][i], [-y, y][j], [-depth, 0.0][k]]);
        let sides = [
            [[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 0]],
            [[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]],
            [[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]],
            [[1, 1, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1]],
            [[0, 1, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]],
            [[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 1]],
        ];
        triangles.extend(sides.into_iter().flat_map(|side| quad(side.map(corner))));
        triangles
    }
}

fn quad([a, b, c, d]: [Vec3<f64>; 4]) -> [Triangle; 2] {
    [[a, b, c], [a, c, d]]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of numbers, and what is none; two rows of three, a triangle of the land by hand.
    #[test]
    fn files_of_elevations_are_read() {
        let elevation = [2.0_f32, 3.0, 2.5, 6.0, 2.0, 4.0];
        let head = [2_i32, 3].into_iter().flat_map(i32::to_le_bytes);
        let bytes: Vec<u8> = head.chain(elevation.into_iter().flat_map(f32::to_le_bytes)).collect();
        let land = HeightField::parse(&bytes).unwrap();
        assert_eq!(land.elevation, [0.0, 0.25, 0.125, 1.0, 0.0, 0.5]);
        let triangles = land.triangles([2.0, 1.0, 8.0, 0.5]);
        let corners = [[0.0, -1.0, 2.0], [2.0, -1.0, 1.0], [2.0, 1.0, 4.0]].map(Vec3);
        assert!(triangles.contains(&corners));
        assert_eq!(triangles.len(), 2 * (2 + 2 * 2 + 2 + 6));
        for wrong in [&bytes[..20], &bytes[..3], &[255; 16]] {
            assert!(HeightField::parse(wrong).is_err());
        }
        assert!(HeightField::new(2, 2, vec![0.0, f64::NAN, 0.0, 0.0]).is_err());
        assert!(HeightField::new(1, 4, vec![0.0; 4]).is_err());
        assert_eq!(HeightField::new(2, 2, vec![5.0; 4]).unwrap().elevation, [0.0; 4]);
    }
}
