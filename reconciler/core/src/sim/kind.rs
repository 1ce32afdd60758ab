//! The kinds of clusters, by what they give an attempt as its identity, each with what its driver makes of that.
//!
//! All of them speak the same words ([`crate::action`], [`crate::observed`]). Where a cluster cannot hold a job
//! suspended, the identity of an attempt (an application's id, a token, a guard's key) is a function of the attempt
//! alone: it is there before anything was asked of the cluster. Its driver therefore shows an attempt that the cluster
//! does not know as *suspended*, as long as it may still be submitted, and never as absent: an attempt that nobody has
//! submitted yet and one whose submission is under way look the same, and both are ended by taking their identity away.

use serde::{Deserialize, Serialize};
use windlass_compiler::name::Name;

use crate::fault::{Rule, is_off};
use crate::fleet::Fleet;
use crate::id::{AttemptNumber, ExternalName, Generation, Instance, Uid};
use crate::observed::{Label, Observation, Phase};
use crate::recovery::Finding;
use crate::state::State;
use crate::status::Status;

/// How a cluster tells one attempt from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Objects with names that are made once, suspended, each with a uid: Kubernetes, the local cluster.
    #[default]
    Objects,
    /// Ids that are taken first. A second submission of one is ignored; that one was accepted is not durable; a stop
    /// burns it. YARN.
    Ids,
    /// Tokens: the same one gives the same run, for as long as it is kept. EMR Serverless, EMR on EKS.
    Tokens,
    /// No identity: every submission is another run. Names are looked up before anything is sent again, and a guard
    /// in the job's first step lets one run of an attempt through. EMR steps, Spark standalone.
    Names,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Objects, Self::Ids, Self::Tokens, Self::Names];

    /// Its name, as scripts and reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Ids => "ids",
            Self::Tokens => "tokens",
            Self::Names => "names",
        }
    }

    /// Whether an attempt is made in one call and let run in another, so that nothing late can let it run.
    pub fn has_two_phases(self) -> bool {
        self == Self::Objects
    }

    /// What the driver adds to what the cluster shows: the attempts that may still be submitted and that it does not
    /// know.
    pub fn complete(self, shown: &mut Vec<Observation>, fleet: &Fleet, cluster: &Name) {
        if self.has_two_phases() || is_off(Rule::IdsBeforeCalls) {
            return;
        }
        let Some(project) = &fleet.project else { return };
        let unsubmitted = fleet.statuses.values().filter(|status| may_be_submitted(&status.state));
        let recorded = unsubmitted.filter_map(|status| {
            let attempt = status.attempt.as_ref().filter(|attempt| attempt.cluster == *cluster)?;
            Some((&status.instance, attempt.number, attempt.generation))
        });
        for (instance, attempt, generation) in recorded.chain(forgotten(fleet, cluster)) {
            let name = ExternalName::of(instance, attempt);
            if shown.iter().any(|observation| observation.name == name) {
                continue;
            }
            let project = project.name.clone();
            let label = Label { project, instance: instance.clone(), attempt, generation };
            shown.push(unsubmitted_one(name, label));
        }
    }
}

/// The attempts that the store has forgotten, and that may still be submitted.
fn forgotten<'a>(
    fleet: &'a Fleet,
    cluster: &'a Name,
) -> impl Iterator<Item = (&'a Instance, AttemptNumber, Generation)> {
    let recovery = fleet.recovery.iter().filter(|recovery| !recovery.is_over());
    recovery.flat_map(|recovery| &recovery.findings).filter_map(move |finding| match finding {
        Finding::Number { instance, attempt, generation, cluster: on } if on == cluster => {
            let recorded = fleet.statuses.get(instance).map(Status::attempt_number).unwrap_or_default();
            (recorded < *attempt).then_some((instance, *attempt, *generation))
        }
        _ => None,
    })
}

/// What a driver says of an attempt whose identity is free.
pub fn unsubmitted_one(name: ExternalName, label: Label) -> Observation {
    Observation { uid: uid_of(&name), name, label, phase: Phase::Suspended }
}

/// The identity of an attempt where it is a function of the attempt.
pub fn uid_of(name: &ExternalName) -> Uid {
    Uid(format!("id:{name}"))
}

fn may_be_submitted(state: &State) -> bool {
    match state {
        State::Unknown { before, .. } => may_be_submitted(before),
        state => state.is_between(),
    }
}
