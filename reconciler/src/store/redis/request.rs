//! Tells the requests of one process apart and in order, so that one which comes late, after it was settled as not
//! done, is known by its number. The numbers rise with the clock only so that those of all processes can be
//! forgotten roughly in the order of their age; nothing else rests on it.

use std::hash::{BuildHasher, RandomState};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The process, and the number of a request of it.
pub(super) struct Ticket {
    /// Drawn by chance when the process starts.
    pub(super) process: String,
    /// Higher than that of every earlier request of the process, and below 2^53.
    pub(super) number: u64,
}

impl Ticket {
    /// The next one.
    pub(super) fn next() -> Self {
        static PROCESS: LazyLock<String> =
            LazyLock::new(|| format!("{:016x}", RandomState::new().hash_one(process::id())));
        static LAST: AtomicU64 = AtomicU64::new(0);
        let now = u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or_default();
        let later = |last: u64| Some(now.max(last + 1));
        let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later).unwrap_or_default();
        Self { process: PROCESS.clone(), number: now.max(last + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_a_higher_number_that_redis_can_count() {
        let numbers: Vec<u64> = (0..1000).map(|_| Ticket::next().number).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next));
        assert!(numbers.iter().all(|number| *number < 1 << 53));
    }
}
