use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener as Listener, TcpStream as Stream};
use std::time::Instant;

use super::*;
use crate::project::until;

/// Short enough to wait for nothing in, long enough for anything on loopback.
const SHORT: Duration = Duration::from_millis(200);

/// A server that sends back what it gets, until it is told that nothing more comes.
fn echo() -> SocketAddr {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let (mut from, mut to) = (stream.as_ref().unwrap(), stream.as_ref().unwrap());
                let _ = std::io::copy(&mut from, &mut to);
            });
        }
    });
    address
}

fn connect(proxy: &Proxy) -> Stream {
    let stream = Stream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn say(mut stream: &Stream, word: &str) {
    stream.write_all(word.as_bytes()).unwrap();
}

#[track_caller]
fn hears(mut stream: &Stream, word: &str) {
    let mut heard = vec![0; word.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(String::from_utf8_lossy(&heard), word);
}

/// What comes of listening for a short while.
fn listens(mut stream: &Stream) -> Result<usize, ErrorKind> {
    stream.set_read_timeout(Some(SHORT)).unwrap();
    let read = stream.read(&mut [0; 1]).map_err(|error| error.kind());
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    read
}

#[test]
fn a_healthy_proxy_passes_every_byte_and_the_end() {
    let proxy = Proxy::before(echo());
    let mut stream = connect(&proxy);
    let sent: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let mut heard = Vec::new();
    thread::scope(|scope| {
        let mut sender = stream.try_clone().unwrap();
        scope.spawn({
            let sent = &sent;
            move || {
                sender.write_all(sent).unwrap();
                sender.shutdown(std::net::Shutdown::Write).unwrap();
            }
        });
        stream.read_to_end(&mut heard).unwrap();
    });
    assert!(heard == sent);
    assert_eq!(Way::BOTH.map(|way| proxy.passed(way)), [3_000_000; 2]);
    until("the connection is over", || proxy.connections() == 0);
}

#[test]
fn what_is_held_back_arrives_once_healed() {
    for way in Way::BOTH {
        let mut proxy = Proxy::before(echo());
        let stream = connect(&proxy);
        say(&stream, "before");
        hears(&stream, "before");
        proxy.hold(way);
        say(&stream, "after");
        assert_eq!(listens(&stream), Err(ErrorKind::WouldBlock));
        proxy.heal();
        hears(&stream, "after");
    }
}

#[test]
fn one_way_lets_the_other_way_through() {
    let mut proxy = Proxy::before(echo());
    let stream = connect(&proxy);
    proxy.hold(Way::Back);
    say(&stream, "hello");
    until("the server has it", || proxy.passed(Way::There) == 5);
    assert_eq!((listens(&stream), proxy.passed(Way::Back)), (Err(ErrorKind::WouldBlock), 0));
}

#[test]
fn a_reset_loses_what_was_held_back() {
    let mut proxy = Proxy::before(echo());
    let stream = connect(&proxy);
    say(&stream, "first");
    hears(&stream, "first");
    proxy.cut();
    say(&stream, "lost");
    proxy.reset();
    assert_eq!((&stream).read(&mut [0; 1]).map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
    proxy.heal();
    let stream = connect(&proxy);
    say(&stream, "again");
    hears(&stream, "again");
    assert_eq!(proxy.passed(Way::There), "firstagain".len() as u64);
}

#[test]
fn a_delay_is_kept_and_does_not_add_up() {
    let mut proxy = Proxy::before(echo());
    let stream = connect(&proxy);
    Way::BOTH.into_iter().for_each(|way| proxy.delay(way, SHORT));
    let began = Instant::now();
    ["a", "b", "c"].into_iter().for_each(|word| say(&stream, word));
    hears(&stream, "a");
    assert!(began.elapsed() >= 2 * SHORT);
    hears(&stream, "bc");
}

#[test]
fn a_narrow_line_takes_its_time() {
    let mut proxy = Proxy::before(echo());
    let stream = connect(&proxy);
    proxy.throttle(Way::There, 1000);
    let began = Instant::now();
    say(&stream, &"x".repeat(300));
    hears(&stream, &"x".repeat(300));
    assert!(began.elapsed() >= Duration::from_millis(250));
}

#[test]
fn a_refusing_proxy_refuses_and_resets_until_it_is_healed() {
    let mut proxy = Proxy::before(echo());
    let stream = connect(&proxy);
    say(&stream, "x");
    hears(&stream, "x");
    proxy.refuse();
    assert_eq!((&stream).read(&mut [0; 1]).map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
    let refused = Stream::connect(proxy.address()).map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));
    proxy.heal();
    let stream = connect(&proxy);
    say(&stream, "y");
    hears(&stream, "y");
}

#[test]
fn a_half_open_connection_is_dead_for_ever() {
    let mut proxy = Proxy::before(echo());
    let old = connect(&proxy);
    say(&old, "x");
    hears(&old, "x");
    proxy.half_open();
    let new = connect(&proxy);
    until("both are connected", || proxy.connections() == 2);
    proxy.heal();
    for stream in [&old, &new] {
        say(stream, "hello?");
        assert_eq!(listens(stream), Err(ErrorKind::WouldBlock));
    }
    let healthy = connect(&proxy);
    say(&healthy, "hello");
    hears(&healthy, "hello");
    drop((old, new));
    until("the dead are gone with their clients", || proxy.connections() == 1);
}

#[test]
fn a_server_that_is_not_there_resets_the_client() {
    let nobody = Port::free();
    let proxy = Proxy::before(nobody.address());
    assert_eq!(
        (&connect(&proxy)).read(&mut [0; 1]).map_err(|error| error.kind()),
        Err(ErrorKind::ConnectionReset)
    );
}

#[tokio::test]
async fn a_closed_entrance_opens_again_while_a_copy_of_its_socket_lives() {
    let port = Port::free();
    let mut entrance = Entrance::open(port.address()).unwrap();
    // As a process has that was forked by another thread and has not begun its own program.
    let _copy = entrance.queue.try_clone().unwrap();
    for _ in 0..3 {
        entrance.turn(Door::Closed).unwrap();
        let refused = Stream::connect(port.address()).map_err(|error| error.kind());
        assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));
        entrance.turn(Door::Open).unwrap();
        let client = Stream::connect(port.address()).unwrap();
        assert_eq!(entrance.accept().await.peer_addr().unwrap(), client.local_addr().unwrap());
    }
}

#[test]
fn a_proxy_that_leads_elsewhere_leads_new_connections_there() {
    let nobody = Port::free();
    let mut proxy = Proxy::before(nobody.address());
    proxy.lead_to(echo());
    let stream = connect(&proxy);
    say(&stream, "hello");
    hears(&stream, "hello");
    proxy.lead_to(nobody.address());
    say(&stream, "still");
    hears(&stream, "still");
}

#[test]
fn a_dropped_proxy_closes_everything() {
    let mut proxy = Proxy::before(echo());
    let stream = connect(&proxy);
    say(&stream, "x");
    hears(&stream, "x");
    proxy.cut();
    let address = proxy.address();
    drop(proxy);
    assert!(!matches!((&stream).read(&mut [0; 1]), Ok(1..)));
    assert!(Stream::connect(address).is_err());
}
