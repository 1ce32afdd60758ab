//! Named points at which a test build can be killed, between two durable steps each.
//!
//! `WINDLASS_FAULT_CRASH=name` kills the process at the point of that name, `name:3` at its third passing. Without
//! the feature `faults` a point leaves no code behind.

/// All points, in the order in which a job passes them.
pub const POINTS: &[&str] = &[
    "apply.before-commit",
    "apply.after-commit",
    "status.before-commit",
    "status.after-commit",
    "create.before",
    "create.after",
    "activate.before",
    "activate.after",
    "stop.before",
    "stop.after",
    "command.before-commit",
    "command.after-commit",
    "apply.before-end",
];

/// Dies here, if a test asked for it.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn point(_name: &'static str) {}

/// Dies here, if a test asked for it.
#[cfg(feature = "faults")]
pub fn point(name: &'static str) {
    use std::sync::atomic::{AtomicU32, Ordering};

    static PASSED: AtomicU32 = AtomicU32::new(0);
    debug_assert!(POINTS.contains(&name), "{name} is not in the list");
    let Ok(asked) = std::env::var("WINDLASS_FAULT_CRASH") else { return };
    let (asked, times) = asked.split_once(':').unwrap_or((&asked, "1"));
    if asked == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == times.parse().unwrap_or(1) {
        let itself = rustix::process::getpid();
        // KILL cannot be caught or delayed: nothing runs after this line, no destructor and no flush.
        let _ = rustix::process::kill_process(itself, rustix::process::Signal::KILL);
    }
}
