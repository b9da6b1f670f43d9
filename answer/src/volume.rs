//! Numbers all over space, as data for programs that show such things.

/// Numbers at the points of a lattice along the axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// Name of what is seen, fit for a file's name.
    pub name: String,
    /// Unit of length: `bohr`.
    pub unit: &'static str,
    /// The point with the smallest coordinates.
    pub origin: [f64; 3],
    /// Distance of neighbours.
    pub spacing: f64,
    /// Points along x, y and z.
    pub counts: [usize; 3],
    /// Atoms in it: atomic number, charge of the nucleus, position.
    pub nuclei: Vec<(usize, f64, [f64; 3])>,
    /// The numbers.
    pub fields: Vec<VolumeField>,
}

/// A number at every point of a lattice.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeField {
    /// Its name, fit for a file's name.
    pub name: String,
    /// Its unit.
    pub unit: &'static str,
    /// What it is, in a line.
    pub about: String,
    /// Point by point, `z` fastest and `x` slowest.
    pub values: Vec<f64>,
}
