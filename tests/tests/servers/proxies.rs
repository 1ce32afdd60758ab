//! What a Redis client sees of each fault of a proxy.

use std::time::{Duration, Instant};

use redis::{Connection, RedisResult};
use windlass_tests::project::until;
use windlass_tests::proxy::{Proxy, Way};
use windlass_tests::redis::{Options, Server};

/// What a client waits for an answer.
const SHORT: Duration = Duration::from_millis(300);

fn pair() -> (Server, Proxy) {
    let server = Server::start(Options::new());
    let proxy = Proxy::before(server.address());
    (server, proxy)
}

fn connect(server: &Server, proxy: &Proxy) -> RedisResult<Connection> {
    let connection = server.client_at(proxy.address()).get_connection_with_timeout(SHORT)?;
    connection.set_read_timeout(Some(SHORT))?;
    Ok(connection)
}

fn count(connection: &mut Connection) -> RedisResult<u64> {
    redis::cmd("INCR").arg("counter").query(connection)
}

#[test]
fn a_healthy_proxy_is_not_noticed() {
    let (server, proxy) = pair();
    let mut connection = connect(&server, &proxy).unwrap();
    assert_eq!((count(&mut connection).unwrap(), count(&mut connection).unwrap()), (1, 2));
}

#[test]
fn a_request_that_is_held_back_is_done_late() {
    let (server, mut proxy) = pair();
    let mut connection = connect(&server, &proxy).unwrap();
    proxy.hold(Way::There);
    assert!(count(&mut connection).unwrap_err().is_timeout());
    assert_eq!(server.command::<Option<u64>>(&["GET", "counter"]), None);
    proxy.heal();
    until("the request arrives", || server.command::<Option<u64>>(&["GET", "counter"]) == Some(1));
}

#[test]
fn a_request_whose_answer_is_lost_was_done_all_the_same() {
    let (server, mut proxy) = pair();
    let mut connection = connect(&server, &proxy).unwrap();
    proxy.hold(Way::Back);
    assert!(count(&mut connection).unwrap_err().is_timeout());
    assert_eq!(server.command::<u64>(&["GET", "counter"]), 1);
}

#[test]
fn a_request_that_was_held_back_when_its_connection_was_reset_is_never_done() {
    let (server, mut proxy) = pair();
    let mut connection = connect(&server, &proxy).unwrap();
    proxy.cut();
    assert!(count(&mut connection).unwrap_err().is_timeout());
    proxy.reset();
    proxy.heal();
    // The server has seen the end of the reset connection once only its own visitor is left.
    until("it is gone", || server.info("connected_clients").as_deref() == Some("1"));
    assert_eq!(server.command::<Option<u64>>(&["GET", "counter"]), None);
}

#[test]
fn a_reset_is_a_dropped_connection_and_the_next_one_works() {
    let (server, mut proxy) = pair();
    let mut connection = connect(&server, &proxy).unwrap();
    proxy.reset();
    assert!(count(&mut connection).unwrap_err().is_connection_dropped());
    assert_eq!(count(&mut connect(&server, &proxy).unwrap()).unwrap(), 1);
}

#[test]
fn a_refused_connection_says_so_at_once_and_works_once_healed() {
    let (server, mut proxy) = pair();
    let mut connection = connect(&server, &proxy).unwrap();
    proxy.refuse();
    assert!(count(&mut connection).is_err());
    assert!(connect(&server, &proxy).map(drop).unwrap_err().is_connection_refusal());
    proxy.heal();
    assert_eq!(count(&mut connect(&server, &proxy).unwrap()).unwrap(), 1);
}

#[test]
fn a_half_open_server_answers_neither_old_connections_nor_new_ones() {
    let (server, mut proxy) = pair();
    let mut connection = connect(&server, &proxy).unwrap();
    proxy.half_open();
    assert!(count(&mut connection).unwrap_err().is_timeout());
    let new = connect(&server, &proxy).and_then(|mut connection| count(&mut connection));
    assert!(new.unwrap_err().is_timeout());
    proxy.heal();
    assert!(count(&mut connection).is_err(), "the old connection is dead for ever");
    assert_eq!(count(&mut connect(&server, &proxy).unwrap()).unwrap(), 1);
}

#[test]
fn a_delayed_answer_takes_both_delays_and_a_long_one_is_a_timeout() {
    let (server, mut proxy) = pair();
    let mut connection = connect(&server, &proxy).unwrap();
    Way::BOTH.into_iter().for_each(|way| proxy.delay(way, SHORT / 10));
    connection.set_read_timeout(Some(100 * SHORT)).unwrap();
    let began = Instant::now();
    assert_eq!(count(&mut connection).unwrap(), 1);
    assert!(began.elapsed() >= SHORT / 5);
    connection.set_read_timeout(Some(SHORT)).unwrap();
    proxy.delay(Way::Back, 1000 * SHORT);
    assert!(count(&mut connection).unwrap_err().is_timeout());
}

#[test]
fn a_narrow_line_lets_a_large_answer_through_slowly() {
    let (server, mut proxy) = pair();
    server.command::<()>(&["SET", "large", &"x".repeat(100_000)]);
    let mut connection = connect(&server, &proxy).unwrap();
    connection.set_read_timeout(Some(100 * SHORT)).unwrap();
    proxy.throttle(Way::Back, 200_000);
    let began = Instant::now();
    let answer: String = redis::cmd("GET").arg("large").query(&mut connection).unwrap();
    assert!(answer.len() == 100_000 && began.elapsed() >= Duration::from_millis(400));
}

#[test]
fn a_replica_that_is_cut_off_and_promoted_has_lost_the_last_write() {
    let (primary, mut proxy) = pair();
    let replica = Server::start(Options::new().replica_of(proxy.address()));
    primary.command::<()>(&["SET", "a", "first"]);
    replica.catch_up_with(&primary);
    proxy.cut();
    primary.command::<()>(&["SET", "a", "last"]);
    replica.promote();
    assert_eq!(replica.command::<String>(&["GET", "a"]), "first");
    proxy.heal();
    replica.command::<()>(&["SET", "a", "of its own"]);
    assert_eq!(primary.command::<String>(&["GET", "a"]), "last");
}
