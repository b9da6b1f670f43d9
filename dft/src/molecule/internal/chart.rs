//! Internal coordinates as coordinates: from some distances and angles that a caller names, and collective ones for everything else, to
//! the positions of the nuclei.
//!
//! # Guide
//! Let `q(x)` be the redundant coordinates of the molecule, `K` the diagonal of their guessed force constants, `B = dq/dx` and `c(x)`
//! the named ones. At the reference `x_0` the motions that change neither `c` nor place and orientation have an orthonormal basis `N`.
//! With the eigenvectors `N^T B^T K B N = U Lambda U^T` the collective coordinates are
//!
//! `s(x) = P^T K^(1/2) (q(x) - q(x_0))`, `P = K^(1/2) B N U Lambda^(-1/2)`,
//!
//! the delocalised coordinates of Baker, Kessi & Delley, J. Chem. Phys. 105, 192 (1996), turned and stretched so that the guessed energy
//! is `|s|^2 / 2`: a search by gradients sees a round bowl from the beginning. Moving `c` at fixed `s` lets the rest follow as the guess
//! has it. Positions solve `c(x) = c`, `s(x) = s`, `R^T (x - x_0) = 0` with the overall translations and rotations `R`: as many equations
//! as unknowns, whose Jacobian `J` gives `dx = J^-1 (dc, ds, 0)`. They are solved by Newton's method along a straight path from the
//! reference, so that a dihedral angle may turn further than half round and the answer depends on nothing but `(c, s)`.
//!
//! Where no bond holds the parts of a molecule together, `s(x) = (N U Lambda^(1/2))^T (x - x_0)` instead: parts turn freely, and what is measured
//! between them would end where arms of angles come to lie on a line, or where distances fold.

use cotangent_ad::Vec3;
use thiserror::Error;

use super::connectivity::coordinates;
use super::coordinate::Coordinate;
use super::force_field::Redundant;
use crate::molecule::geometry::Molecule;
use crate::molecule::matrix::Matrix;
use crate::molecule::scf::newton::dot;

/// Guessed stiffnesses below this, Ha/bohr^2, are of motions that no coordinate describes.
const SLACK: f64 = 1e-5;
/// Shares of a direction that are left after those before it were taken away, below which it is one of them.
const DEPENDENT: f64 = 1e-4;

/// Why there are no internal coordinates, or no positions for their values.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ChartError {
    /// Atoms on a line have no angle with a derivative.
    #[error("the atoms of coordinate `{name}` lie on a line, where it has no derivative")]
    OnALine {
        /// The coordinate.
        name: String,
    },
    /// A coordinate that others fix.
    #[error("coordinate `{name}` cannot change while the coordinates before it stand")]
    Dependent {
        /// The coordinate.
        name: String,
    },
    /// No positions were found.
    #[error(
        "no positions of the atoms have these internal coordinates: {percent:.0} % of the way from those of the file the path ends"
    )]
    NoPositions {
        /// How far the path was followed.
        percent: f64,
    },
    /// An atom alone.
    #[error("one atom alone has no internal coordinates")]
    OneAtom,
    /// An entry is not finite.
    #[error("a position or an internal coordinate is not finite")]
    NonFinite,
}

/// A coordinate with the name by which a message speaks of it.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedCoordinate {
    /// Its name.
    pub name: String,
    /// What it is.
    pub coordinate: Coordinate,
}

/// Internal coordinates about a reference.
#[derive(Clone, Debug)]
pub struct Chart {
    /// `x_0`, bohr.
    pub(super) reference: Vec<[f64; 3]>,
    pub(super) named: Vec<NamedCoordinate>,
    /// The redundant coordinates.
    pub(super) redundant: Vec<Redundant>,
    /// `q(x_0)`.
    pub(super) reference_redundant: Vec<f64>,
    /// `K^(1/2) P`, a row for each redundant coordinate, a column for each collective one.
    pub(super) shares: Matrix,
    /// Rows of `R^T`.
    pub(super) rigid: Vec<Vec<f64>>,
    /// `1/sqrt(d^T B^T K B d)` of the motion `d = dx/dc` of each named coordinate.
    scales: Vec<f64>,
}

impl Chart {
    /// Coordinates about a molecule as it stands: the named ones, and collective ones for every other motion but translations and
    /// rotations.
    ///
    /// # Errors
    /// [`ChartError`]: named coordinates that have no derivative there or depend on each other, one atom alone.
    ///
    /// # Panics
    /// Where a named coordinate speaks of an atom that is not there.
    pub fn new(molecule: &Molecule, named: Vec<NamedCoordinate>) -> Result<Self, ChartError> {
        let reference = molecule.positions_bohr();
        if reference.len() < 2 {
            return Err(ChartError::OneAtom);
        }
        let rigid = orthonormal(rigid_motions(&reference), |_| Ok(()))?;
        let mut held = rigid.clone();
        for one in &named {
            let row = row_of(&one.coordinate, &reference)
                .ok_or_else(|| ChartError::OnALine { name: one.name.clone() })?;
            let length = dot(&row, &row).sqrt();
            held.push(row.iter().map(|x| x / length).collect());
        }
        let held = orthonormal(held, |k| {
            Err(ChartError::Dependent { name: named[k - rigid.len()].name.clone() })
        })?;
        let free = complement(&held, 3 * reference.len()).ok_or(ChartError::NonFinite)?;
        let (mut redundant, has_parts) = coordinates(molecule);
        let mut shape = Shape::new(&redundant, &reference, &free)?;
        let cartesian = |k: usize| Coordinate::Cartesian { atoms: [k / 3], axis: k % 3 };
        let cartesian = (0..3 * reference.len()).map(cartesian);
        let cartesian = cartesian.map(|q| Redundant::along_bonds(q, molecule));
        if has_parts || shape.softest() < SLACK {
            redundant.extend(cartesian.clone());
            shape = Shape::new(&redundant, &reference, &free)?;
        }
        let mut shares = shape.shares();
        if has_parts {
            // parts turn freely beside each other, which angles and distances between them follow but for a little
            (redundant, shares) = (cartesian.collect(), shape.linear_shares(&free));
        }
        let values = redundant.iter().map(|q| q.coordinate.value(&reference));
        let reference_redundant = values.collect::<Option<_>>().ok_or(ChartError::NonFinite)?;
        let mut chart = Self {
            reference,
            named,
            redundant,
            reference_redundant,
            shares,
            rigid,
            scales: Vec::new(),
        };
        chart.scales = chart.scales_of(&shape.weighted)?;
        Ok(chart)
    }

    /// The named coordinates.
    pub fn named(&self) -> &[NamedCoordinate] {
        &self.named
    }

    /// How many collective coordinates there are; all are 0 at the reference.
    pub fn collective_len(&self) -> usize {
        self.shares.columns()
    }

    /// For each named coordinate the change that costs the guessed energy half a hartree, as a collective one of 1 does.
    pub fn scales(&self) -> &[f64] {
        &self.scales
    }

    fn scales_of(&self, weighted: &Matrix) -> Result<Vec<f64>, ChartError> {
        let placed = self.place(&self.values(), &vec![0.0; self.collective_len()])?;
        let scale = |k: usize| {
            let unit: Vec<f64> =
                (0..self.named.len()).map(|j| f64::from(u8::from(j == k))).collect();
            let motion = placed.pushforward(&unit, &vec![0.0; self.collective_len()]);
            let moved = weighted.times(&Matrix::from_entries(motion.len(), 1, motion));
            1.0 / moved.dot(&moved).sqrt()
        };
        Ok((0..self.named.len()).map(scale).collect())
    }

    /// The named coordinates at the reference.
    pub fn values(&self) -> Vec<f64> {
        let value =
            |one: &NamedCoordinate| one.coordinate.value(&self.reference).unwrap_or(f64::NAN);
        self.named.iter().map(value).collect()
    }
}

/// The guessed energy about the reference, among motions that leave the named coordinates.
struct Shape {
    /// `K^(1/2) B`.
    weighted: Matrix,
    /// The diagonal of `K^(1/2)`.
    roots: Vec<f64>,
    /// `K^(1/2) B N U`.
    along: Matrix,
    /// `Lambda`, rising.
    stiffness: Vec<f64>,
    /// `U`.
    vectors: Matrix,
}

impl Shape {
    fn new(
        redundant: &[Redundant],
        reference: &[[f64; 3]],
        free: &Matrix,
    ) -> Result<Self, ChartError> {
        let roots: Vec<f64> = redundant.iter().map(|q| q.stiffness.sqrt()).collect();
        let mut entries = Vec::new();
        for (q, root) in redundant.iter().zip(&roots) {
            let row = row_of(&q.coordinate, reference).ok_or(ChartError::NonFinite)?;
            entries.extend(row.iter().map(|x| root * x));
        }
        let weighted = Matrix::from_entries(roots.len(), 3 * reference.len(), entries);
        let moved = weighted.times(free);
        if free.columns() == 0 {
            let vectors = Matrix::zeros(0, 0);
            return Ok(Self { along: moved, weighted, roots, stiffness: Vec::new(), vectors });
        }
        let (stiffness, vectors) =
            moved.transposed().times(&moved).eigen().ok_or(ChartError::NonFinite)?;
        Ok(Self { along: moved.times(&vectors), weighted, roots, stiffness, vectors })
    }

    fn softest(&self) -> f64 {
        self.stiffness.first().copied().unwrap_or(f64::INFINITY)
    }

    /// `N U Lambda^(1/2)`: collective coordinates that are combinations of the positions, of the same guessed energy.
    fn linear_shares(&self, free: &Matrix) -> Matrix {
        let columns = self.stiffness.len();
        let mut shares = if columns == 0 { free.clone() } else { free.times(&self.vectors) };
        for (k, entry) in shares.entries_mut().iter_mut().enumerate() {
            *entry *= self.stiffness[k % columns].sqrt();
        }
        shares
    }

    /// `K^(1/2) P`.
    fn shares(&self) -> Matrix {
        let columns = self.stiffness.len();
        let mut shares = self.along.clone();
        for (k, entry) in shares.entries_mut().iter_mut().enumerate() {
            *entry *= self.roots[k / columns] / self.stiffness[k % columns].sqrt();
        }
        shares
    }
}

/// Derivatives of a coordinate by all positions.
pub(super) fn row_of(coordinate: &Coordinate, positions: &[[f64; 3]]) -> Option<Vec<f64>> {
    let mut row = vec![0.0; 3 * positions.len()];
    for (atom, by) in coordinate.atoms().iter().zip(coordinate.gradient(positions)?) {
        row[3 * atom..3 * atom + 3].copy_from_slice(&by);
    }
    Some(row)
}

/// Translations of the whole, and rotations about its middle.
fn rigid_motions(reference: &[[f64; 3]]) -> Vec<Vec<f64>> {
    let share = 1.0 / reference.len() as f64;
    let middle: [f64; 3] =
        std::array::from_fn(|k| share * reference.iter().map(|x| x[k]).sum::<f64>());
    let mut motions = Vec::new();
    for axis in 0..3 {
        motions.push(reference.iter().flat_map(|_| Vec3::<f64>::unit(axis).0).collect());
    }
    for axis in 0..3 {
        let turned = |x: &[f64; 3]| Vec3::unit(axis).cross(Vec3(*x) - Vec3(middle)).0;
        motions.push(reference.iter().flat_map(turned).collect());
    }
    motions
}

/// The span of some directions as orthonormal ones. `dependent` is asked about each direction that those before it make up, by its place;
/// it is left out where that is no error.
fn orthonormal(
    directions: Vec<Vec<f64>>,
    dependent: impl Fn(usize) -> Result<(), ChartError>,
) -> Result<Vec<Vec<f64>>, ChartError> {
    let longest = directions.iter().map(|d| dot(d, d).sqrt()).fold(0.0, f64::max);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for (k, mut direction) in directions.into_iter().enumerate() {
        // twice: once leaves rounding that is large beside what is left of a nearly dependent direction
        for _ in 0..2 {
            for known in &basis {
                let along = dot(&direction, known);
                direction.iter_mut().zip(known).for_each(|(x, y)| *x -= along * y);
            }
        }
        let left = dot(&direction, &direction).sqrt();
        if left <= DEPENDENT * longest {
            dependent(k)?;
            continue;
        }
        basis.push(direction.iter().map(|x| x / left).collect());
    }
    Ok(basis)
}

/// Orthonormal columns that are orthogonal to `basis`, in `n` dimensions. `None` where an entry is not finite.
fn complement(basis: &[Vec<f64>], n: usize) -> Option<Matrix> {
    let projected = |k: usize| {
        let (i, j) = (k / n, k % n);
        f64::from(u8::from(i == j)) - basis.iter().map(|b| b[i] * b[j]).sum::<f64>()
    };
    let projector = Matrix::from_entries(n, n, (0..n * n).map(projected).collect());
    // its eigenvalues are 0, as often as there are directions in the basis, and then 1
    Some(projector.eigen()?.1.column_range(basis.len()..n))
}
