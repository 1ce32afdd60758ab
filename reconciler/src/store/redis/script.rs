//! The scripts: all that is written, and all that is read of several keys as of one moment. Called by their digest;
//! where a server does not know it (restarted, failed over, flushed), the text is sent instead, which also
//! teaches it.

use std::fmt::Display;
use std::sync::LazyLock;
use std::time::Duration;

use redis::{Arg, Cmd, Pipeline, RedisWrite, Value};

use super::link::{Connection, Link, Trouble};
use super::reply::Reply;

/// A script.
pub(super) struct Script {
    text: &'static str,
    digest: LazyLock<String>,
    writes: bool,
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal, $writes:literal;)*) => {
        $(
            $(#[$doc])*
            pub(super) static $name: Script = Script {
                text: include_str!($file),
                digest: LazyLock::new(|| redis::Script::new(include_str!($file)).get_hash().to_owned()),
                writes: $writes,
            };
        )*
    };
}

scripts! {
    /// Makes an empty place a store.
    INITIALISE = "initialise.lua", true;
    /// Does a transaction.
    COMMIT = "commit.lua", true;
    /// Whether a transaction was done.
    SETTLE = "settle.lua", true;
    /// Raises all barriers.
    RAISE = "raise.lua", true;
    /// Raises one barrier.
    FENCE = "fence.lua", true;
    /// One record.
    READ = "read.lua", false;
    /// What was written after a moment.
    WRITTEN = "written.lua", false;
    /// What stands at a moment.
    FOLLOWS = "follows.lua", false;
    /// History of one subject.
    HISTORY = "history.lua", false;
}

/// A call of a script, by its digest.
pub(super) struct Call {
    script: &'static Script,
    request: Cmd,
}

impl Call {
    /// A call with these keys.
    pub(super) fn new<K: AsRef<str>>(script: &'static Script, keys: impl IntoIterator<Item = K>) -> Self {
        let keys: Vec<K> = keys.into_iter().collect();
        let mut request = if script.writes { redis::cmd("EVALSHA") } else { redis::cmd("EVALSHA_RO") };
        // Room for a usual commit: to grow takes longer than to write.
        request.reserve_space_for_args([64; 20]);
        request.arg(script.digest.as_str()).arg(keys.len());
        keys.iter().for_each(|key| request.write_arg(key.as_ref().as_bytes()));
        Self { script, request }
    }

    /// Adds an argument.
    pub(super) fn arg(&mut self, arg: &str) -> &mut Self {
        self.request.write_arg(arg.as_bytes());
        self
    }

    /// Adds an argument as it is shown: a number, an id.
    pub(super) fn shown(&mut self, arg: impl Display) -> &mut Self {
        self.request.write_arg_fmt(arg);
        self
    }

    /// The same call, by the text of the script.
    fn by_text(&self) -> Cmd {
        let mut request = if self.script.writes { redis::cmd("EVAL") } else { redis::cmd("EVAL_RO") };
        request.arg(self.script.text);
        for arg in self.request.args_iter().skip(2) {
            if let Arg::Simple(arg) = arg {
                request.write_arg(arg);
            }
        }
        request
    }
}

/// The answer of a script: one word, and what belongs to it if anything does.
pub(super) fn answer(value: Value) -> Result<(String, Reply), String> {
    let value = match value {
        list @ Value::Array(_) => list,
        word => Value::Array(vec![word]),
    };
    let mut reply = Reply::list(value)?;
    Ok((reply.text()?, reply))
}

/// Whether an answer says that something was done.
pub(super) fn is_done(value: &Value) -> bool {
    let word = match value {
        Value::Array(values) => values.first(),
        word => Some(word),
    };
    matches!(word, Some(Value::BulkString(word)) if word == b"done" || word == b"written")
}

/// Calls a script. Where the server does not know it, nothing was done, and the text is sent.
pub(super) async fn run(link: &Link, call: &Call, patience: Duration) -> Result<Value, Trouble> {
    run_on(link, call, patience).await.map(|(value, _)| value)
}

/// The same, and on which connection it was.
pub(super) async fn run_on(
    link: &Link,
    call: &Call,
    patience: Duration,
) -> Result<(Value, Connection), Trouble> {
    let alone = |request: Cmd| {
        let mut requests = Pipeline::with_capacity(1);
        requests.add_command(request);
        requests
    };
    let (mut answers, connection) = match link.ask_any(&alone(call.request.clone()), patience).await {
        Err(Trouble::Answered(error)) if error.code() == Some("NOSCRIPT") => {
            link.ask_any(&alone(call.by_text()), patience).await?
        }
        other => other?,
    };
    Ok((answers.pop().unwrap_or_default(), connection))
}
