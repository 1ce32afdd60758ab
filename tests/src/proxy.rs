//! A TCP proxy on loopback, between a client and a server, that does what networks do: delays, holds back, goes
//! silent, refuses, resets, narrows. A test switches it while it runs; what holds when a switch returns holds for
//! every byte that is sent from then on.
//!
//! TCP loses no bytes in the middle of a stream, and neither does this: what is held back arrives late, once
//! healed, or never, if the connection is reset before. One thing differs from a network that drops packets: a
//! connection that is opened meanwhile is accepted and then hears nothing, because the kernel does the accepting.

mod carry;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::{Shutdown, listen, shutdown};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::port::Port;

/// So many clients can connect before they are let in.
const BACKLOG: i32 = 128;

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// From the client to the server.
    There,
    /// From the server to the client.
    Back,
}

impl Way {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::There, Self::Back];
}

/// A proxy. Dropping it ends its thread and closes its connections.
#[derive(Debug)]
pub struct Proxy {
    port: Port,
    conduct: Conduct,
    orders: Option<UnboundedSender<Order>>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

/// What a proxy does with connections and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Conduct {
    /// Where new connections lead.
    server: SocketAddr,
    door: Door,
    there: Flow,
    back: Flow,
    /// Counts the resets: a connection of an earlier era is reset.
    era: u64,
    /// Counts the silences: a connection from before the last one is dead.
    silences: u64,
}

/// What happens to whoever connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Door {
    #[default]
    Open,
    Silent,
    Closed,
}

/// What happens to bytes of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Flow {
    held: bool,
    delay: Duration,
    bytes_per_second: Option<u64>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicUsize,
    there: AtomicU64,
    back: AtomicU64,
}

/// A new conduct, and where to say that it holds.
type Order = (Conduct, mpsc::Sender<()>);

impl Proxy {
    /// A proxy before a server, which need not be there yet. It passes everything on.
    pub fn before(server: SocketAddr) -> Self {
        let (port, counts) = (Port::free(), Arc::new(Counts::default()));
        let (orders, given) = unbounded_channel();
        let (own, conduct, counted) = (port.address(), Conduct::before(server), Arc::clone(&counts));
        let thread = thread::spawn(move || run(own, conduct, &counted, given));
        let mut proxy = Self { port, conduct, orders: Some(orders), counts, thread: Some(thread) };
        proxy.change(|_| {});
        proxy
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Lets every byte of one direction arrive so much later.
    pub fn delay(&mut self, way: Way, by: Duration) {
        self.change(|conduct| conduct.flow(way).delay = by);
    }

    /// Lets nothing through in one direction until it is healed.
    pub fn hold(&mut self, way: Way) {
        self.change(|conduct| conduct.flow(way).held = true);
    }

    /// Lets nothing through in either direction until it is healed.
    pub fn cut(&mut self) {
        self.change(|conduct| Way::BOTH.into_iter().for_each(|way| conduct.flow(way).held = true));
    }

    /// Lets only so many bytes a second through in one direction.
    pub fn throttle(&mut self, way: Way, bytes_per_second: u64) {
        let rate = Some(bytes_per_second.max(1));
        self.change(|conduct| conduct.flow(way).bytes_per_second = rate);
    }

    /// Goes silent as a host that lost its power does: connections, old and new, stay open and hear nothing, and
    /// those are dead for ever. New ones work again once it is healed.
    pub fn half_open(&mut self) {
        self.change(|conduct| {
            conduct.door = Door::Silent;
            conduct.silences += 1;
        });
    }

    /// Resets every connection, and refuses new ones until it is healed.
    pub fn refuse(&mut self) {
        self.change(|conduct| {
            conduct.door = Door::Closed;
            conduct.era += 1;
        });
    }

    /// Resets every connection, with all that is held back in it. New ones are treated as before.
    pub fn reset(&mut self) {
        self.change(|conduct| conduct.era += 1);
    }

    /// Leads new connections to another server, as an address does after a fail-over. Old ones stay.
    pub fn lead_to(&mut self, server: SocketAddr) {
        self.change(|conduct| conduct.server = server);
    }

    /// Passes everything on again.
    pub fn heal(&mut self) {
        self.change(|conduct| {
            let Conduct { server, era, silences, .. } = *conduct;
            *conduct = Conduct { era, silences, ..Conduct::before(server) };
        });
    }

    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// How many bytes have arrived in one direction so far.
    pub fn passed(&self, way: Way) -> u64 {
        self.counts.of(way).load(Ordering::SeqCst)
    }

    fn change(&mut self, change: impl FnOnce(&mut Conduct)) {
        change(&mut self.conduct);
        let (done, waits) = mpsc::channel();
        let orders = self.orders.as_ref().expect("it is taken only when the proxy is dropped");
        orders.send((self.conduct, done)).expect("the proxy's thread lives as long as the proxy");
        waits.recv().expect("the proxy's thread answers every order");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Conduct {
    fn before(server: SocketAddr) -> Self {
        let flow = Flow::default();
        Self { server, door: Door::default(), there: flow, back: flow, era: 0, silences: 0 }
    }

    fn flow(&mut self, way: Way) -> &mut Flow {
        match way {
            Way::There => &mut self.there,
            Way::Back => &mut self.back,
        }
    }

    fn of(&self, way: Way) -> Flow {
        match way {
            Way::There => self.there,
            Way::Back => self.back,
        }
    }
}

impl Counts {
    fn of(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::There => &self.there,
            Way::Back => &self.back,
        }
    }
}

fn run(own: SocketAddr, conduct: Conduct, counts: &Arc<Counts>, orders: UnboundedReceiver<Order>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(serve(own, conduct, counts, orders));
}

/// Takes orders and connections, one at a time, until nobody can give orders any more.
async fn serve(
    own: SocketAddr,
    conduct: Conduct,
    counts: &Arc<Counts>,
    mut orders: UnboundedReceiver<Order>,
) {
    let conduct = watch::Sender::new(conduct);
    let mut entrance = Entrance::open(own).expect("the port is reserved");
    let mut connections = JoinSet::new();
    loop {
        let admit = |client| {
            let (born, conduct) = (*conduct.borrow(), conduct.subscribe());
            carry::carry(client, born, conduct, Arc::clone(counts))
        };
        tokio::select! {
            biased;
            order = orders.recv() => {
                let Some((new, done)) = order else { return };
                // Whoever connected before the order is treated as before the order.
                for client in entrance.waiting() {
                    connections.spawn(admit(client));
                }
                entrance.turn(new.door).expect("a socket that listened can listen again");
                conduct.send_replace(new);
                let _ = done.send(());
            }
            client = entrance.accept() => drop(connections.spawn(admit(client))),
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Where clients come in.
///
/// Its socket lives as long as the proxy. Closing it would not end it while a process that another thread has just
/// forked still has a copy: the port would be taken when it opens again.
struct Entrance {
    queue: std::net::TcpListener,
    /// Tells when somebody is there, which the queue, asked directly, knows earlier. None while it is closed.
    bell: Option<TcpListener>,
}

impl Entrance {
    fn open(own: SocketAddr) -> io::Result<Self> {
        let queue = std::net::TcpListener::bind(own)?;
        queue.set_nonblocking(true)?;
        let bell = Some(bell(&queue)?);
        Ok(Self { queue, bell })
    }

    /// Opens or closes. A listening socket that is shut down refuses and keeps its port: so does Linux.
    fn turn(&mut self, door: Door) -> io::Result<()> {
        match (door, &self.bell) {
            (Door::Closed, Some(_)) => {
                shutdown(&self.queue, Shutdown::Read)?;
                self.bell = None;
            }
            (Door::Open | Door::Silent, None) => {
                listen(&self.queue, BACKLOG)?;
                self.bell = Some(bell(&self.queue)?);
            }
            (Door::Closed, None) | (Door::Open | Door::Silent, Some(_)) => {}
        }
        Ok(())
    }

    /// Those who have connected and were not let in yet.
    fn waiting(&self) -> impl Iterator<Item = TcpStream> {
        let clients = std::iter::from_fn(|| self.queue.accept().ok());
        clients.filter_map(|(client, _)| {
            client.set_nonblocking(true).ok()?;
            TcpStream::from_std(client).ok()
        })
    }

    async fn accept(&self) -> TcpStream {
        let Some(bell) = &self.bell else { return std::future::pending().await };
        loop {
            if let Ok((client, _)) = bell.accept().await {
                return client;
            }
        }
    }
}

fn bell(queue: &std::net::TcpListener) -> io::Result<TcpListener> {
    TcpListener::from_std(queue.try_clone()?)
}

#[cfg(test)]
mod tests;
