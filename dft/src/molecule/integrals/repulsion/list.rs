//! The pairs of shells of a molecule, grouped by angular momentum and sorted by size.

use crate::molecule::basis::Basis;
use crate::molecule::geometry::Molecule;
use crate::molecule::integrals::hermite::{Order, count};
use crate::molecule::integrals::lane::{LANES, Lane};
use crate::molecule::integrals::pair::{Operator, PlacedShell, Product, expand, products};
use crate::molecule::integrals::repulsion::quartet::Kernel;
use crate::molecule::matrix::Matrix;

/// A pair of shells.
#[derive(Clone, Debug)]
pub(in crate::molecule) struct ShellPair {
    /// Its shells, the one of higher angular momentum first.
    pub shells: [usize; 2],
    /// Numbers of functions of the two.
    pub functions: [usize; 2],
    /// First functions of the two.
    pub starts: [usize; 2],
    /// Sum of the angular momenta, the degree of its Hermite Gaussians.
    pub degree: usize,
    /// Products of primitives.
    pub products: Vec<Product>,
    /// Coefficients by product, Hermite Gaussian and functions; `sqrt(2) pi^(5/4)/p` and the weights are part of them.
    pub coefficients: Vec<f64>,
    /// How much each product is worth: about the root of its largest repulsion with itself. They fall.
    pub sizes: Vec<f64>,
    /// `sqrt(max (ab|ab))`: no integral `(ab|cd)` is larger than the product of two of these (Schwarz).
    pub bound: f64,
}

impl ShellPair {
    fn new(shells: &[PlacedShell], i: usize, j: usize) -> Self {
        let [i, j] = if shells[i].l >= shells[j].l { [i, j] } else { [j, i] };
        let (a, b) = (&shells[i], &shells[j]);
        let degree = a.l + b.l;
        let size = a.functions * b.functions * count(degree);
        let mut members = Vec::new();
        for product in products(a, b) {
            let [k, m] = product.primitives;
            let factor = a.weights[k] * b.weights[m] * charge_factor(product.exponent);
            let mut coefficients = vec![0.0; size];
            let sides = ((a, Operator::Identity), (b, Operator::Identity));
            expand(sides.0, sides.1, &product, degree, factor, &mut coefficients);
            let worth = worth(product.exponent, &coefficients, a.functions * b.functions);
            members.push((worth, product, coefficients));
        }
        members.sort_by(|x, y| y.0.total_cmp(&x.0));
        let sizes = members.iter().map(|(worth, ..)| *worth).collect();
        let products = members.iter().map(|(_, product, _)| *product).collect();
        let coefficients = members.into_iter().flat_map(|(.., own)| own).collect();
        Self {
            shells: [i, j],
            functions: [a.functions, b.functions],
            starts: [a.start, b.start],
            degree,
            products,
            coefficients,
            sizes,
            bound: 0.0,
        }
    }

    /// Number of products of functions.
    pub(in crate::molecule) fn size(&self) -> usize {
        self.functions[0] * self.functions[1]
    }

    /// What pairs of a batch have in common.
    fn class(&self) -> (usize, usize, [usize; 2]) {
        (self.size() * count(self.degree), self.degree, self.functions)
    }

    /// How many orders of its shells there are: 2, or 1 where both are the same.
    pub(in crate::molecule) fn orders(&self) -> f64 {
        2.0 * self.share()
    }

    /// The functions of the pair in the order of its integrals.
    pub(in crate::molecule) fn each_product(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let ([a, b], [start_a, start_b]) = (self.functions, self.starts);
        (0..a).flat_map(move |i| (0..b).map(move |j| [start_a + i, start_b + j]))
    }

    /// 1, or 1/2 where both shells are the same: what an integral counts when both orders of functions are summed.
    pub(in crate::molecule) fn share(&self) -> f64 {
        if self.shells[0] == self.shells[1] { 0.5 } else { 1.0 }
    }
}

/// `sum_t max|E_t| p^(|t|/2)/(2p)^(1/4)`: the repulsion of a Hermite Gaussian with itself grows with `p^|t|/sqrt(2p)`.
fn worth(exponent: f64, coefficients: &[f64], functions: usize) -> f64 {
    let powers = &Order::table().powers;
    let root = exponent.sqrt();
    let mut sum = 0.0;
    for (powers, row) in powers.iter().zip(coefficients.chunks(functions)) {
        let largest = row.iter().fold(0.0_f64, |most, e| most.max(e.abs()));
        let growth: f64 = (0..powers.iter().sum::<usize>()).map(|_| root).product();
        sum += largest * growth;
    }
    sum / (2.0 * exponent).sqrt().sqrt()
}

/// `sqrt(2) pi^(5/4)/p`: its product for both sides over `sqrt(p + q)` is `2 pi^(5/2)/(p q sqrt(p + q))`.
pub(in crate::molecule) fn charge_factor(exponent: f64) -> f64 {
    std::f64::consts::SQRT_2 * std::f64::consts::PI.powf(1.25) / exponent
}

/// Pairs in lanes.
#[derive(Clone, Debug)]
pub(in crate::molecule) struct Batch {
    /// Positions in [`PairList::pairs`]; lanes that have no pair repeat the last one.
    pub pairs: [usize; LANES],
    /// How many lanes have a pair.
    pub filled: usize,
    /// Degree of the Hermite Gaussians.
    pub degree: usize,
    /// Products of functions of a pair.
    pub size: usize,
    /// Exponents by product of primitives.
    pub exponents: Vec<Lane>,
    /// Centres by product of primitives.
    pub centres: Vec<[Lane; 3]>,
    /// Coefficients by product, Hermite Gaussian and functions, times `(-1)^(t+u+v)`.
    pub coefficients: Vec<Lane>,
    /// The largest size of a product by position; they fall.
    pub sizes: Vec<f64>,
    /// The largest bound of its pairs.
    pub bound: f64,
}

impl Batch {
    /// Products of primitives that a lane lacks are repeated with coefficients of zero.
    pub(in crate::molecule) fn new(pairs: &[ShellPair], members: &[usize]) -> Self {
        let first = &pairs[members[0]];
        let lane_pair = |k: usize| members[k.min(members.len() - 1)];
        let lanes: [usize; LANES] = std::array::from_fn(lane_pair);
        let longest = members.iter().map(|m| pairs[*m].products.len()).max().unwrap_or(0);
        let (hermites, size) = (count(first.degree), first.size());
        let block = hermites * size;
        let mut batch = Self {
            pairs: lanes,
            filled: members.len(),
            degree: first.degree,
            size,
            exponents: vec![Lane::splat(1.0); longest],
            centres: vec![[Lane::ZERO; 3]; longest],
            coefficients: vec![Lane::ZERO; longest * block],
            sizes: vec![0.0; longest],
            bound: members.iter().fold(0.0, |most, m| pairs[*m].bound.max(most)),
        };
        let signs = &Order::table().signs;
        for (lane, pair) in lanes.iter().enumerate() {
            let pair = &pairs[*pair];
            for at in 0..longest {
                let own = at.min(pair.products.len() - 1);
                batch.exponents[at].0[lane] = pair.products[own].exponent;
                for axis in 0..3 {
                    batch.centres[at][axis].0[lane] = pair.products[own].centre[axis];
                }
                if own == at && lane < members.len() {
                    batch.sizes[at] = pair.sizes[at].max(batch.sizes[at]);
                    for k in 0..block {
                        batch.coefficients[at * block + k].0[lane] =
                            signs[k / size] * pair.coefficients[at * block + k];
                    }
                }
            }
        }
        batch
    }
}

impl Batch {
    /// The same pairs with their functions summed with a density, which makes one function of each: `rho_t = sum_cd m D_cd E_t^cd`, `m`
    /// the number of orders of the two shells.
    pub(in crate::molecule) fn contracted(&self, pairs: &[ShellPair], density: &Matrix) -> Self {
        let mut weights = vec![Lane::ZERO; self.size];
        for (lane, at) in self.pairs.iter().enumerate().take(self.filled) {
            let pair = &pairs[*at];
            for (k, [c, d]) in pair.each_product().enumerate() {
                weights[k].0[lane] = pair.orders() * density.at(c, d);
            }
        }
        let sum = |row: &[Lane]| {
            row.iter().zip(&weights).fold(Lane::ZERO, |sum, (e, weight)| sum + *e * *weight)
        };
        let coefficients = self.coefficients.chunks(self.size).map(sum).collect();
        Self { size: 1, coefficients, ..self.clone() }
    }
}

/// The pairs of shells of a molecule that are not negligible.
#[derive(Clone, Debug)]
pub(in crate::molecule) struct PairList {
    /// By class, and by falling number of products and bound within it.
    pub pairs: Vec<ShellPair>,
    /// The same pairs in lanes, in the same order.
    pub batches: Vec<Batch>,
    /// The shells that the pairs are of.
    pub shells: Vec<PlacedShell>,
}

impl PairList {
    pub(in crate::molecule) fn new(molecule: &Molecule, basis: &Basis, cutoff: f64) -> Self {
        let shells = PlacedShell::all(molecule, basis);
        let mut pairs = Vec::new();
        for i in 0..shells.len() {
            for j in 0..=i {
                let pair = ShellPair::new(&shells, i, j);
                if !pair.products.is_empty() {
                    pairs.push(pair);
                }
            }
        }
        let mut kernel = Kernel::new(0.0);
        for at in 0..pairs.len() {
            let batch = Batch::new(&pairs, &[at]);
            let block = kernel.run(&pairs[at], &batch);
            let n = batch.size;
            let largest = (0..n).fold(0.0_f64, |most, k| most.max(block[k * n + k].0[0]));
            pairs[at].bound = largest.sqrt();
        }
        let largest_bound = pairs.iter().fold(0.0, |most: f64, pair| most.max(pair.bound));
        pairs.retain(|pair| pair.bound * largest_bound > cutoff);
        let key = |p: &ShellPair| (p.class(), std::cmp::Reverse(p.products.len()));
        pairs.sort_by(|a, b| key(a).cmp(&key(b)).then(b.bound.total_cmp(&a.bound)));
        let mut batches = Vec::new();
        let mut start = 0;
        while start < pairs.len() {
            let class = pairs[start].class();
            let same = pairs[start..].iter().take(LANES).take_while(|p| p.class() == class).count();
            let members: Vec<usize> = (start..start + same).collect();
            batches.push(Batch::new(&pairs, &members));
            start += same;
        }
        Self { pairs, batches, shells }
    }
}
