//! Users: one a pipeline, and one who applies. Each gives a command, waits for its answer, and gives another.

use std::collections::{BTreeMap, BTreeSet};

use windlass_compiler::name::JobId;
use windlass_core::desired::Intent;
use windlass_core::id::Instance;
use windlass_core::state::Name;
use windlass_tests::Running;
use windlass_tests::seed::Random;
use windlass_tests::team::{PIPELINES, Team};

/// The streams.
pub(crate) fn streams() -> impl Iterator<Item = String> {
    PIPELINES.iter().map(|pipeline| format!("{pipeline}.follow"))
}

/// What was commanded, and what may be wanted after it.
pub(crate) struct Commands {
    random: Random,
    tag: u64,
    under_way: BTreeMap<&'static str, (Command, Running)>,
    /// What may be wanted of each stream.
    intents: BTreeMap<&'static str, BTreeSet<bool>>,
    /// What may have been applied last.
    fees: BTreeSet<u64>,
    /// The tags of restarts and runs that were acknowledged.
    acknowledged: Vec<String>,
    told: Vec<String>,
    counts: BTreeMap<(String, Option<i32>), usize>,
}

#[derive(Clone)]
struct Command {
    words: Vec<String>,
    tag: String,
    wants: Wants,
}

#[derive(Clone, Copy, PartialEq)]
enum Wants {
    Running(bool),
    Restart,
    Fee(u64),
}

const APPLIER: &str = "apply";

impl Default for Commands {
    fn default() -> Self {
        let intents = PIPELINES.into_iter().map(|pipeline| (pipeline, BTreeSet::from([true]))).collect();
        Self {
            random: Random::new(1),
            tag: 1000,
            under_way: BTreeMap::new(),
            intents,
            fees: BTreeSet::from([1]),
            acknowledged: Vec::new(),
            told: Vec::new(),
            counts: BTreeMap::new(),
        }
    }
}

impl Commands {
    /// Draws from another seed from now on.
    pub(crate) fn begin(&mut self, seed: u64) {
        self.random = Random::new(seed.wrapping_add(1));
        self.told.clear();
    }

    /// Takes in what was answered, and gives new commands, not all at once.
    pub(crate) fn tick(&mut self, team: &Team) {
        self.take_in();
        let users: Vec<_> = PIPELINES.into_iter().chain([APPLIER]).collect();
        let who = *self.random.pick(&users);
        if self.under_way.contains_key(who) || self.random.below(4) > 0 {
            return;
        }
        let command = self.draw(who);
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        self.under_way.insert(who, (command.clone(), team.begin(&words)));
    }

    /// Waits for the answers that are due.
    pub(crate) fn finish(&mut self) {
        for (who, (command, running)) in std::mem::take(&mut self.under_way) {
            let done = running.end();
            self.answered(who, &command, done.code, &done.err);
        }
    }

    fn take_in(&mut self) {
        let mut over = Vec::new();
        for (who, (_, running)) in &mut self.under_way {
            if running.has_ended() {
                over.push(*who);
            }
        }
        for who in over {
            let (command, running) = self.under_way.remove(who).expect("just seen");
            let done = running.end();
            self.answered(who, &command, done.code, &done.err);
        }
    }

    fn draw(&mut self, who: &'static str) -> Command {
        self.tag += 1;
        let tag = format!("tag-{}", self.tag);
        let job = format!("{who}.follow");
        let (words, wants): (Vec<&str>, _) = match (who, self.random.below(6)) {
            (APPLIER, _) => (vec!["apply", "-y"], Wants::Fee(self.tag)),
            (_, 0 | 1) => (vec!["stop", &job], Wants::Running(false)),
            (_, 2 | 3) => (vec!["start", &job], Wants::Running(true)),
            (_, _) => (vec!["restart", &job], Wants::Restart),
        };
        let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        if let Wants::Fee(fee) = wants {
            words.push(format!("--var=fee={fee}"));
        }
        words.extend(["--no-wait".to_owned(), format!("--message={tag}")]);
        Command { words, tag, wants }
    }

    fn answered(&mut self, who: &'static str, command: &Command, code: Option<i32>, said: &str) {
        let text = command.words.join(" ");
        let why = if code == Some(0) { String::new() } else { format!(": {}", said.trim()) };
        self.told.push(format!("{text}: exit {code:?}{why}"));
        *self.counts.entry((command.words[0].clone(), code)).or_default() += 1;
        let known = code == Some(0);
        match command.wants {
            Wants::Fee(fee) => {
                if known {
                    self.fees.clear();
                }
                self.fees.insert(fee);
            }
            Wants::Running(wanted) => {
                let intents = self.intents.entry(who).or_default();
                if known {
                    intents.clear();
                }
                intents.insert(wanted);
            }
            // Of a stopped one it may ask for a start, or be refused.
            Wants::Restart => {
                if known {
                    self.acknowledged.push(command.tag.clone());
                }
                self.intents.entry(who).or_default().insert(true);
            }
        }
    }

    /// What is not as its record wants it, or still under way.
    pub(crate) fn restless(&self, team: &Team) -> Vec<String> {
        let fleet = match team.project.try_fleet() {
            Ok(fleet) => fleet,
            Err(error) => return vec![error],
        };
        let restless_stream = |job: String| {
            let id: JobId = job.parse().expect("a good name");
            let wanted = fleet.desired.get(&id).map(|desired| desired.goal.intent);
            let state = fleet.statuses.get(&Instance::stream(id)).map(|status| status.state.name());
            let rests = match wanted {
                Some(Intent::Run) => state == Some(Name::Running),
                // What had failed before it was stopped stays so.
                Some(Intent::Stop) => {
                    matches!(state, Some(Name::Stopped | Name::Failed)) && team.project.alive(&job).is_empty()
                }
                Some(Intent::Suspend | Intent::Remove | Intent::Forget) | None => false,
            };
            (!rests).then(|| format!("{job} is {state:?}, and {wanted:?} is wanted"))
        };
        let streams = streams().filter_map(restless_stream);
        let runs = fleet.runs.values().filter(|run| !fleet.is_over(run));
        let instances = runs.flat_map(|run| run.instances()).map(|(instance, bound)| {
            let status = fleet.statuses.get(&instance);
            format!("{instance} is {status:?}, and {:?} is wanted", bound.goal)
        });
        let frozen = fleet.recovery.iter().filter(|recovery| !recovery.is_over());
        let frozen = frozen.map(|recovery| format!("{recovery:?}"));
        streams.chain(instances).chain(frozen).collect()
    }

    /// What was acknowledged and did not take effect.
    pub(crate) fn lost(&self, team: &Team) -> Vec<String> {
        let mut lost = Vec::new();
        let history = team.project.history().unwrap_or_default();
        let recorded = |tag: &String| {
            let quoted = format!("\"{tag}\"");
            history.iter().any(|line| line.entry.text.contains(&quoted))
        };
        let gone = self.acknowledged.iter().filter(|tag| !recorded(tag));
        lost.extend(gone.map(|tag| format!("the restart {tag} was acknowledged and is not in the history")));
        let Ok(fleet) = team.project.try_fleet() else { return vec!["the store does not answer".to_owned()] };
        for (pipeline, allowed) in &self.intents {
            let id = format!("{pipeline}.follow").parse().expect("a good name");
            let Some(desired) = fleet.desired.get(&id) else { continue };
            let runs = desired.goal.intent == Intent::Run;
            if !allowed.contains(&runs) {
                lost.push(format!("{pipeline}.follow: runs {runs}, and {allowed:?} was acknowledged last"));
            }
            let given = format!("{:?}", desired.spec);
            if !self.fees.iter().any(|fee| given.contains(&format!("\"{fee}\""))) {
                lost.push(format!("{pipeline}.follow: {:?} was applied last, and it has {given}", self.fees));
            }
        }
        lost
    }

    /// What was commanded in this round.
    pub(crate) fn told(&self) -> String {
        self.told.join("\n")
    }

    /// How many commands of which kind ended how.
    pub(crate) fn figures(&self) -> String {
        let of = |((command, code), count): (&(String, Option<i32>), &usize)| match code {
            Some(0) => format!("{count} {command} acknowledged"),
            _ => format!("{count} {command} failed ({code:?})"),
        };
        self.counts.iter().map(of).collect::<Vec<_>>().join(", ")
    }
}
