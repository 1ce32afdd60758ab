//! Searches small worlds completely: `exhaust [LIMIT [WORD]]`. One row for each kind of cluster and mode, with wider
//! bounds; with a word only the rows that say it. Fails if a promise is broken that should hold, or if bounds were not searched completely.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::process::ExitCode;
use std::time::Instant;

use windlass_compiler::model::Mode;
use windlass_core::sim::exhaustive::{Bounds, search};
use windlass_core::sim::kind::Kind;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let limit = args.first().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let asked = |what: &str| args.get(1).is_none_or(|word| what.contains(word.as_str()));
    let mut good = true;
    for kind in Kind::ALL {
        for mode in [Mode::Stream, Mode::Batch] {
            for (what, bounds) in wider(Bounds::small(kind, mode)).into_iter().filter(|(what, _)| asked(what))
            {
                let began = Instant::now();
                let found = search(&bounds, limit);
                println!("{} {mode:?}, {what}: {found}, {:.1?}", kind.name(), began.elapsed());
                good &= found.violation.is_none() && found.is_complete;
            }
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The small bounds, and what is added to them in place of the crash, or of the crash and the late
/// request.
fn wider(small: Bounds) -> [(&'static str, Bounds); 5] {
    let calm = Bounds { crashes: 0, ..small };
    [
        ("small", small),
        ("a mishap of the cluster for the crash", Bounds { mishaps: 1, ..calm }),
        ("a silence for the crash", Bounds { silences: 1, ..calm }),
        ("an owner of the same epoch for crash and take-over", Bounds { take_overs: 0, twins: 1, ..calm }),
        ("a retry and a second command for both", Bounds { retries: 1, commands: 2, late: 0, ..calm }),
    ]
}
