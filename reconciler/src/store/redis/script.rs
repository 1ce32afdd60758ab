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

/// A call of a script.
pub(super) struct Call {
    script: &'static Script,
    keys: Vec<String>,
    /// The arguments, one after the other: no command yet.
    args: Cmd,
}

impl Call {
    /// A call with these keys.
    pub(super) fn new(script: &'static Script, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { script, keys: keys.into_iter().map(Into::into).collect(), args: Cmd::with_capacity(24, 1024) }
    }

    /// Adds a key unless it is there; its number, from 1.
    pub(super) fn key(&mut self, key: String) -> usize {
        let known = self.keys.iter().position(|other| *other == key);
        known.unwrap_or_else(|| {
            self.keys.push(key);
            self.keys.len() - 1
        }) + 1
    }

    /// Adds an argument.
    pub(super) fn arg(&mut self, arg: &str) -> &mut Self {
        self.args.write_arg(arg.as_bytes());
        self
    }

    /// Adds an argument as it is shown: a number, an id.
    pub(super) fn shown(&mut self, arg: impl Display) -> &mut Self {
        self.args.write_arg_fmt(arg);
        self
    }

    /// The request, by digest or by text.
    pub(super) fn request(&self, by_text: bool) -> Cmd {
        let Script { text, digest, writes } = self.script;
        let (name, script) = match (by_text, writes) {
            (false, true) => (redis::cmd("EVALSHA"), digest.as_str()),
            (false, false) => (redis::cmd("EVALSHA_RO"), digest.as_str()),
            (true, true) => (redis::cmd("EVAL"), *text),
            (true, false) => (redis::cmd("EVAL_RO"), *text),
        };
        let mut request = name;
        let args = self.args.args_iter().filter_map(|arg| match arg {
            Arg::Simple(arg) => Some(arg),
            _ => None,
        });
        request.reserve_space_for_args(args.clone().map(<[u8]>::len));
        request.arg(script).arg(self.keys.len()).arg(&self.keys);
        args.for_each(|arg| request.write_arg(arg));
        request
    }
}

/// The answer of a script: one word, and what belongs to it.
pub(super) fn answer(value: Value) -> Result<(String, Reply), String> {
    let mut reply = Reply::list(value)?;
    Ok((reply.text()?, reply))
}

/// Whether an answer says that something was done.
pub(super) fn is_done(value: &Value) -> bool {
    matches!(value, Value::Array(values) if values.first() == Some(&Value::BulkString(b"done".to_vec())))
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
    let request = |by_text| {
        let mut request = Pipeline::new();
        request.add_command(call.request(by_text));
        request
    };
    let (mut answers, connection) = match link.ask_any(&request(false), patience).await {
        Err(Trouble::Answered(error)) if error.code() == Some("NOSCRIPT") => {
            link.ask_any(&request(true), patience).await?
        }
        other => other?,
    };
    Ok((answers.pop().unwrap_or_default(), connection))
}
