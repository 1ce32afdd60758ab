//! The parts of the fault tests, on real servers: each does to a server what its name says.

mod lives;
mod modes;
mod moved_clocks;
mod proxies;
mod stories;
