//! How far two words are apart.

/// The Damerau–Levenshtein distance (optimal string alignment) of two words when it is at most `limit`;
/// `None` when it is greater. Cost: length × length, and nothing when the lengths differ by more than `limit`.
#[must_use]
pub fn distance_within(a: &[char], b: &[char], limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        let mut best = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let mut cost =
                (cell(&row, j) + usize::from(x != y)).min(cell(&row, j + 1) + 1).min(cell(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                cost = cost.min(cell(&before, j - 1) + 1);
            }
            best = best.min(cost);
            next.push(cost);
        }
        if best > limit {
            return None;
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        distance_within(&a, &b, limit)
    }

    #[test]
    fn counts_edits_and_swaps() {
        assert_eq!(distance("джолион", "джалион", 2), Some(1));
        assert_eq!(distance("камри", "карми", 2), Some(1));
        assert_eq!(distance("крета", "крета", 1), Some(0));
        assert_eq!(distance("солярис", "салярес", 2), Some(2));
        assert_eq!(distance("солярис", "салярес", 1), None);
        assert_eq!(distance("рио", "соната", 2), None);
        assert_eq!(distance("", "", 0), Some(0));
    }
}
