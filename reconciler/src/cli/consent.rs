//! What a user agrees to before it is shown, for commands that change what should be.

use super::failure::Failure;
use crate::policy::Allowed;

/// What a user agrees to beforehand.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Consent {
    /// Do not ask; covers neither protected jobs, nor state loss, nor many removals
    #[arg(short = 'y', long, visible_alias = "auto-approve", help_heading = "Consent")]
    pub yes: bool,
    /// Allow so many removals
    #[arg(long, value_name = "N", help_heading = "Consent")]
    pub allow_destroy: Option<usize>,
    /// Allow what would be refused: state-loss:JOB
    #[arg(long, value_name = "WHAT", help_heading = "Consent")]
    pub allow: Vec<String>,
    /// Say why; it stands in the history
    #[arg(short, long, value_name = "TEXT", help_heading = "Consent")]
    pub message: Option<String>,
}

impl Consent {
    /// What it allows.
    pub fn allowed(&self) -> Result<Allowed, Failure> {
        let state_loss = |what: &String| match what.strip_prefix("state-loss:") {
            Some(job) => Ok(job.to_owned()),
            None => Err(Failure::usage(format!("`--allow {what}` means nothing"))
                .hint("it looks like `--allow state-loss:orders.ingest`")),
        };
        Ok(Allowed {
            destroy: self.allow_destroy,
            state_loss: self.allow.iter().map(state_loss).collect::<Result<_, _>>()?,
        })
    }
}
