//! Groups of columns that share no row.

use super::Pattern;

/// Columns in groups, so that the sum of a group's columns shows each of its entries alone.
#[derive(Clone, Debug)]
pub struct Colouring {
    pattern: Pattern,
    colour: Vec<usize>,
    colours: usize,
}

impl Colouring {
    /// Greedy distance-2 colouring: each column in turn takes the least colour that none of its neighbours has. At most
    /// one more colour than the largest number of neighbours; a band of width `w` gets `w`.
    pub fn columns(pattern: &Pattern) -> Self {
        let mut rows_of: Vec<Vec<usize>> = vec![Vec::new(); pattern.cols()];
        for i in 0..pattern.rows() {
            pattern.row(i).iter().for_each(|j| rows_of[*j].push(i));
        }
        let mut colour = vec![usize::MAX; pattern.cols()];
        // the column that last forbade each colour
        let mut forbidden: Vec<usize> = Vec::new();
        for j in 0..pattern.cols() {
            for other in rows_of[j].iter().flat_map(|i| pattern.row(*i)) {
                if let Some(taken) = forbidden.get_mut(colour[*other]) {
                    *taken = j;
                }
            }
            let free = forbidden.iter().position(|by| *by != j).unwrap_or(forbidden.len());
            if free == forbidden.len() {
                forbidden.push(usize::MAX);
            }
            colour[j] = free;
        }
        Self { pattern: pattern.clone(), colour, colours: forbidden.len() }
    }

    /// Number of colours: directions that a Jacobian needs.
    pub fn colours(&self) -> usize {
        self.colours
    }

    /// Colour of column `j`.
    pub fn of(&self, j: usize) -> usize {
        self.colour[j]
    }

    /// What was coloured.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }
}
