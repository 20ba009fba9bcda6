//! Where the next page of a list begins: the key of the last thing told, so that a list that changes meanwhile skips
//! nothing and repeats nothing.

use axum::http::StatusCode;
use serde::Serialize;

use crate::problem::Problem;

/// Things on one page unless the caller wishes otherwise.
const DEFAULT: u16 = 50;
/// Things on one page at most.
const MOST: u16 = 200;

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Listing<T> {
    /// The things, in the order of the list.
    pub(super) items: Vec<T>,
    /// Give this as `cursor` to get the next page; null on the last one.
    pub(super) next: Option<String>,
}

/// How many things the caller wishes.
pub(super) fn limit(wish: Option<u16>) -> Result<usize, Problem> {
    match wish.unwrap_or(DEFAULT) {
        found @ 1..=MOST => Ok(usize::from(found)),
        _ => Err(Problem::bad_request("limit", format!("`limit` is a number from 1 to {MOST}."))),
    }
}

/// A key as a cursor. Cursors are opaque, so that nobody builds them.
pub(super) fn wrap(key: &str) -> String {
    hex::encode(key)
}

/// The key of a cursor.
pub(super) fn unwrap(cursor: &str) -> Result<String, Problem> {
    let text = hex::decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.filter(|key| wrap(key) == cursor).ok_or_else(gone)
}

/// The cursor leads nowhere (any more).
pub(super) fn gone() -> Problem {
    let detail = "The place of this cursor is not in the list (any more): begin again without `cursor`.";
    Problem::new(StatusCode::NOT_FOUND, "cursor", detail)
}

/// The page of `all` after the one whose key is in `cursor`.
pub(super) fn slice<T>(
    all: Vec<T>,
    cursor: Option<&str>,
    limit: usize,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let start = match cursor {
        None => 0,
        Some(cursor) => {
            let wanted = unwrap(cursor)?;
            all.iter().position(|item| key(item) == wanted).ok_or_else(gone)? + 1
        }
    };
    let more = all.len() > start.saturating_add(limit);
    let page: Vec<T> = all.into_iter().skip(start).take(limit).collect();
    let next = page.last().filter(|_| more).map(|last| wrap(&key(last)));
    Ok((page, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap() {
        let all = || vec!["a", "b", "в", "d"];
        let (first, next) = slice(all(), None, 3, |item| (*item).to_owned()).unwrap();
        assert_eq!(first, ["a", "b", "в"]);
        let (second, end) = slice(all(), next.as_deref(), 3, |item| (*item).to_owned()).unwrap();
        assert_eq!((second, end), (vec!["d"], None));
        for bad in ["zz", "00ff", "616", &wrap("gone"), ""] {
            let problem = slice(all(), Some(bad), 3, |item| (*item).to_owned()).unwrap_err();
            assert_eq!(problem.status(), StatusCode::NOT_FOUND, "{bad}");
        }
        assert!(limit(Some(0)).is_err() && limit(Some(201)).is_err());
        assert_eq!((limit(None).unwrap(), limit(Some(200)).unwrap()), (50, 200));
    }
}
