//! How uneven a mesh and its texture are: linear functions of their numbers, which are kept small beside what pictures ask.
//!
//! * Of the vertices the umbrella operator (Taubin, SIGGRAPH 1995): `(L v)_i = v_i - mean of its neighbours`, in the mesh's own
//!   coordinates; its square is a membrane's energy, of which a smooth surface has little.
//! * Of a texture the differences of neighbours along columns and rows, not across its border; the sum of their sizes is its total
//!   variation, which keeps edges, the sum of their squares blurs them.

use crate::scene::Scene;

/// A linear function of a parameter of a mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Regularity {
    mesh: usize,
    of: Of,
}

/// The parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Vertices,
    Texture,
}

impl Regularity {
    /// All that a mesh has.
    pub(crate) fn of_mesh(scene: &Scene, mesh: usize) -> impl Iterator<Item = Self> {
        let texture = scene.meshes()[mesh].texture.is_some();
        let all = [(Of::Vertices, true), (Of::Texture, texture)];
        all.into_iter().filter(|(_, exists)| *exists).map(move |(of, _)| Self { mesh, of })
    }

    /// Last part of the names of the parameter and of the output.
    pub(crate) fn names(self, scene: &Scene) -> [&'static str; 2] {
        match (self.of, scene.meshes()[self.mesh].large_steps) {
            (Of::Vertices, None) => ["vertices", "laplacian"],
            (Of::Vertices, Some(_)) => ["differential", "laplacian"],
            (Of::Texture, _) => ["texture", "texture_differences"],
        }
    }

    pub(crate) fn mesh(self) -> usize {
        self.mesh
    }

    /// Unit of the output, and what it is.
    pub(crate) fn about(self) -> [&'static str; 2] {
        match self.of {
            Of::Vertices => {
                ["scene unit", "each vertex less the mean of its neighbours, own coordinates"]
            }
            Of::Texture => ["", "of each texel, its right and its lower neighbour less itself"],
        }
    }

    /// Shape of the output.
    pub(crate) fn shape(self, scene: &Scene) -> Vec<usize> {
        let mesh = &scene.meshes()[self.mesh];
        match (self.of, &mesh.texture) {
            (Of::Texture, Some(texture)) => {
                vec![texture.image().height, texture.image().width, 2, 3]
            }
            _ => vec![mesh.shape.vertices().len(), 3],
        }
    }

    /// The value at the parameter's present value.
    pub(crate) fn value(self, scene: &Scene) -> Vec<f64> {
        let mesh = &scene.meshes()[self.mesh];
        let x: Vec<f64> = match (self.of, &mesh.texture) {
            (Of::Texture, Some(texture)) => {
                texture.image().pixels.iter().flat_map(|p| p.0).collect()
            }
            _ => mesh.shape.vertices().iter().flat_map(|v| v.0).collect(),
        };
        self.apply(scene, &x)
    }

    /// The linear function of numbers like the parameter's.
    pub(crate) fn apply(self, scene: &Scene, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; self.shape(scene).iter().product()];
        self.entries(scene, &mut |row, column, factor| {
            (0..3).for_each(|k| y[3 * row + k] += factor * x[3 * column + k]);
        });
        y
    }

    /// Adds its transpose's value at `y_bar` to `x_bar`.
    pub(crate) fn pullback(self, scene: &Scene, y_bar: &[f64], x_bar: &mut [f64]) {
        self.entries(scene, &mut |row, column, factor| {
            (0..3).for_each(|k| x_bar[3 * column + k] += factor * y_bar[3 * row + k]);
        });
    }

    /// Visits `(row, column, factor)` of its matrix, whose rows and columns are triples of numbers.
    fn entries(self, scene: &Scene, each: &mut dyn FnMut(usize, usize, f64)) {
        let mesh = &scene.meshes()[self.mesh];
        if let (Of::Texture, Some(texture)) = (self.of, &mesh.texture) {
            let (height, width) = (texture.image().height, texture.image().width);
            for texel in 0..height * width {
                let right = (texel % width + 1 < width).then_some(texel + 1);
                let below = (texel / width + 1 < height).then_some(texel + width);
                for (k, other) in [right, below].into_iter().enumerate() {
                    if let Some(other) = other {
                        each(2 * texel + k, other, 1.0);
                        each(2 * texel + k, texel, -1.0);
                    }
                }
            }
            return;
        }
        let shape = &mesh.shape;
        let mut neighbours = vec![0.0_f64; shape.vertices().len()];
        for edge in shape.edges() {
            edge.ends.iter().for_each(|v| neighbours[*v as usize] += 1.0);
        }
        for edge in shape.edges() {
            let [a, b] = edge.ends.map(|v| v as usize);
            for (row, other) in [(a, b), (b, a)] {
                let share = neighbours[row].recip();
                each(row, row, share);
                each(row, other, -share);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Regularity;
    use crate::film::Image;
    use crate::geometry::Rgb;
    use crate::reference::{icosphere, oblique};
    use crate::scene::{Scene, SceneMesh, Texture};

    #[test]
    fn what_is_even_is_nothing() {
        let first = oblique();
        let mut sphere = SceneMesh::new("sphere", icosphere([3.0, -2.0, 5.0], 2.0, 1));
        let ramp = |r: usize, c: usize| Rgb([r as f64, c as f64, 1.0]);
        sphere.texture = Some(Arc::new(Texture::new(Image::from_fn(4, 3, ramp)).unwrap()));
        let at = vec![[0; 3]; sphere.shape.faces().len()];
        let shape = sphere.shape.as_ref().clone();
        sphere.shape = Arc::new(shape.with_uv(&[[0.0; 2]], &at).unwrap());
        let meshes = vec![sphere];
        let scene = Scene::with_cameras(first.cameras().to_vec(), first.transport, meshes).unwrap();
        let [surface, texture]: [Regularity; 2] =
            Regularity::of_mesh(&scene, 0).collect::<Vec<_>>().try_into().unwrap();
        // each vertex of a sphere is as far outside of its neighbours' mean as its kind allows, away from the centre
        let bent = surface.value(&scene);
        for (b, v) in bent.chunks_exact(3).zip(scene.meshes()[0].shape.vertices()) {
            let away = [v[0] - 3.0, v[1] + 2.0, v[2] - 5.0];
            let along: f64 = (0..3).map(|k| b[k] * away[k]).sum::<f64>() / 2.0;
            let size = b.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!(along > 0.99 * size && size > 0.05 && size < 0.5, "{along} {size}");
        }
        // to the right the second channel grows by one, downwards the first
        let steps = texture.value(&scene);
        for (k, step) in steps.chunks_exact(6).enumerate() {
            let (right, below) = (f64::from(u8::from(k % 4 < 3)), f64::from(u8::from(k / 4 < 2)));
            assert_eq!(step, [0.0, right, 0.0, below, 0.0, 0.0]);
        }
    }
}
