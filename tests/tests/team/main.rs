//! A team's service under faults, one at a time: whatever is killed, held up, cut off or moved in time, the jobs' own
//! evidence shows one start per attempt, what was acknowledged takes effect, and everything converges afterwards.

mod clocks;
mod clusters;
mod commands;
mod crashes;
mod leases;
mod networks;
mod pauses;
mod restarts;
mod rollbacks;
mod rules;
mod stores;

use windlass_tests::team::Team;

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");

/// The streams of all pipelines.
const STREAMS: [&str; 3] = ["north.follow", "south.follow", "west.follow"];

/// Waits until every stream was started so many times, and fails if one was more often.
#[track_caller]
fn each_started(team: &Team, times: usize) {
    STREAMS.iter().for_each(|stream| team.has_started(stream, times));
}
