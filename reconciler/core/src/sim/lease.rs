//! The lease of a simulation: whoever asks gets it, whoever holds it.
//!
//! This is a lease that is broken at will, the hardest case for everything else: nothing here may rest on there being
//! one owner. Lease nodes have their place here, behind [`Lease::acquire`]: what they promise of themselves (I2 with
//! nodes that forget, I13) is judged where their protocol is.

use crate::id::Epoch;

/// The lease.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lease {
    last: Epoch,
}

impl Lease {
    /// Gives it to whoever asks.
    pub fn acquire(&mut self) -> Epoch {
        self.last = self.last.next();
        self.last
    }
}
