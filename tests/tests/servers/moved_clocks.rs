//! A server whose wall clock jumps.

use std::time::Duration;

use windlass_tests::project::until;
use windlass_tests::redis::{Data, Options, Program, Server};

const HOUR: Duration = Duration::from_secs(3600);

fn with_clock(program: Program) -> Server {
    Server::start(Options::durable().program(program).clock())
}

fn seconds(server: &Server) -> i64 {
    server.command::<(i64, i64)>(&["TIME"]).0
}

/// The seconds by which the first server is ahead of the second, in whole minutes: they are asked one after the
/// other.
fn minutes_ahead(moved: &Server, other: &Server) -> i64 {
    let (moved, other) = (seconds(moved), seconds(other));
    (moved - other + 30).div_euclid(60)
}

#[test]
fn a_jump_forward_expires_a_key_that_had_an_hour_to_live() {
    for program in Program::ALL {
        let server = with_clock(program);
        server.command::<()>(&["SET", "lock", "mine", "PX", "3600000"]);
        server.clock().forward(HOUR + HOUR);
        until("the key has expired", || server.command::<u32>(&["EXISTS", "lock"]) == 0);
    }
}

#[test]
fn a_jump_back_keeps_a_key_an_hour_longer() {
    let server = with_clock(Program::Redis);
    server.command::<()>(&["SET", "lock", "mine", "PX", "60000"]);
    server.clock().back(HOUR);
    until("the server has seen its clock", || server.command::<i64>(&["PTTL", "lock"]) > 3_600_000);
}

#[test]
fn only_the_moved_server_is_elsewhere_in_time() {
    let (moved, other) = (with_clock(Program::Redis), with_clock(Program::Redis));
    assert_eq!(minutes_ahead(&moved, &other), 0);
    moved.clock().forward(HOUR);
    assert_eq!(minutes_ahead(&moved, &other), 60);
    moved.clock().back(HOUR + HOUR);
    assert_eq!(minutes_ahead(&moved, &other), -60);
    moved.clock().show_true_time();
    assert_eq!(minutes_ahead(&moved, &other), 0);
}

#[test]
fn a_jump_back_does_not_move_the_monotonic_clock() {
    let server = with_clock(Program::Redis);
    server.clock().back(24 * HOUR);
    server.command::<()>(&["SET", "lock", "mine", "PX", "50"]);
    // Nobody asks for the key: it is found by a timer, and timers go by the monotonic clock.
    until("the timer has expired the key", || server.info("expired_keys").as_deref() == Some("1"));
}

#[test]
fn a_restarted_server_is_still_elsewhere_in_time() {
    let (mut moved, other) = (with_clock(Program::Redis), with_clock(Program::Redis));
    moved.clock().forward(HOUR);
    moved.restart(Data::Kept);
    assert_eq!(minutes_ahead(&moved, &other), 60);
}
