//! The local cluster on real processes.

mod damage;
mod identity;
mod losses;
mod output;
mod runs;
mod stops;
mod world;
