//! Follows the stream of changes on a connection of its own and wakes whoever waits. A hint, and nothing more: what
//! counts is read from the store.

use std::sync::Arc;
use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Inner;
use super::link::Link;
use super::reply::{self, Reply};
use crate::store::{Error, Moment};

/// How long one question waits at the server.
const BLOCK: Duration = Duration::from_secs(5);

/// How long its answer may take then.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a follower that has failed waits.
const PAUSE: Duration = Duration::from_millis(500);

/// How long nobody waits without looking for himself.
const LOOK: Duration = Duration::from_secs(30);

/// The follower.
pub(super) struct Watch {
    hints: Arc<watch::Sender<Hint>>,
    task: JoinHandle<()>,
}

/// The last moment that was heard of, and how often hearing began anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hint {
    moment: Moment,
    begun: u64,
}

impl Watch {
    /// Begins to follow.
    pub(super) fn start(store: Arc<Inner>) -> Self {
        let hints = Arc::new(watch::Sender::new(Hint { moment: Moment(0), begun: 0 }));
        let task = tokio::spawn(follow(store, Arc::clone(&hints)));
        Self { hints, task }
    }

    /// Begins to wait. Hints from now on are not missed.
    pub(super) fn wait(&self) -> Wait {
        let hints = self.hints.subscribe();
        let begun = hints.borrow().begun;
        Wait { hints, begun }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits between two looks.
pub(super) struct Wait {
    hints: watch::Receiver<Hint>,
    begun: u64,
}

impl Wait {
    /// Ends with the next hint of something behind `since`, or when it is time to look anyway.
    pub(super) async fn pause(&mut self, since: Moment) {
        let begun = self.begun;
        let news = self.hints.wait_for(|hint| hint.moment > since || hint.begun != begun);
        if let Ok(Ok(hint)) = tokio::time::timeout(LOOK, news).await {
            self.begun = hint.begun;
        }
    }
}

/// Follows for as long as the task lives. After a failure it begins anew from the present, and whoever waits looks.
async fn follow(store: Arc<Inner>, hints: Arc<watch::Sender<Hint>>) {
    let link = Link::new(Arc::clone(&store.address), &store.keys.meta);
    loop {
        if let Err(error) = listen(&store, &link, &hints).await {
            tracing::debug!(store = %store.place.0, %error, "the stream of changes broke off");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn listen(store: &Inner, link: &Link, hints: &watch::Sender<Hint>) -> Result<(), Error> {
    let mut moment = store.head().await?.moment;
    hints.send_modify(|hint| *hint = Hint { moment, begun: hint.begun + 1 });
    loop {
        let answers = link.ask(&question(&store.keys.events, moment), PATIENCE).await;
        let mut answers = answers.map_err(|trouble| store.place.failed(&trouble))?;
        let heard = last(answers.pop().unwrap_or_default()).map_err(|what| store.place.damaged(what))?;
        if let Some(heard) = heard {
            moment = heard;
            hints.send_modify(|hint| hint.moment = heard);
        }
    }
}

fn question(events: &str, since: Moment) -> Pipeline {
    let mut question = Pipeline::new();
    question.cmd("XREAD").arg("COUNT").arg(100).arg("BLOCK").arg(BLOCK.as_millis() as u64);
    question.arg("STREAMS").arg(events).arg(format!("{}-{}", since.0, u64::MAX));
    question
}

/// The last moment of an answer; none where it was silence.
fn last(value: Value) -> Result<Option<Moment>, String> {
    if value == Value::Nil {
        return Ok(None);
    }
    let mut stream = Reply::list(value)?.inner()?;
    stream.text()?;
    let moments = stream.inner()?.rest(|reply| reply::moment(&reply.inner()?.text()?))?;
    Ok(moments.last().copied().map(Moment))
}
