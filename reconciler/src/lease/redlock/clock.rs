//! The time that validity is counted by.

use windlass_core::lease::Moment;

/// A clock that never goes back and goes on while the host sleeps.
pub trait Clock: Send + Sync + 'static {
    /// The time since an origin of its own.
    fn now(&self) -> Moment;
}

/// The system's: it counts suspended time, which the standard library's clock does not.
#[derive(Debug, Clone, Copy, Default)]
pub struct BootClock;

impl Clock for BootClock {
    fn now(&self) -> Moment {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Moment(time.try_into().unwrap_or_default())
    }
}
