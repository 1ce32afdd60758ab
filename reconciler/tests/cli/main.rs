//! The command line as a user and a script meet it: what is printed where, and how it ends. Offline commands only.

mod invocation;

mod help;
mod output;
mod revisions;
mod simulate;
mod specs;
mod usage;
