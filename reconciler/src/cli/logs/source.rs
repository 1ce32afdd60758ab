//! The output of one instance: of one attempt, and then of the next.

use std::sync::Arc;

use windlass_core::fleet::{Fleet, Outlook};
use windlass_core::id::{AttemptNumber, ExternalName, Instance};

use super::tail::Tail;
use super::voice::Voice;
use crate::cli::console::Console;
use crate::driver::{Driver, Output, Silence};
use crate::session::Session;

/// How much is asked for at once.
const CHUNK: usize = 1 << 18;

/// One instance whose output is shown.
pub(super) struct Source {
    pub(super) instance: Instance,
    /// The attempt that is shown; 0 before the first.
    pub(super) attempt: AttemptNumber,
    /// How far it has been read.
    pub(super) offset: u64,
    pub(super) voice: Voice,
    driver: Option<Arc<dyn Driver>>,
    over: Option<Over>,
    complained: bool,
}

/// Why nothing more is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The instance is where it stays.
    Settled,
    /// An attempt before the last one was asked for.
    Earlier,
    /// The attempt has ended, and nobody makes another.
    Undriven,
}

/// Whether an attempt was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    There,
    Nowhere,
}

impl Source {
    pub(super) fn new(instance: Instance, voice: Voice) -> Self {
        Self {
            instance,
            attempt: AttemptNumber(0),
            offset: 0,
            voice,
            driver: None,
            over: None,
            complained: false,
        }
    }

    /// The attempt, for messages.
    pub(super) fn named(&self) -> String {
        format!("attempt {} of {}", self.attempt, self.instance)
    }

    fn name(&self) -> ExternalName {
        ExternalName::of(&self.instance, self.attempt)
    }

    /// Finds the cluster that the attempt is on: the recorded one of the last attempt, or any that has it.
    pub(super) async fn locate(&mut self, session: &Session, fleet: &Fleet) -> Result<Found, Silence> {
        let status = fleet.statuses.get(&self.instance);
        let recorded = status.and_then(|status| status.attempt.as_ref()).map(|attempt| &attempt.cluster);
        let clusters = fleet.project.iter().flat_map(|project| &project.clusters);
        let mut clusters: Vec<_> = clusters.collect();
        clusters.sort_by_key(|(name, _)| Some(*name) != recorded);
        let mut silence = None;
        for (name, kind) in clusters {
            let driver = session.driver(name, kind);
            match driver.observe(&self.name()).await {
                Ok(Some(_)) => {
                    self.driver = Some(driver);
                    return Ok(Found::There);
                }
                Ok(None) => {}
                Err(said) => silence = silence.or(Some(said)),
            }
        }
        silence.map_or(Ok(Found::Nowhere), Err)
    }

    /// Everything so far, or the end of it, and how many bytes before it are lost.
    pub(super) async fn all(&mut self, tail: Tail) -> Result<(Vec<u8>, u64), Silence> {
        let (mut bytes, mut dropped) = (Vec::new(), 0);
        loop {
            let output = self.more().await?;
            dropped += output.dropped;
            if output.bytes.is_empty() {
                return Ok((bytes, dropped));
            }
            bytes.extend(output.bytes);
            tail.cut(&mut bytes);
        }
    }

    /// What has come since the last time.
    pub(super) async fn more(&mut self) -> Result<Output, Silence> {
        let Some(driver) = &self.driver else { return Ok(Output::default()) };
        let output = driver.output(&self.name(), self.offset, CHUNK).await?;
        self.offset = output.next;
        Ok(output)
    }

    /// Whether the attempt may print more.
    pub(super) async fn is_alive(&self) -> Result<bool, Silence> {
        let Some(driver) = &self.driver else { return Ok(false) };
        let seen = driver.observe(&self.name()).await?;
        Ok(seen.is_some_and(|seen| {
            seen.phase.is_alive() || seen.phase == windlass_core::observed::Phase::Suspended
        }))
    }

    /// Whether no further attempt will follow unless somebody acts.
    pub(super) fn is_settled(&self, fleet: &Fleet) -> bool {
        let live = fleet.statuses.get(&self.instance).is_some_and(|status| status.state.is_live());
        !live && fleet.outlook(&self.instance) != Outlook::Moving
    }

    /// Whether a first attempt may come.
    pub(super) fn is_to_start(&self, fleet: &Fleet) -> bool {
        fleet.outlook(&self.instance) == Outlook::Moving
    }

    /// ` yet`, while it may print something.
    pub(super) fn so_far(&self, fleet: &Fleet) -> &'static str {
        let status = fleet.statuses.get(&self.instance);
        let is_last = status.is_some_and(|status| status.attempt_number() == self.attempt);
        if is_last && status.is_some_and(|status| status.state.is_live()) { " yet" } else { "" }
    }

    /// Says once that the cluster does not answer.
    pub(super) fn complain(&mut self, silence: &Silence, console: &Console) {
        if !std::mem::replace(&mut self.complained, true) {
            console.warn(&format!("{}: {silence}; trying again", self.named()));
        }
    }

    pub(super) fn end(&mut self, over: Over) {
        self.over = Some(over);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }
}
