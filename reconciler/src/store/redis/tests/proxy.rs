//! Stands between a store and its server, and loses an answer, or holds a request back until it is released.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// What happens to what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It passes.
    Pass,
    /// Requests pass; with the first answer the connection is cut, and the answer is lost.
    LoseAnswers,
    /// The connection of the next request is cut; the request comes to the server when it is released.
    HoldRequests,
}

/// A proxy in this process.
pub(super) struct Proxy {
    pub(super) port: u16,
    mode: watch::Sender<Mode>,
    release: watch::Sender<bool>,
    done: mpsc::UnboundedReceiver<()>,
}

/// What the connections of a proxy share.
#[derive(Clone)]
struct Shared {
    mode: watch::Receiver<Mode>,
    released: watch::Receiver<bool>,
    done: mpsc::UnboundedSender<()>,
}

impl Proxy {
    /// Starts one before the server on `port`.
    pub(super) async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (mode, modes) = watch::channel(Mode::Pass);
        let (release, released) = watch::channel(false);
        let (sender, done) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { mode: modes, released, done: sender });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                    tokio::spawn(pass(client, server, Shared::clone(&shared)));
                }
            }
        });
        Self { port: own, mode, release, done }
    }

    /// From now on.
    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Lets a request go that was held back, and waits until the server has answered it.
    pub(super) async fn release(&mut self) {
        self.release.send_replace(true);
        self.done.recv().await.unwrap();
    }
}

/// Passes on until one side ends, or the mode says otherwise.
async fn pass(mut client: TcpStream, mut server: TcpStream, mut shared: Shared) -> Option<()> {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            length = client.read(&mut up) => {
                let length = length.ok().filter(|length| *length > 0)?;
                let held = *shared.mode.borrow() == Mode::HoldRequests;
                if held {
                    drop(client);
                    shared.released.wait_for(|released| *released).await.ok()?;
                    server.write_all(&up[..length]).await.ok()?;
                    server.read(&mut down).await.ok().filter(|length| *length > 0)?;
                    return shared.done.send(()).ok();
                }
                server.write_all(&up[..length]).await.ok()?;
            }
            length = server.read(&mut down) => {
                let length = length.ok().filter(|length| *length > 0)?;
                if *shared.mode.borrow() == Mode::LoseAnswers {
                    return None;
                }
                client.write_all(&down[..length]).await.ok()?;
            }
        }
    }
}
