//! What the tests on real processes share: a project in a folder of its own, commands that are run, killed and
//! held up there, and the evidence that its jobs leave. It judges the product from outside: by exit codes, files,
//! processes and records.
//!
//! For faults there are real servers (`redis`), the network between them (`proxy`), their clocks (`clock`),
//! stories of what goes wrong when (`nemesis`), and a judge of what was answered (`linearizability`). None of these
//! knows the product. `team` puts the product between them.
//!
//! `WINDLASS_TEST_SEED` repeats what is random, `WINDLASS_TEST_KILLS`, `WINDLASS_TEST_RACES` and
//! `WINDLASS_TEST_MINUTES` make it longer. `WINDLASS_TEST_JOBS` is the size of what is measured.
//! What the product can be made to do wrong in test builds stands in `windlass::fault` and `windlass_core::fault`.

pub mod clock;
pub mod evidence;
pub mod linearizability;
pub mod nemesis;
pub mod port;
pub mod processes;
pub mod project;
pub mod proxy;
pub mod records;
pub mod redis;
pub mod rules;
pub mod seed;
pub mod spec;
pub mod table;
pub mod team;
pub mod tenures;

pub use project::{Done, Project, Running};
