//! What there is to see of an answer, as data for programs that show such things: bodies of triangles, and where each is over
//! time.

use cotangent_ad::Pose;

/// Bodies in space, right-handed, in one unit of length.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Name of what is seen, fit for a file's name.
    pub name: String,
    /// Unit of length: `m`, `bohr` or `scene unit`.
    pub unit: &'static str,
    /// The coordinate that points up: 1 for y, 2 for z.
    pub up: usize,
    /// Times at which the bodies are seen, s, ascending; a single one where nothing moves.
    pub times: Vec<f64>,
    /// The bodies.
    pub bodies: Vec<Body>,
}

/// Triangles that move as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// Its name.
    pub name: String,
    /// Corners in its own frame.
    pub corners: Vec<[f64; 3]>,
    /// Triangles, counterclockwise seen from outside.
    pub faces: Vec<[u32; 3]>,
    /// Fraction of red, green and blue light that it reflects.
    pub colour: [f64; 3],
    /// What it shines with, red, green and blue; 0 for what is no light.
    pub glow: [f64; 3],
    /// Where its frame stands at each of the times.
    pub poses: Vec<Pose<f64>>,
}

impl Body {
    /// Whether it is ever elsewhere, or turned.
    pub fn moves(&self) -> bool {
        self.poses.windows(2).any(|pair| pair[0] != pair[1])
    }
}

impl Look {
    /// Whether any body moves: one that is at rest over a time does not.
    pub fn moves(&self) -> bool {
        self.bodies.iter().any(Body::moves)
    }
}
