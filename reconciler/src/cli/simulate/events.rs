//! The events of a script.

use windlass_compiler::model::Model;
use windlass_core::operate::Operation;
use windlass_core::sim::mishap::{Cut, Harm, Mishap, Timed, Way};
use windlass_core::sim::user::Command;

use super::reader::{At, Mistakes, Table};
use super::script::{cluster, duration, job, time};

const CLUSTER: [&str; 3] = ["unreachable", "clean-up", "restart"];
const JOB: [&str; 4] = ["failure", "loss", "deletion", "impairment"];
const OWNER: [&str; 4] = ["crash", "pause", "cut-off", "clock-jump"];
const STORE: [&str; 2] = ["unreachable", "rollback"];
const COMMANDS: [(&str, Operation); 6] = [
    ("stop", Operation::Stop),
    ("start", Operation::Start),
    ("restart", Operation::Restart),
    ("retry", Operation::Retry),
    ("suspend", Operation::Suspend),
    ("resume", Operation::Start),
];

/// What an event is about.
enum Subject {
    Cluster(At<String>),
    Job(At<String>),
    Owner(At<u64>),
    Store,
}

/// Reads an event: what happens, and when it is over.
pub(super) fn event(mut table: Table<'_>, model: &Model, mistakes: &mut Mistakes) -> Option<(Timed, u64)> {
    let at = time(&mut table, "at", mistakes);
    if !table.has("at") {
        let help = "write `at = \"02:00\"`";
        mistakes.add(table.span(), "an event has no time", "when does it happen?", help);
    }
    let before = mistakes.reports.len();
    let mishap = match table.text("do", mistakes) {
        Some(command) => self::command(&command, model, mistakes).map(|mishap| (mishap, 0)),
        None => fault(&mut table, model, mistakes),
    };
    // What is left over is told only of an event that is understood otherwise.
    if mistakes.reports.len() == before {
        table.finish("this event", mistakes);
    }
    let ((mishap, lasts), at) = (mishap?, at?);
    Some((Timed { at, mishap }, at + lasts))
}

fn command(text: &At<String>, model: &Model, mistakes: &mut Mistakes) -> Option<Mishap> {
    let (verb, name) = text.value.split_once(' ').unwrap_or((&text.value, ""));
    let at = |value: &str| At { value: value.to_owned(), span: text.span.clone() };
    let found = COMMANDS.iter().find(|(known, _)| *known == verb);
    if found.is_none() {
        mistakes.none_of(&at(verb), "command", COMMANDS.map(|(name, _)| name));
    }
    let job = job(&at(name.trim()), model, mistakes)?;
    let (_, operation) = found?;
    Some(Mishap::Command(1, 0, Command::Operate(*operation, job)))
}

fn fault(table: &mut Table<'_>, model: &Model, mistakes: &mut Mistakes) -> Option<(Mishap, u64)> {
    let subject = subject(table, mistakes);
    let Some(fault) = table.text("fault", mistakes) else {
        let help =
            "write `fault = \"unreachable\"` for a fault, or `do = \"stop orders.totals\"` for a command";
        mistakes.add(table.span(), "an event says nothing of what happens", "what happens?", help);
        return None;
    };
    match subject? {
        Subject::Cluster(name) => of_cluster(&name, &fault, table, model, mistakes),
        Subject::Job(name) => of_job(&name, &fault, model, mistakes),
        Subject::Owner(owner) => of_owner(&owner, &fault, table, model, mistakes),
        Subject::Store => of_store(&fault, table, mistakes),
    }
}

/// Exactly one of the keys that say what a fault is about.
fn subject(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Subject> {
    let cluster = table.text("cluster", mistakes).map(Subject::Cluster);
    let job = table.text("job", mistakes).map(Subject::Job);
    let owner = table.number("owner", mistakes).map(Subject::Owner);
    let store = table.take("store").map(|_| Subject::Store);
    let mut found: Vec<Subject> = [cluster, job, owner, store].into_iter().flatten().collect();
    if found.len() != 1 {
        let help = "write one of `cluster = \"NAME\"`, `job = \"PIPELINE.JOB\"`, `owner = 1`, `store = true`";
        mistakes.add(table.span(), "a fault is about one thing", "about what?", help);
        return None;
    }
    found.pop()
}

fn of_cluster(
    name: &At<String>,
    fault: &At<String>,
    table: &mut Table<'_>,
    model: &Model,
    mistakes: &mut Mistakes,
) -> Option<(Mishap, u64)> {
    let cluster = cluster(name, model, mistakes);
    let at = cluster.and_then(|cluster| model.clusters.get_index_of(&cluster));
    match fault.value.as_str() {
        "unreachable" => {
            let lasts = lasting(table, mistakes);
            Some((Mishap::Silence(at?, lasts?), lasts?))
        }
        "clean-up" => Some((Mishap::Collect(at?), 0)),
        "restart" => Some((Mishap::Restart(at?), 0)),
        _ => unknown(fault, "fault of a cluster", &CLUSTER, mistakes),
    }
}

fn of_job(
    name: &At<String>,
    fault: &At<String>,
    model: &Model,
    mistakes: &mut Mistakes,
) -> Option<(Mishap, u64)> {
    let job = job(name, model, mistakes);
    let harm = match fault.value.as_str() {
        "failure" => Harm::Fail,
        "loss" => Harm::Vanish,
        "deletion" => Harm::Delete,
        "impairment" => Harm::Impair,
        _ => return unknown(fault, "fault of a job", &JOB, mistakes),
    };
    Some((Mishap::Harm(job?, harm), 0))
}

fn of_owner(
    owner: &At<u64>,
    fault: &At<String>,
    table: &mut Table<'_>,
    model: &Model,
    mistakes: &mut Mistakes,
) -> Option<(Mishap, u64)> {
    if !(1..=2).contains(&owner.value) {
        let help = "a simulation has two: 1, which owns all jobs in the beginning, and 2, which stands by";
        mistakes.add(owner.span.clone(), "there is no such owner", "not known", help);
        return None;
    }
    let owner = usize::try_from(owner.value - 1).unwrap_or(0);
    match fault.value.as_str() {
        "crash" => Some((Mishap::Crash(owner), 0)),
        "pause" => lasting(table, mistakes).map(|lasts| (Mishap::Pause(owner, lasts), lasts)),
        "cut-off" => {
            let cluster = match table.text("from", mistakes) {
                Some(from) if from.value == "store" => None,
                Some(from) => Some(model.clusters.get_index_of(&cluster(&from, model, mistakes)?)?),
                None => {
                    let help = "write `from = \"store\"`, or the name of a cluster";
                    mistakes.add(table.span(), "an owner is cut off from something", "from what?", help);
                    return None;
                }
            };
            let way = way(table, mistakes);
            let lasts = lasting(table, mistakes);
            Some((Mishap::Cut(Cut { owner, cluster, way: way? }, lasts?), lasts?))
        }
        "clock-jump" => jump(table, mistakes).map(|by| (Mishap::Jump(owner, by), 0)),
        _ => unknown(fault, "fault of an owner", &OWNER, mistakes),
    }
}

fn of_store(fault: &At<String>, table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<(Mishap, u64)> {
    match fault.value.as_str() {
        "unreachable" => lasting(table, mistakes).map(|lasts| (Mishap::StoreAway(lasts), lasts)),
        "rollback" => match duration(table, "by", mistakes) {
            Some(by) => Some((Mishap::Rollback(by.value), 0)),
            None => needs(table, "by", "how far it goes back", "30s", mistakes),
        },
        _ => unknown(fault, "fault of the store", &STORE, mistakes),
    }
}

fn lasting(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<u64> {
    let before = mistakes.reports.len();
    match duration(table, "for", mistakes) {
        Some(lasts) => Some(lasts.value),
        None if mistakes.reports.len() > before => None,
        None => needs(table, "for", "how long it lasts", "10m", mistakes),
    }
}

fn needs<T>(table: &Table<'_>, key: &str, what: &str, example: &str, mistakes: &mut Mistakes) -> Option<T> {
    let help = format!("write `{key} = \"{example}\"`");
    mistakes.add(
        table.span(),
        format!("this fault does not say {what}"),
        format!("`{key}` is missing"),
        help,
    );
    None
}

fn way(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Way> {
    let Some(way) = table.text("way", mistakes) else { return Some(Way::Both) };
    match way.value.as_str() {
        "both" => Some(Way::Both),
        "requests" => Some(Way::Out),
        "answers" => Some(Way::Back),
        _ => unknown(&way, "way", &["both", "requests", "answers"], mistakes),
    }
}

/// `by = "2m"` or `by = "-30s"`.
fn jump(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<i64> {
    let Some(by) = table.text("by", mistakes) else {
        return needs(table, "by", "how far the clock jumps", "-2m", mistakes);
    };
    let (sign, length) = match by.value.strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, by.value.strip_prefix('+').unwrap_or(&by.value)),
    };
    let millis = length.parse::<windlass_compiler::units::Duration>().ok();
    let millis = millis.and_then(|by| i64::try_from(by.as_millis()).ok());
    if millis.is_none() {
        let help = "write `by = \"2m\"` for ahead, `by = \"-2m\"` for back";
        mistakes.add(by.span, format!("`{}` is no length of time", by.value), "not a duration", help);
    }
    millis.map(|millis| sign * millis)
}

fn unknown<T>(at: &At<String>, what: &str, allowed: &[&str], mistakes: &mut Mistakes) -> Option<T> {
    mistakes.none_of(at, what, allowed.iter().copied());
    None
}
