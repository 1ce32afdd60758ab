//! From an address to a connection to the server that may be written: the one that was named, the one that the
//! sentinels name, or the node of a Redis Cluster that serves our slot. All keys of a store are in one slot, so
//! a cluster is a question of whom to ask, and its node is then spoken to like any other server.

use std::fs;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo,
    RedisError, ServerErrorKind, TlsCertificates,
};

use super::address::{Address, Server, Topology};
use super::incarnation::{self, Incarnation};

/// How long a connection may take to come about, login included.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long sent data may stay unacknowledged, and how long a silent peer is believed to be there.
const SILENCE: Duration = Duration::from_secs(5);

/// How many requests wait for the socket before a caller does.
const QUEUE: usize = 1024;

/// How often a cluster may send us on: more is a circle.
const HOPS: usize = 5;

/// A connection, and whom it is to.
pub(super) struct Dialled {
    /// The connection.
    pub(super) connection: MultiplexedConnection,
    /// The server at its other end, as it said when we came.
    pub(super) incarnation: Incarnation,
}

/// Connects. `key` is one of the store's: a cluster knows by it whom to send us to. `hint` is where somebody was
/// sent last.
pub(super) async fn dial(address: &Address, key: &str, hint: Option<Server>) -> Result<Dialled, RedisError> {
    let mut connection = match &address.topology {
        Topology::Single => connect(address, &address.servers[0], address.database).await?,
        Topology::Sentinel(name) => through_sentinels(address, name).await?,
        Topology::Cluster => through_cluster(address, key, hint).await?,
    };
    let incarnation = who(&mut connection).await?;
    Ok(Dialled { connection, incarnation })
}

async fn through_sentinels(address: &Address, name: &str) -> Result<MultiplexedConnection, RedisError> {
    let mut last = None;
    for sentinel in &address.servers {
        match primary(address, sentinel, name).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| failed("no sentinel was named", "")))
}

/// The primary as one sentinel knows it. A sentinel that lags behind names a server that has become a replica.
async fn primary(
    address: &Address,
    sentinel: &Server,
    name: &str,
) -> Result<MultiplexedConnection, RedisError> {
    let open = Address { user: None, password: None, ..address.clone() };
    let mut connection = connect(&open, sentinel, 0).await?;
    let question = redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).to_owned();
    let Some((host, port)) = ask::<Option<(String, u16)>>(&question, &mut connection).await? else {
        return Err(failed("the sentinels know no primary of that name", name));
    };
    let mut connection = connect(address, &Server { host, port }, address.database).await?;
    match who(&mut connection).await?.is_primary() {
        true => Ok(connection),
        false => Err(failed("the sentinels name a primary that is a replica", name)),
    }
}

async fn through_cluster(
    address: &Address,
    key: &str,
    hint: Option<Server>,
) -> Result<MultiplexedConnection, RedisError> {
    let mut last = None;
    for seed in hint.iter().chain(&address.servers) {
        match follow(address, key, seed.clone()).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| failed("no node was named", "")))
}

/// Goes where the nodes of a cluster send us, to the one that serves our slot.
async fn follow(
    address: &Address,
    key: &str,
    mut server: Server,
) -> Result<MultiplexedConnection, RedisError> {
    for _ in 0..HOPS {
        let mut connection = connect(address, &server, 0).await?;
        match ask::<bool>(redis::cmd("EXISTS").arg(key), &mut connection).await {
            Ok(_) => return Ok(connection),
            Err(error) => server = moved(&error, &server).ok_or(error)?,
        }
    }
    Err(failed("the cluster sends us in a circle", &server.to_string()))
}

/// Where a cluster says that our slot is now. A node that does not know its own name leaves it out.
pub(super) fn moved(error: &RedisError, from: &Server) -> Option<Server> {
    if error.kind() != ErrorKind::Server(ServerErrorKind::Moved) {
        return None;
    }
    let (address, _) = error.redirect_node()?;
    let (host, port) = address.rsplit_once(':')?;
    let host = if host.is_empty() { &from.host } else { host };
    Some(Server { host: host.trim_matches(['[', ']']).to_owned(), port: port.parse().ok()? })
}

async fn who(connection: &mut MultiplexedConnection) -> Result<Incarnation, RedisError> {
    tokio::time::timeout(PATIENCE, incarnation::ask(connection)).await.unwrap_or_else(|_| Err(silent()))
}

async fn ask<T: redis::FromRedisValue>(
    question: &Cmd,
    connection: &mut MultiplexedConnection,
) -> Result<T, RedisError> {
    tokio::time::timeout(PATIENCE, question.query_async(connection)).await.unwrap_or_else(|_| Err(silent()))
}

async fn connect(
    address: &Address,
    server: &Server,
    database: u32,
) -> Result<MultiplexedConnection, RedisError> {
    let client = client(address, server, database)?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUE);
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    tokio::time::timeout(2 * PATIENCE, connection).await.unwrap_or_else(|_| Err(silent()))
}

fn client(address: &Address, server: &Server, database: u32) -> Result<Client, RedisError> {
    let (host, port) = (server.host.clone(), server.port);
    let to = match address.encrypted {
        false => ConnectionAddr::Tcp(host, port),
        true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
    };
    let info =
        to.into_connection_info()?.set_tcp_settings(tcp()).set_redis_settings(login(address, database));
    if !address.encrypted {
        return Client::open(info);
    }
    let root_cert = address.authority.as_ref().map(fs::read).transpose().map_err(|error| {
        let file = address.authority.as_deref().unwrap_or("".as_ref()).display();
        failed("the file of the certificate authority cannot be read", &format!("{file}: {error}"))
    })?;
    Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
}

fn login(address: &Address, database: u32) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default().set_db(database.into()).set_skip_set_lib_name();
    if let Some(password) = &address.password {
        login = login.set_password(password.expose());
        if let Some(user) = &address.user {
            login = login.set_username(user.expose());
        }
    }
    login
}

/// Small requests are sent at once, and a peer that is gone is noticed: a time-out of ours alone would leave the
/// socket as it is.
fn tcp() -> TcpSettings {
    let keepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE / 5).with_retries(3);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(SILENCE);
    settings
}

fn failed(what: &'static str, detail: &str) -> RedisError {
    RedisError::from((ErrorKind::Client, what, detail.to_owned()))
}

fn silent() -> RedisError {
    RedisError::from((ErrorKind::Io, "no answer in time"))
}
