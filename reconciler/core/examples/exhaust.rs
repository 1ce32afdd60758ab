//! Searches small worlds completely: `exhaust [LIMIT]`. One row for each kind of cluster and mode, with growing bounds.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::time::Instant;

use windlass_compiler::model::Mode;
use windlass_core::sim::exhaustive::{Bounds, search};
use windlass_core::sim::kind::Kind;

fn main() {
    let limit = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5_000_000);
    for kind in Kind::ALL {
        for mode in [Mode::Stream, Mode::Batch] {
            for (what, bounds) in wider(Bounds::small(kind, mode)) {
                let began = Instant::now();
                let found = search(&bounds, limit);
                println!("{} {mode:?}, {what}: {found} in {:.1?}", kind.name(), began.elapsed());
            }
        }
    }
}

/// The small bounds, and what is added to them one by one.
fn wider(small: Bounds) -> [(&'static str, Bounds); 5] {
    [
        ("small", small),
        ("no fence", Bounds { fence: false, ..small }),
        ("a mishap of the cluster", Bounds { mishaps: 1, ..small }),
        ("a silence", Bounds { silences: 1, ..small }),
        ("a retry, two commands", Bounds { retries: 1, commands: 2, late: 1, ..small }),
    ]
}
