//! A server's lives: what it has left after each way to end it.

use windlass_tests::redis::{Data, Options, Program, Saved, Server};

fn put(server: &Server, key: &str, value: &str) {
    server.command::<()>(&["SET", key, value]);
}

fn get(server: &Server, key: &str) -> Option<String> {
    server.command(&["GET", key])
}

fn durable(program: Program) -> Server {
    Server::start(Options::durable().program(program))
}

#[test]
fn a_killed_server_keeps_every_answered_write_and_is_another_run() {
    for program in Program::ALL {
        let mut server = durable(program);
        let run = server.info("run_id");
        (0..100).for_each(|number| put(&server, &format!("key-{number}"), "there"));
        server.restart(Data::Kept);
        assert_eq!(server.command::<u32>(&["DBSIZE"]), 100);
        assert!(run.is_some() && server.info("run_id") != run);
    }
}

#[test]
fn a_server_that_ends_when_asked_keeps_its_data() {
    let mut server = durable(Program::Redis);
    put(&server, "a", "1");
    server.stop();
    assert!(server.attempt::<()>(&["PING"]).is_err());
    server.restart(Data::Kept);
    assert_eq!(get(&server, "a").as_deref(), Some("1"));
}

#[test]
fn a_server_that_starts_with_none_of_its_data_is_empty() {
    let mut server = durable(Program::Redis);
    put(&server, "a", "1");
    server.restart(Data::None);
    assert_eq!(server.command::<u32>(&["DBSIZE"]), 0);
}

#[test]
fn a_server_that_starts_with_an_old_copy_has_gone_back_in_time() {
    for mut server in [durable(Program::Redis), durable(Program::Valkey), Server::start(Options::new())] {
        put(&server, "a", "old");
        let saved: Saved = server.save();
        put(&server, "a", "new");
        server.restart(Data::Saved(&saved));
        assert_eq!(get(&server, "a").as_deref(), Some("old"));
    }
}

/// Left in the log, as servers leave it that start from such a log by themselves, its beginning would be there again
/// after the next start.
#[test]
fn half_a_transaction_is_gone_for_good() {
    for program in Program::ALL {
        for cut in (40..=200).step_by(40) {
            let mut server = durable(program);
            server.command::<()>(&[
                "EVAL",
                "redis.call('SET', 'a', ARGV[1]) redis.call('SET', 'b', ARGV[1])",
                "0",
                LONG,
            ]);
            server.restart(Data::Cut(cut));
            put(&server, "c", "1");
            server.restart(Data::Kept);
            assert_eq!(server.command::<Vec<String>>(&["KEYS", "*"]), ["c"], "without {cut} bytes");
        }
    }
}

const LONG: &str = "a value that makes each of the two writes longer than what is cut away at first";

#[test]
fn a_cut_tail_loses_the_last_write_and_no_other() {
    for program in Program::ALL {
        let mut server = durable(program);
        put(&server, "a", "first");
        put(&server, "a", "last");
        server.restart(Data::Cut(3));
        assert_eq!(get(&server, "a").as_deref(), Some("first"));
    }
}

#[test]
fn a_paused_server_accepts_and_answers_nothing_until_it_goes_on() {
    let server = Server::start(Options::new());
    server.pause();
    let short = std::time::Duration::from_millis(300);
    let answer = server.client().get_connection_with_timeout(short).and_then(|mut connection| {
        connection.set_read_timeout(Some(short))?;
        redis::cmd("PING").query::<String>(&mut connection)
    });
    assert!(answer.unwrap_err().is_timeout());
    server.resume();
    assert_eq!(server.command::<String>(&["PING"]), "PONG");
}

#[test]
fn a_full_server_refuses_writes_and_evicts_nothing() {
    let server = Server::start(Options::new());
    put(&server, "a", "1");
    server.set("maxmemory", "1");
    let refused = server.attempt::<()>(&["SET", "b", "2"]).unwrap_err();
    assert_eq!(refused.code(), Some("OOM"));
    assert_eq!(get(&server, "a").as_deref(), Some("1"));
    server.set("maxmemory", "0");
    put(&server, "b", "2");
}

#[test]
fn a_server_that_is_full_from_the_start_says_so() {
    let server = Server::start(Options::new().full_at(1));
    assert_eq!(server.attempt::<()>(&["SET", "a", "1"]).unwrap_err().code(), Some("OOM"));
}

#[test]
fn a_promoted_replica_is_a_primary_when_it_starts_again() {
    let primary = durable(Program::Redis);
    let mut replica = Server::start(Options::durable().replica_of(primary.address()));
    put(&primary, "a", "1");
    replica.catch_up_with(&primary);
    replica.promote();
    replica.restart(Data::Kept);
    put(&replica, "a", "2");
    replica.follow(primary.address());
    replica.restart(Data::Kept);
    replica.catch_up_with(&primary);
    assert_eq!(get(&replica, "a").as_deref(), Some("1"));
}

#[test]
fn flushed_scripts_are_unknown() {
    let server = Server::start(Options::new());
    let sha: String = server.command(&["SCRIPT", "LOAD", "return 1"]);
    assert_eq!(server.command::<u32>(&["EVALSHA", &sha, "0"]), 1);
    server.flush_scripts();
    let refused = server.attempt::<u32>(&["EVALSHA", &sha, "0"]).unwrap_err();
    assert_eq!(refused.code(), Some("NOSCRIPT"));
}

#[test]
fn a_dropped_server_is_gone() {
    let server = Server::start(Options::new());
    let id = server.id().expect("it is alive");
    server.pause();
    drop(server);
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
}
