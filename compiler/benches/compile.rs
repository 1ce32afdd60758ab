//! What compiling costs, beside merely reading the same files with the `toml` crate in the same run.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use toml::de::DeTable;
use windlass_compiler::world::Unreadable;
use windlass_compiler::{Compilation, Environments, Options, World, compile, validate};

mod generate;

/// A tree in memory, so that no file system is measured.
struct Memory(generate::Files);

impl Memory {
    fn of(jobs: usize) -> Self {
        Self(generate::tree(jobs, (jobs / 50).max(2)))
    }

    fn bytes(&self) -> u64 {
        self.0.values().map(|text| text.len() as u64).sum()
    }
}

impl World for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or(Unreadable::Missing)
    }

    fn specs(&self) -> Result<Vec<String>, Unreadable> {
        Ok(self.0.keys().cloned().collect())
    }
}

fn prod() -> Options {
    Options { environments: Environments::One("prod".to_owned()), ..Options::default() }
}

fn clean(compilation: Compilation) -> Compilation {
    assert!(compilation.diagnostics.is_empty(), "the generated tree is valid");
    compilation
}

/// The goal: at most three times `toml`.
fn beside_toml(criterion: &mut Criterion) {
    let world = Memory::of(10_000);
    let mut group = criterion.benchmark_group("10,000 jobs in 200 files");
    group.sample_size(20).throughput(Throughput::Bytes(world.bytes()));
    group.bench_function("toml", |bencher| {
        bencher.iter(|| {
            for path in world.specs().expect("memory can be listed") {
                let text = String::from_utf8(world.read(&path).expect("it is listed")).expect("it is text");
                black_box(DeTable::parse(&text).expect("the generated tree is valid"));
            }
        });
    });
    group.bench_function("validate", |bencher| bencher.iter(|| clean(validate(&world, &prod()))));
    group.bench_function("compile", |bencher| bencher.iter(|| clean(compile(&world, &prod()))));
    group.bench_function("validate two environments", |bencher| {
        bencher.iter(|| clean(validate(&world, &Options::default())));
    });
    group.finish();
}

/// The goal: at most eleven times as long for ten times as many jobs.
fn growth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("validate");
    group.sample_size(10);
    for jobs in [100, 1_000, 10_000, 100_000] {
        let world = Memory::of(jobs);
        group.throughput(Throughput::Elements(jobs as u64));
        group.bench_with_input(BenchmarkId::from_parameter(jobs), &world, |bencher, world| {
            bencher.iter(|| clean(validate(world, &prod())));
        });
    }
    group.finish();
}

criterion_group!(benches, beside_toml, growth);
criterion_main!(benches);
