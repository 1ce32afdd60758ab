//! Compiles a generated tree a few times, or only reads it with `toml`: what `callgrind` counts instructions of.
//!
//! `measure toml|validate|compile JOBS [TIMES]`

use std::hint::black_box;

use toml::de::DeTable;
use windlass_compiler::world::Unreadable;
use windlass_compiler::{Environments, Options, World, compile, validate};

#[path = "../benches/generate/mod.rs"]
mod generate;

struct Memory(generate::Files);

impl World for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or(Unreadable::Missing)
    }

    fn specs(&self) -> Result<Vec<String>, Unreadable> {
        Ok(self.0.keys().cloned().collect())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let jobs = number(1, 10_000);
    let world = Memory(generate::tree(jobs, (jobs / 50).max(2)));
    for _ in 0..number(2, 1) {
        measured(arguments.first().map_or("validate", String::as_str), &world);
    }
}

#[inline(never)]
fn measured(what: &str, world: &Memory) {
    let options = Options { environments: Environments::One("prod".to_owned()), ..Options::default() };
    match what {
        "toml" => {
            for text in world.0.values() {
                black_box(DeTable::parse(text).is_ok());
            }
        }
        "compile" => drop(black_box(compile(world, &options))),
        _ => drop(black_box(validate(world, &options))),
    }
}
