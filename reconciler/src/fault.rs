//! Named points at which a test build can be killed or held up, between two durable steps each.
//!
//! `WINDLASS_FAULT_CRASH=name` kills the process at the point of that name, `name:3` at its third passing. With
//! `WINDLASS_FAULT_ONCE=file` only the first process of all that come there is killed, and leaves that file behind.
//! `WINDLASS_FAULT_GATE=name` makes the thread that comes there wait until the file `WINDLASS_FAULT_GATE_FILE` is
//! there, and leaves a file of that name with the extension `waiting` meanwhile.
//! `WINDLASS_FAULT_CUT=file` cuts the process off from its local clusters while that file is there.
//! `WINDLASS_FAULT_RULE_OFF=rule` switches a safety rule off. Without the feature `faults` nothing of this is there.

/// All points, in the order in which a job passes them.
pub const POINTS: &[&str] = &[
    "store.before-initialise",
    "store.after-initialise",
    "store.after-marker",
    "apply.before-commit",
    "store.before-commit",
    "store.after-commit",
    "apply.after-commit",
    "lease.after-lock",
    "lease.after-raise",
    "cluster.before-question",
    "status.before-commit",
    "status.after-commit",
    "create.before",
    "create.before-publish",
    "create.after-publish",
    "create.after",
    "activate.before",
    "supervisor.before-started",
    "supervisor.after-started",
    "supervisor.after-spawn",
    "supervisor.after-running",
    "activate.after-launch",
    "activate.after",
    "command.before-commit",
    "command.after-commit",
    "stop.before",
    "stop.before-request",
    "stop.after-request",
    "stop.after",
    "supervisor.before-ended",
    "supervisor.after-ended",
    "run.before-end",
    "run.after-end",
    "apply.before-end",
    "apply.after-end",
];

#[cfg(not(feature = "faults"))]
mod switch {
    /// Prepares this process for the faults that a test asked for.
    #[inline(always)]
    pub fn prepare() {}

    /// Dies or waits here, if a test asked for it.
    #[inline(always)]
    pub fn point(_name: &'static str) {}

    /// The same, where others must not be kept waiting.
    #[inline(always)]
    pub async fn passing(_name: &'static str) {}

    /// Whether a test has cut this process off from its local clusters.
    #[inline(always)]
    pub fn is_cut_off() -> bool {
        false
    }
}

#[cfg(feature = "faults")]
mod switch {
    use std::fs::{File, OpenOptions};
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};
    use windlass_core::fault::{Rule, switch_off_for_process};

    /// How often a gate is tried.
    const KNOCK: Duration = Duration::from_millis(5);

    static AT_CRASH: AtomicU32 = AtomicU32::new(0);
    static AT_GATE: AtomicU32 = AtomicU32::new(0);

    /// Prepares this process for the faults that a test asked for.
    pub fn prepare() {
        let Ok(asked) = std::env::var("WINDLASS_FAULT_RULE_OFF") else { return };
        let named = Rule::ALL.into_iter().find(|(_, name)| *name == asked);
        if let Some((rule, _)) = named {
            switch_off_for_process(rule);
        }
    }

    /// Dies or waits here, if a test asked for it.
    pub fn point(name: &'static str) {
        debug_assert!(super::POINTS.contains(&name), "{name} is not in the list");
        if is_asked("WINDLASS_FAULT_GATE", &AT_GATE, name) {
            wait();
        }
        if is_asked("WINDLASS_FAULT_CRASH", &AT_CRASH, name) && is_first() {
            // KILL cannot be caught or delayed: nothing runs after this line, no destructor and no flush.
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }

    /// The same, where others must not be kept waiting: the runtime's threads do their work.
    pub async fn passing(name: &'static str) {
        let _ = tokio::task::spawn_blocking(move || point(name)).await;
    }

    /// Whether a test has cut this process off from its local clusters.
    pub fn is_cut_off() -> bool {
        std::env::var_os("WINDLASS_FAULT_CUT").is_some_and(|file| PathBuf::from(file).exists())
    }

    fn is_asked(variable: &str, passed: &AtomicU32, name: &str) -> bool {
        let Ok(asked) = std::env::var(variable) else { return false };
        let (asked, times) = asked.split_once(':').unwrap_or((&asked, "1"));
        asked == name && passed.fetch_add(1, Ordering::SeqCst) + 1 == times.parse().unwrap_or(1)
    }

    fn is_first() -> bool {
        let Some(file) = std::env::var_os("WINDLASS_FAULT_ONCE") else { return true };
        OpenOptions::new().write(true).create_new(true).open(file).is_ok()
    }

    /// Keeps this thread, and no other, until the gate is opened.
    fn wait() {
        let Some(gate) = std::env::var_os("WINDLASS_FAULT_GATE_FILE").map(PathBuf::from) else { return };
        let _ = File::create(gate.with_extension("waiting"));
        while !gate.exists() {
            std::thread::sleep(KNOCK);
        }
    }
}

pub use switch::{is_cut_off, passing, point, prepare};
