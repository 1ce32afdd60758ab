//! Servers together, and servers that let only some in.

use std::process::Command;
use std::time::Duration;

use redis::Client;
use windlass_tests::project::until;
use windlass_tests::redis::{Cluster, Options, Program, Sentinel, Server, tls, tool};

#[test]
fn a_replica_that_caught_up_has_the_last_write() {
    for program in Program::ALL {
        let primary = Server::start(Options::new().program(program).password("secret"));
        let options = Options::new().program(program).password("secret");
        let replica = Server::start(options.replica_of(primary.address()));
        primary.command::<()>(&["SET", "a", "1"]);
        replica.catch_up_with(&primary);
        assert_eq!(replica.command::<String>(&["GET", "a"]), "1");
        assert_eq!(replica.attempt::<()>(&["SET", "a", "2"]).unwrap_err().code(), Some("READONLY"));
    }
}

#[test]
fn a_replica_that_follows_another_takes_its_data() {
    let (first, second) = (Server::start(Options::new()), Server::start(Options::new()));
    first.command::<()>(&["SET", "a", "first"]);
    second.command::<()>(&["SET", "a", "second"]);
    second.follow(first.address());
    second.catch_up_with(&first);
    assert_eq!(second.command::<String>(&["GET", "a"]), "first");
}

#[test]
fn a_password_is_asked_for() {
    let server = Server::start(Options::new().password("secret"));
    let stranger = Client::open(format!("redis://{}", server.address())).unwrap();
    let refused = redis::cmd("GET").arg("a").exec(&mut stranger.get_connection().unwrap());
    assert_eq!(refused.unwrap_err().code(), Some("NOAUTH"));
}

#[test]
fn a_user_may_do_what_its_rules_say_and_no_more() {
    let server = Server::start(Options::new().users("user default off\nuser reader on >eyes ~a* +get +ping"));
    server.command::<()>(&["SET", "a", "1"]);
    let reader = Client::open(format!("redis://reader:eyes@{}", server.address())).unwrap();
    let mut reader = reader.get_connection().unwrap();
    assert_eq!(redis::cmd("GET").arg("a").query::<String>(&mut reader).unwrap(), "1");
    for refused in [redis::cmd("SET").arg("a").arg("2"), redis::cmd("GET").arg("b")] {
        assert_eq!(refused.exec(&mut reader).unwrap_err().code(), Some("NOPERM"));
    }
}

#[test]
fn tls_is_spoken_with_whoever_trusts_the_authority() {
    let server = Server::start(Options::new().tls());
    assert_eq!(ping_by_tls(&server, "authority.crt"), "PONG");
    assert_ne!(ping_by_tls(&server, "stranger.crt"), "PONG");
}

fn ping_by_tls(server: &Server, authority: &str) -> String {
    let (address, authority) = (server.tls_address(), tls(authority));
    let output = Command::new(tool(Program::Redis, "cli"))
        .args(["--tls", "-h", "localhost", "-p", &address.port().to_string(), "--cacert"])
        .arg(authority)
        .arg("PING")
        .output();
    String::from_utf8_lossy(&output.unwrap().stdout).trim().to_owned()
}

#[test]
fn a_cluster_of_three_sends_a_key_to_its_node() {
    for program in Program::ALL {
        let cluster = Cluster::start(&Options::new().program(program));
        let answers = cluster.nodes.iter().map(|node| node.attempt::<()>(&["SET", "{0}a", "1"]));
        let moved =
            answers.filter(|answer| answer.as_ref().is_err_and(|error| error.code() == Some("MOVED")));
        assert_eq!(moved.count(), 2);
    }
}

#[test]
fn a_sentinel_names_the_replica_once_the_primary_is_dead() {
    for program in Program::ALL {
        let mut primary = Server::start(Options::new().program(program));
        let replica = Server::start(Options::new().program(program).replica_of(primary.address()));
        replica.catch_up_with(&primary);
        let sentinel = Sentinel::watch(program, "team", primary.address(), Duration::from_millis(500));
        assert_eq!(sentinel.primary(), primary.address());
        sentinel.wait_for_replicas(1);
        primary.kill();
        until("the replica is the primary", || sentinel.primary() == replica.address());
        until("it takes writes", || replica.attempt::<()>(&["SET", "a", "1"]).is_ok());
    }
}
