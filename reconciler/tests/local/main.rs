//! The local cluster on real processes.

mod damage;
#[cfg(feature = "faults")]
mod faults;
mod identity;
mod losses;
mod output;
mod runs;
mod stops;
mod world;
