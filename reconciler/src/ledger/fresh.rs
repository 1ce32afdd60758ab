//! What was read or written since somebody asked last: whoever decides need not look at everything anew.

use std::collections::BTreeSet;

use windlass_core::dependents::Touched;

/// So many records are told one by one; more are everything.
const MANY: usize = 10_000;

/// The records that have changed.
#[derive(Debug, PartialEq, Eq)]
pub enum Fresh {
    /// These.
    Some(BTreeSet<Touched>),
    /// Everything was read anew, or something that everything rests on has changed, or too much to be told.
    All,
}

impl Default for Fresh {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl Fresh {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Some(some) if some.is_empty())
    }

    pub(super) fn add(&mut self, touched: Touched) {
        if let Self::Some(some) = self {
            some.insert(touched);
            if some.len() > MANY {
                *self = Self::All;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asks_for_does_not_grow_without_end() {
        let mut fresh = Fresh::default();
        let touch = |number: usize| Touched::Desired(format!("p.j{number}").parse().unwrap());
        (0..MANY).chain(0..MANY).for_each(|number| fresh.add(touch(number)));
        assert!(matches!(&fresh, Fresh::Some(some) if some.len() == MANY));
        fresh.add(touch(MANY));
        assert_eq!(fresh, Fresh::All);
    }
}
