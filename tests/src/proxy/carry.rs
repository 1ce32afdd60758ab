//! One connection through a proxy.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Conduct, Counts, Door, Flow, Way};

/// The most that is read at once.
const CHUNK: usize = 16 * 1024;
/// So many chunks are on their way at most; then the sender waits, as for a full window.
const WINDOW: usize = 64;

/// Some bytes on their way, or the end of a stream if there are none.
type Chunk = (Instant, Vec<u8>);

/// How a connection ends.
enum End {
    /// Both sides said that they have said everything.
    Closed,
    /// A side broke off, or the proxy was told to.
    Reset,
    /// The server vanished without a word.
    Silent,
}

/// Carries a client's connection until it ends. `born`: what the proxy did when the client connected.
pub(super) async fn carry(
    mut client: TcpStream,
    born: Conduct,
    conduct: watch::Receiver<Conduct>,
    counts: Arc<Counts>,
) {
    let _counted = Counted::new(Arc::clone(&counts));
    if born.door == Door::Silent {
        return hush(&mut client, conduct, born).await;
    }
    let Ok(mut server) = TcpStream::connect(born.server).await else { return reset(&client) };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    match talk(&mut client, &mut server, &conduct, born, &counts).await {
        End::Closed => {}
        End::Reset => {
            reset(&client);
            reset(&server);
        }
        End::Silent => hush(&mut client, conduct, born).await,
    }
}

async fn talk(
    client: &mut TcpStream,
    server: &mut TcpStream,
    conduct: &watch::Receiver<Conduct>,
    born: Conduct,
    counts: &Counts,
) -> End {
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let pump = |from, to, way| pump(from, to, way, conduct.clone(), counts);
    let both = async {
        tokio::try_join!(pump(from_client, to_server, Way::There), pump(from_server, to_client, Way::Back))
    };
    tokio::select! {
        biased;
        end = broken_off(conduct.clone(), born) => end,
        both = both => if both.is_ok() { End::Closed } else { End::Reset },
    }
}

/// Waits until the proxy is told to end connections as old as this.
async fn broken_off(mut conduct: watch::Receiver<Conduct>, born: Conduct) -> End {
    loop {
        let now = *conduct.borrow_and_update();
        if now.era != born.era {
            return End::Reset;
        }
        if now.silences != born.silences {
            return End::Silent;
        }
        changed(&mut conduct).await;
    }
}

/// Keeps a connection open and says nothing, until the client gives up or the connection is reset.
async fn hush(client: &mut TcpStream, mut conduct: watch::Receiver<Conduct>, born: Conduct) {
    let mut ignored = [0; CHUNK];
    while conduct.borrow_and_update().era == born.era {
        tokio::select! {
            read = client.read(&mut ignored) => if !matches!(read, Ok(1..)) { return },
            () = changed(&mut conduct) => {}
        }
    }
    reset(client);
}

/// Makes the close of a connection, which follows, a reset.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Carries one direction to its end.
async fn pump(
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    way: Way,
    conduct: watch::Receiver<Conduct>,
    counts: &Counts,
) -> io::Result<()> {
    let (put, take) = channel(WINDOW);
    tokio::try_join!(gather(from, put), deliver(take, to, way, conduct, counts)).map(|_| ())
}

async fn gather(mut from: ReadHalf<'_>, put: Sender<Chunk>) -> io::Result<()> {
    loop {
        let mut bytes = vec![0; CHUNK];
        let read = from.read(&mut bytes).await?;
        bytes.truncate(read);
        if put.send((Instant::now(), bytes)).await.is_err() || read == 0 {
            return Ok(());
        }
    }
}

async fn deliver(
    mut take: Receiver<Chunk>,
    mut to: WriteHalf<'_>,
    way: Way,
    mut conduct: watch::Receiver<Conduct>,
    counts: &Counts,
) -> io::Result<()> {
    while let Some((read, bytes)) = take.recv().await {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let flow = due(&mut conduct, way, read).await;
            let (piece, pause) = measure(flow, rest.len());
            to.write_all(&rest[..piece]).await?;
            counts.of(way).fetch_add(piece as u64, Ordering::SeqCst);
            rest = &rest[piece..];
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
        if bytes.is_empty() {
            due(&mut conduct, way, read).await;
        }
    }
    to.shutdown().await
}

/// Waits until something that was read at an instant may arrive.
async fn due(conduct: &mut watch::Receiver<Conduct>, way: Way, read: Instant) -> Flow {
    loop {
        let flow = conduct.borrow_and_update().of(way);
        if flow.held {
            changed(conduct).await;
        } else if Instant::now() >= read + flow.delay {
            return flow;
        } else {
            tokio::select! {
                () = sleep_until(read + flow.delay) => {}
                () = changed(conduct) => {}
            }
        }
    }
}

/// How much may be written at once, and the pause that has to follow.
fn measure(flow: Flow, length: usize) -> (usize, Duration) {
    let Some(rate) = flow.bytes_per_second else { return (length, Duration::ZERO) };
    let most = usize::try_from(rate / 20).unwrap_or(CHUNK).max(1);
    let piece = length.min(most);
    (piece, Duration::from_secs_f64(piece as f64 / rate as f64))
}

/// Waits for another conduct. A proxy that is gone has no other: its tasks end with it.
async fn changed(conduct: &mut watch::Receiver<Conduct>) {
    if conduct.changed().await.is_err() {
        std::future::pending().await
    }
}

/// A connection, counted as long as it lives.
struct Counted(Arc<Counts>);

impl Counted {
    fn new(counts: Arc<Counts>) -> Self {
        counts.connections.fetch_add(1, Ordering::SeqCst);
        Self(counts)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::SeqCst);
    }
}
