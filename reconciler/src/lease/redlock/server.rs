//! A lease node that is a Redis server: scripts in, answers out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, ErrorKind, RedisError, ScriptInvocation, ServerErrorKind, Value, cmd};
use tokio::sync::Notify;
use windlass_core::id::Epoch;
use windlass_core::lease::acquisition::{Grant, Seal};
use windlass_core::lease::renewal::Extension;
use windlass_core::lease::{Hint, Nonce, Resource, Terms};

use super::clock::Clock;
use super::config::{Address, Config};
use super::keys::Keys;
use super::link::{Link, Up};
use super::node::{Claim, Failure, Node, Shown};
use super::scripts;

/// A server that is silent for this long gets a new connection.
const SILENCE: Duration = Duration::from_secs(2);

/// The server.
pub(super) struct Server {
    name: String,
    keys: Keys,
    terms: Terms,
    clock: Arc<dyn Clock>,
    link: Link,
}

impl Server {
    /// The server at this address; connecting begins at once and is waited for by nobody.
    pub(super) fn open(
        address: Address,
        config: &Config,
        clock: &Arc<dyn Clock>,
        freed: &Arc<Notify>,
    ) -> Self {
        let (keys, terms) = (config.keys.clone(), config.terms);
        let name = address.name.clone();
        let link = Link::open(address, &keys, terms, Arc::clone(clock), Arc::clone(freed));
        Self { name, keys, terms, clock: Arc::clone(clock), link }
    }

    async fn run(&self, up: &Up, call: ScriptInvocation<'_>) -> Result<Value, Failure> {
        let mut connection = up.connection.clone();
        self.link.asks(up, self.clock.now(), SILENCE.max(self.terms.patience() * 4));
        let answer = call.invoke_async(&mut connection).await;
        self.heard(up, answer)
    }

    async fn query<T: redis::FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        let up = self.link.up().await?;
        let mut connection = up.connection.clone();
        self.link.asks(&up, self.clock.now(), SILENCE.max(self.terms.patience() * 4));
        let answer = command.query_async(&mut connection).await;
        self.heard(&up, answer)
    }

    fn heard<T>(&self, up: &Up, answer: Result<T, RedisError>) -> Result<T, Failure> {
        match answer {
            Ok(value) => {
                self.link.hears();
                Ok(value)
            }
            Err(error) if error.is_timeout() => Err(Failure::Silent),
            Err(error) if is_broken(&error) => {
                self.link.give_up(up);
                Err(Failure::Away(error.to_string()))
            }
            Err(error) => {
                self.link.hears();
                Err(Failure::Answer(error.to_string()))
            }
        }
    }

    async fn lock(&self, up: &Up, claims: &[Claim], hint: Hint) -> Result<Vec<Grant>, Failure> {
        let mut call = scripts::ACQUIRE.prepare_invoke();
        call.key(self.keys.mark());
        call.arg(&*up.mark).arg(millis(self.terms.ttl)).arg(hint.lowest().0);
        call.arg(claims.first().map_or("", |claim| &claim.holder));
        for Claim { resource, nonce, .. } in claims {
            call.key(self.keys.lock(resource)).key(self.keys.counter(resource)).arg(nonce.to_string());
        }
        match self.run(up, call).await? {
            Value::Int(0) => {
                // Its keys were emptied while the connection stood.
                self.link.give_up(up);
                Err(Failure::Distrusted)
            }
            answer => each(answer, claims.len(), grant),
        }
    }

    fn trusted(&self) -> Result<(), Failure> {
        let distrusted = self.link.memory(|memory| memory.distrusted(self.clock.now()));
        if distrusted.is_some() { Err(Failure::Distrusted) } else { Ok(()) }
    }

    /// The counts that it gave: one that fell shows an older copy of its keys.
    fn remember(&self, claims: &[Claim], grants: &[Grant]) {
        let now = self.clock.now();
        self.link.memory(|memory| {
            for (claim, grant) in claims.iter().zip(grants) {
                if let Grant::Granted(counter) = grant {
                    memory.counted(&claim.resource, *counter, &self.terms, now);
                }
            }
        });
    }
}

#[async_trait]
impl Node for Server {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ready(&self) -> Result<(), Failure> {
        self.link.up().await.map(drop)
    }

    async fn acquire(&self, claims: &[Claim], hint: Hint) -> Result<Vec<Grant>, Failure> {
        let up = self.link.up().await?;
        self.trusted()?;
        let grants = self.lock(&up, claims, hint).await?;
        self.remember(claims, &grants);
        self.trusted().map(|()| grants)
    }

    async fn heal(&self, claims: &[Claim]) -> Result<(), Failure> {
        let up = self.link.up().await?;
        self.lock(&up, claims, Hint::LOWEST).await.map(drop)
    }

    async fn seal(&self, claims: &[(Claim, Epoch)]) -> Result<Vec<Seal>, Failure> {
        let up = self.link.up().await?;
        let mut call = scripts::SEAL.prepare_invoke();
        for (Claim { resource, nonce, .. }, token) in claims {
            call.key(self.keys.lock(resource))
                .key(self.keys.counter(resource))
                .key(self.keys.barrier(resource));
            call.arg(nonce.to_string()).arg(token.0);
        }
        each(self.run(&up, call).await?, claims.len(), seal)
    }

    async fn extend(&self, claims: &[Claim]) -> Result<Vec<Extension>, Failure> {
        let up = self.link.up().await?;
        let mut call = scripts::EXTEND.prepare_invoke();
        call.arg(millis(self.terms.ttl));
        for Claim { resource, nonce, .. } in claims {
            call.key(self.keys.lock(resource)).arg(nonce.to_string());
        }
        each(self.run(&up, call).await?, claims.len(), extension)
    }

    async fn release(&self, claims: &[Claim]) -> Result<(), Failure> {
        let up = self.link.up().await?;
        let mut call = scripts::RELEASE.prepare_invoke();
        call.arg(self.keys.freed());
        for Claim { resource, nonce, .. } in claims {
            call.key(self.keys.lock(resource)).arg(nonce.to_string());
        }
        self.run(&up, call).await.map(drop)
    }

    async fn holders(&self, resources: &[Resource]) -> Result<Vec<Option<Shown>>, Failure> {
        let up = self.link.up().await?;
        let mut call = scripts::HOLDERS.prepare_invoke();
        for resource in resources {
            call.key(self.keys.lock(resource));
        }
        let shown = each(self.run(&up, call).await?, resources.len(), shown)?;
        self.trusted()?;
        Ok(shown)
    }

    async fn force_release(&self, resource: &Resource) -> Result<(), Failure> {
        self.query(cmd("DEL").arg(self.keys.lock(resource))).await
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Whether an error says that the connection is of no more use.
fn is_broken(error: &RedisError) -> bool {
    let loading = matches!(error.kind(), ErrorKind::Server(ServerErrorKind::BusyLoading));
    error.is_connection_dropped() || error.is_io_error() || loading
}

/// Reads an answer of one item for each claim.
fn each<T>(answer: Value, count: usize, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, Failure> {
    let read = match answer {
        Value::Array(items) if items.len() == count => items.iter().map(read).collect(),
        _ => None,
    };
    read.ok_or_else(|| Failure::Answer("with what no script of ours says".to_owned()))
}

/// A pair of a yes or no and a text.
fn pair(item: &Value) -> Option<(bool, &str)> {
    match item {
        Value::Array(parts) => match parts.as_slice() {
            [Value::Int(yes), Value::BulkString(text)] => Some((*yes == 1, std::str::from_utf8(text).ok()?)),
            _ => None,
        },
        _ => None,
    }
}

fn grant(item: &Value) -> Option<Grant> {
    match pair(item)? {
        (true, counter) => counter.parse().ok().map(|counter| Grant::Granted(Epoch(counter))),
        (false, lock) => Some(Grant::Taken(holder(lock))),
    }
}

fn seal(item: &Value) -> Option<Seal> {
    match pair(item)? {
        (true, counter) => counter.parse().ok().map(|counter| Seal::Sealed(Epoch(counter))),
        (false, _) => Some(Seal::Refused),
    }
}

/// A lock and its milliseconds; none for a resource that nobody has.
fn shown(item: &Value) -> Option<Option<Shown>> {
    match item {
        Value::Int(0) => Some(None),
        Value::Array(parts) => match parts.as_slice() {
            [Value::Int(left), Value::BulkString(lock)] => {
                let remaining = Duration::from_millis(u64::try_from(*left).ok()?);
                Some(Some(Shown { holder: holder(std::str::from_utf8(lock).ok()?), remaining }))
            }
            _ => None,
        },
        _ => None,
    }
}

fn extension(item: &Value) -> Option<Extension> {
    match item {
        Value::Int(1) => Some(Extension::Extended),
        Value::Int(0) => Some(Extension::Missing),
        Value::Int(-1) => Some(Extension::Foreign),
        _ => None,
    }
}

/// What a holder says of itself: a lock without its nonce.
fn holder(lock: &str) -> String {
    lock.get(Nonce::LENGTH..).unwrap_or_default().to_owned()
}
