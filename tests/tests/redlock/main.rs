//! The lease over real Redis servers: that its scripts do what their model does, and what restarts, losses of memory
//! and pauses of a server do to it.

mod lives;
mod model;
mod peer;
mod scene;
mod tenures;
