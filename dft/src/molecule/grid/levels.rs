//! How many points an atom has.

use super::lebedev::Rule;
use super::partition::bragg_radius_bohr;
use super::{GridError, GridOptions, Pruning};

/// The highest level.
pub(super) const MAX_LEVEL: usize = 8;

/// Radial points by level and period, as PySCF's.
const RADIAL: [[usize; 7]; MAX_LEVEL + 1] = [
    [10, 15, 20, 30, 35, 40, 50],
    [30, 40, 50, 60, 65, 70, 75],
    [40, 60, 65, 75, 80, 85, 90],
    [50, 75, 80, 90, 95, 100, 105],
    [60, 90, 95, 105, 110, 115, 120],
    [70, 105, 110, 120, 125, 130, 135],
    [80, 120, 125, 135, 140, 145, 150],
    [90, 135, 140, 150, 155, 160, 165],
    [100, 150, 155, 165, 170, 175, 180],
];

/// Degrees of the angular rule by level and period, as PySCF's.
const DEGREE: [[usize; 7]; MAX_LEVEL + 1] = [
    [11, 15, 17, 17, 17, 17, 17],
    [17, 23, 23, 23, 23, 23, 23],
    [23, 29, 29, 29, 29, 29, 29],
    [29, 29, 35, 35, 35, 35, 35],
    [35, 41, 41, 41, 41, 41, 41],
    [41, 47, 47, 47, 47, 47, 47],
    [47, 53, 53, 53, 53, 53, 53],
    [53, 59, 59, 59, 59, 59, 59],
    [59, 59, 59, 59, 59, 59, 59],
];

/// Last elements of the periods before the last.
const PERIOD_ENDS: [usize; 6] = [2, 10, 18, 36, 54, 86];

/// Number of radial points, and the angular rule of the valence.
pub(super) fn size(
    options: &GridOptions,
    number: usize,
) -> Result<(usize, &'static Rule), GridError> {
    if let Some([radial, angular]) = options.points {
        let rule = Rule::of_points(angular).ok_or_else(|| GridError::Angular {
            found: angular,
            known: Rule::known().map(|n| n.to_string()).collect::<Vec<_>>().join(", "),
        })?;
        return if radial == 0 { Err(GridError::Radial) } else { Ok((radial, rule)) };
    }
    let period = PERIOD_ENDS.iter().filter(|end| number > **end).count();
    let level = options.level;
    let (Some(radial), Some(degree)) = (RADIAL.get(level), DEGREE.get(level)) else {
        return Err(GridError::Level { found: level });
    };
    let rule = Rule::of_degree(degree[period]);
    Ok((radial[period], rule.ok_or(GridError::Level { found: level })?))
}

/// Bounds between the regions of an atom, in Bragg radii, by rows H-He, Li-Ne and beyond.
const BOUNDS: [[f64; 4]; 3] =
    [[0.25, 0.5, 1.0, 4.5], [0.1667, 0.5, 0.9, 3.5], [0.1, 0.4, 0.8, 2.5]];

/// The angular rule at a distance from a nucleus.
///
/// The five regions of Gill, Johnson & Pople, Chem. Phys. Lett. 209, 506 (1993), doi:10.1016/0009-2614(93)80125-9, in Bragg radii, with
/// the rules that NWChem takes for them.
pub(super) fn at_radius(
    pruning: Pruning,
    rule: &'static Rule,
    number: usize,
    radius_bohr: f64,
) -> &'static Rule {
    if pruning == Pruning::None || rule.points < 50 {
        return rule;
    }
    let row = usize::from(number > 2) + usize::from(number > 10);
    let ratio = radius_bohr / bragg_radius_bohr(number);
    let region = BOUNDS[row].iter().filter(|bound| ratio > **bound).count();
    let larger: Vec<usize> = Rule::known().filter(|n| *n >= 38).collect(); // 38, 50, 74, ...
    let last = larger.iter().position(|n| *n == rule.points).unwrap_or(0);
    let by_region =
        if rule.points == 50 { [1, 2, 2, 2, 1] } else { [1, 3, last - 1, last, last - 1] };
    Rule::of_points(larger[by_region[region]]).unwrap_or(rule)
}
