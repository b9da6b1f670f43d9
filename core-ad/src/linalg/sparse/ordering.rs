//! An order of elimination that keeps the factors of a sparse matrix sparse.
//!
//! Minimum degree on a quotient graph with approximate degrees: Amestoy, Davis & Duff, "An approximate minimum degree ordering
//! algorithm", SIAM J. Matrix Anal. Appl. 17, 886 (1996), section 3, without supervariables.

use crate::sparse::Pattern;

/// The elimination in progress. What is eliminated becomes an element, the clique of its neighbours, and swallows the
/// elements that it touched.
struct Quotient {
    /// Neighbours of a variable that no element connects it with.
    variables: Vec<Vec<usize>>,
    /// Elements that a variable belongs to.
    elements: Vec<Vec<usize>>,
    /// Variables of an element; empty for what is none, or no more.
    members: Vec<Vec<usize>>,
    /// The last element that marked a variable as its member.
    marked_by: Vec<usize>,
    /// Members of an element that are outside of the newest one, and for which newest that was counted.
    outside: Vec<(usize, usize)>,
}

impl Quotient {
    /// Of the graph of `A + A^T`.
    fn new(pattern: &Pattern) -> Self {
        let n = pattern.rows();
        let mut variables = vec![Vec::new(); n];
        for i in 0..n {
            for &j in pattern.row(i).iter().filter(|j| **j != i) {
                variables[i].push(j);
                variables[j].push(i);
            }
        }
        for neighbours in &mut variables {
            neighbours.sort_unstable();
            neighbours.dedup();
        }
        Self {
            variables,
            elements: vec![Vec::new(); n],
            members: vec![Vec::new(); n],
            marked_by: vec![usize::MAX; n],
            outside: vec![(0, usize::MAX); n],
        }
    }

    /// Eliminates a variable; the members of the element that it becomes.
    fn eliminate(&mut self, pivot: usize) -> Vec<usize> {
        self.marked_by[pivot] = pivot;
        let mut members = Vec::new();
        let mut take = |candidates: &[usize], marked_by: &mut [usize]| {
            for &i in candidates {
                if marked_by[i] != pivot {
                    marked_by[i] = pivot;
                    members.push(i);
                }
            }
        };
        take(&std::mem::take(&mut self.variables[pivot]), &mut self.marked_by);
        for element in std::mem::take(&mut self.elements[pivot]) {
            take(&std::mem::take(&mut self.members[element]), &mut self.marked_by);
        }
        members.sort_unstable();
        for &i in &members {
            let (marked_by, alive) = (&self.marked_by, &self.members);
            self.variables[i].retain(|j| marked_by[*j] != pivot);
            self.elements[i].retain(|e| !alive[*e].is_empty());
        }
        // for every element that the new one touches: how many of its members are outside of the new one
        for &i in &members {
            for &element in &self.elements[i] {
                let (outside, counted_for) = &mut self.outside[element];
                if *counted_for != pivot {
                    (*outside, *counted_for) = (self.members[element].len(), pivot);
                }
                *outside -= 1;
            }
        }
        for &i in &members {
            // what has no member outside is swallowed
            let outside = &self.outside;
            self.elements[i].retain(|e| outside[*e].0 > 0);
            self.elements[i].push(pivot);
        }
        self.members[pivot].clone_from(&members);
        members
    }

    /// An upper bound of the number of neighbours of a member of the newest element.
    fn degree(&self, i: usize, newest: usize) -> usize {
        let beyond = self.elements[i].iter().filter(|e| **e != newest);
        let others: usize = beyond.map(|e| self.outside[*e].0).sum();
        self.variables[i].len() + self.members[newest].len() - 1 + others
    }
}

/// The rows of a square matrix in the order of their elimination.
pub(super) fn minimum_degree(pattern: &Pattern) -> Vec<usize> {
    let n = pattern.rows();
    let mut graph = Quotient::new(pattern);
    let mut order = Vec::with_capacity(n);
    let mut degree: Vec<usize> = graph.variables.iter().map(Vec::len).collect();
    // variables by degree; one that has changed its degree since it was put down is passed over
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); n];
    for i in (0..n).rev() {
        waiting[degree[i]].push(i);
    }
    let mut eliminated = vec![false; n];
    let mut least = 0;
    while order.len() < n {
        let Some(pivot) = waiting[least].pop() else {
            least += 1;
            continue;
        };
        if eliminated[pivot] || degree[pivot] != least {
            continue;
        }
        eliminated[pivot] = true;
        order.push(pivot);
        for i in graph.eliminate(pivot) {
            let bound = graph.degree(i, pivot).min(n - order.len());
            if bound != degree[i] {
                waiting[bound].push(i);
                degree[i] = bound;
                least = least.min(bound);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::minimum_degree;
    use crate::sparse::Pattern;

    #[test]
    fn an_arrow_is_eliminated_from_its_shaft_to_its_head() {
        let rows: Vec<Vec<usize>> =
            (0..9).map(|i| if i == 0 { (0..9).collect() } else { vec![0, i] }).collect();
        let order = minimum_degree(&Pattern::new(9, &rows));
        // the head has the degree of the last of the shaft only when one of it is left
        assert!(order[..7].iter().all(|i| *i != 0), "{order:?}");
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..9).collect::<Vec<_>>());
    }
}
