//! `sort`: PHP's own algorithm, because its comparison is no total order and the result shows it.

use std::cmp::Ordering;

use super::arg;
use crate::error::Error;
use crate::run::Rt;
use crate::value::{Array, Key, V, Value};

/// Below this many elements PHP sorts by insertion.
const INSERTION: usize = 16;

/// An element with its place before sorting, which decides between equals.
struct Item {
    key: Key,
    value: Value,
    place: usize,
}

struct Sorter<'s, F: FnMut(&Value, &Value) -> Result<Ordering, Error>> {
    items: &'s mut [Item],
    compare: F,
}

impl<F: FnMut(&Value, &Value) -> Result<Ordering, Error>> Sorter<'_, F> {
    /// Whether an element belongs after another.
    fn after(&mut self, a: usize, b: usize) -> Result<bool, Error> {
        let (Some(x), Some(y)) = (self.items.get(a), self.items.get(b)) else { return Ok(false) };
        Ok(match (self.compare)(&x.value, &y.value)? {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => x.place > y.place,
        })
    }

    fn order(&mut self, places: &[usize]) -> Result<(), Error> {
        // Three are sorted by a network, each further one is sunk in.
        let [a, b, rest @ ..] = places else { return Ok(()) };
        let [c, rest @ ..] = rest else {
            if self.after(*a, *b)? {
                self.items.swap(*a, *b);
            }
            return Ok(());
        };
        if !self.after(*a, *b)? {
            if self.after(*b, *c)? {
                self.items.swap(*b, *c);
                if self.after(*a, *b)? {
                    self.items.swap(*a, *b);
                }
            }
        } else if !self.after(*c, *b)? {
            self.items.swap(*a, *c);
        } else {
            self.items.swap(*a, *b);
            if self.after(*b, *c)? {
                self.items.swap(*b, *c);
            }
        }
        for last in 0..rest.len() {
            let mut at = 3 + last;
            while at > 0 {
                let (Some(x), Some(y)) = (places.get(at - 1), places.get(at)) else { break };
                if !self.after(*x, *y)? {
                    break;
                }
                self.items.swap(*x, *y);
                at -= 1;
            }
        }
        Ok(())
    }

    /// Moves an element back to a place.
    fn move_back(&mut self, from: usize, to: usize) {
        if let Some(range) = self.items.get_mut(to..=from) {
            range.rotate_right(1);
        }
    }

    fn insertion(&mut self, start: usize, end: usize) -> Result<(), Error> {
        let count = end - start;
        if count <= 5 {
            let places: Vec<usize> = (start..end).collect();
            return self.order(&places);
        }
        let sentry = start + 6;
        for i in start + 1..end {
            let mut j = i - 1;
            if !self.after(j, i)? {
                continue;
            }
            if i < sentry {
                while j != start {
                    j -= 1;
                    if !self.after(j, i)? {
                        j += 1;
                        break;
                    }
                }
            } else {
                // Two steps back at a time.
                loop {
                    j -= 2;
                    if !self.after(j, i)? {
                        j += 1;
                        if !self.after(j, i)? {
                            j += 1;
                        }
                        break;
                    }
                    if j == start {
                        break;
                    }
                    if j == start + 1 {
                        j -= 1;
                        if self.after(i, j)? {
                            j += 1;
                        }
                        break;
                    }
                }
            }
            self.move_back(i, j);
        }
        Ok(())
    }

    fn sort(&mut self, mut start: usize, mut end: usize) -> Result<(), Error> {
        loop {
            let count = end - start;
            if count <= INSERTION {
                return self.insertion(start, end);
            }
            let offset = count >> 1;
            let mut pivot = start + offset;
            if count >> 10 != 0 {
                let delta = offset >> 1;
                self.order(&[start, start + delta, pivot, pivot + delta, end - 1])?;
            } else {
                self.order(&[start, pivot, end - 1])?;
            }
            self.items.swap(start + 1, pivot);
            pivot = start + 1;
            let i = self.partition(pivot, end)?;
            self.items.swap(pivot, i - 1);
            if i - 1 - start < end - i {
                self.sort(start, i - 1)?;
                start = i;
            } else {
                self.sort(i, end)?;
                end = i - 1;
            }
        }
    }

    fn partition(&mut self, pivot: usize, end: usize) -> Result<usize, Error> {
        let mut i = pivot + 1;
        let mut j = end - 1;
        loop {
            while self.after(pivot, i)? {
                i += 1;
                if i == j {
                    return Ok(i);
                }
            }
            j -= 1;
            if j == i {
                return Ok(i);
            }
            while self.after(j, pivot)? {
                j -= 1;
                if j == i {
                    return Ok(i);
                }
            }
            self.items.swap(i, j);
            i += 1;
            if i == j {
                return Ok(i);
            }
        }
    }
}

/// Sorts an array by a comparison, keys kept.
fn sort_by(
    array: &Array,
    compare: impl FnMut(&Value, &Value) -> Result<Ordering, Error>,
) -> Result<Array, Error> {
    let mut items: Vec<Item> = array
        .iter()
        .enumerate()
        .map(|(place, (key, value))| Item { key: key.to_key(), value: value.clone(), place })
        .collect();
    let end = items.len();
    Sorter { items: &mut items, compare }.sort(0, end)?;
    Ok(Array::of_different(items.into_iter().map(|item| (item.key, item.value))))
}

/// The `sort` filter.
pub(super) fn sort(rt: &mut Rt<'_>, args: &[V<'_>]) -> Result<Value, Error> {
    let value = arg(args, 0);
    let Some(pairs) = value.to_pairs() else {
        return Err(Error::runtime(format!(
            "The \"sort\" filter expects a sequence or a mapping, got \"{}\".",
            value.type_name()
        )));
    };
    let arrow = arg(args, 1);
    if arrow.is_null() {
        return Ok(sort_by(&pairs, |a, b| Ok(a.compare(b)))?.into());
    }
    let complaint = "uasort(): Argument #2 ($callback) must be a valid callback, {why}";
    let mut call = super::arrow::callable(rt, arrow, "sort", "filter", complaint)?;
    let sorted = sort_by(&pairs, |a, b| {
        let mut ask = |x: &Value, y: &Value| call.call(rt, &[x.clone(), y.clone()]);
        let result = ask(a, b)?;
        if matches!(result, Value::Bool(false)) {
            // A comparison that answers true or false is asked the other way round as well.
            return Ok(if ask(b, a)?.truthy() { Ordering::Less } else { Ordering::Equal });
        }
        Ok(result.to_int().cmp(&0))
    })?;
    Ok(sorted.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_is_sorted() {
        for n in [0_i64, 1, 2, 3, 4, 5, 6, 15, 16, 17, 40, 1500] {
            let items: Vec<Value> = (0..n).map(|i| Value::Int((i * 7919 + 13) % 1009)).collect();
            let sorted = sort_by(&Array::from(items.clone()), |a, b| Ok(a.compare(b))).unwrap();
            let got: Vec<i64> = sorted.values().map(Value::to_int).collect();
            let mut want: Vec<i64> = items.iter().map(Value::to_int).collect();
            want.sort_unstable();
            assert_eq!(got, want, "{n}");
        }
    }

    #[test]
    fn equals_keep_their_order() {
        let array: Array =
            [("b", 1), ("a", 0), ("c", 1), ("d", 0)].map(|(k, v)| (k, Value::Int(v))).into_iter().collect();
        let sorted = sort_by(&array, |a, b| Ok(a.compare(b))).unwrap();
        let keys: Vec<String> = sorted.keys().map(|k| k.to_string()).collect();
        assert_eq!(keys, ["a", "d", "b", "c"]);
    }
}
