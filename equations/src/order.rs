//! An order in which things that need each other can be computed.

/// The things that `roots` need, each after those that it needs itself.
///
/// # Errors
/// A round of things that need each other, its first one again at its end.
pub(crate) fn order(
    needs: &[Vec<usize>],
    roots: impl IntoIterator<Item = usize>,
) -> Result<Vec<usize>, Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; needs.len()];
    let mut ordered = Vec::new();
    for root in roots {
        // what is open, and how many of its needs have been looked at
        let mut path: Vec<(usize, usize)> = Vec::new();
        if marks[root] == Mark::New {
            marks[root] = Mark::Open;
            path.push((root, 0));
        }
        while let Some((thing, seen)) = path.last_mut() {
            let thing = *thing;
            let Some(&next) = needs[thing].get(*seen) else {
                marks[thing] = Mark::Done;
                ordered.push(thing);
                path.pop();
                continue;
            };
            *seen += 1;
            match marks[next] {
                Mark::Done => {}
                Mark::New => {
                    marks[next] = Mark::Open;
                    path.push((next, 0));
                }
                Mark::Open => {
                    let first = path.iter().position(|(k, _)| *k == next).unwrap_or(0);
                    let round = path[first..].iter().map(|(k, _)| *k);
                    return Err(round.chain([next]).collect());
                }
            }
        }
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn needs_come_first_and_rounds_are_named() {
        let needs = [vec![1, 2], vec![2], vec![], vec![4], vec![3]];
        assert_eq!(order(&needs, [0]), Ok(vec![2, 1, 0]));
        assert_eq!(order(&needs, [3]), Err(vec![3, 4, 3]));
        let chain: Vec<Vec<usize>> = (0..100_000).map(|k| vec![k + 1]).chain([vec![]]).collect();
        assert_eq!(order(&chain, [0]).map(|o| o.len()), Ok(100_001));
    }
}
