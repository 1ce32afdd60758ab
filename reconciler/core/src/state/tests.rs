//! The whole table, as data.

use super::*;

fn states() -> Vec<(&'static str, State)> {
    let at = Timestamp::UNIX_EPOCH;
    let reason = String::new;
    let stopping = |then| State::Stopping { then };
    let unknown = |before| State::Unknown { reason: reason(), before: Box::new(before) };
    let running = State::Running { since: at };
    vec![
        ("waiting", State::NEW),
        ("pausing", State::Waiting { not_before: Some(at) }),
        ("intended", State::Submitting(Submission::Intended)),
        ("created", State::Submitting(Submission::Created(Uid("u1".into())))),
        ("running", running.clone()),
        ("degraded", State::Degraded { reason: reason() }),
        ("to-stopped", stopping(Then::Stopped)),
        ("to-suspended", stopping(Then::Suspended)),
        ("to-replaced", stopping(Then::Replaced)),
        ("to-failed", stopping(Then::Failed(reason()))),
        ("stopped", State::Stopped),
        ("suspended", State::Suspended),
        ("succeeded", State::Succeeded),
        ("failed", State::Failed { reason: reason() }),
        ("lost", State::Lost { reason: reason() }),
        ("skipped", State::Skipped { reason: reason() }),
        ("?intended", unknown(State::Submitting(Submission::Intended))),
        ("?running", unknown(running)),
        ("?to-stopped", unknown(stopping(Then::Stopped))),
    ]
}

fn events() -> Vec<(&'static str, Event)> {
    let at = Timestamp::UNIX_EPOCH;
    let reason = String::new;
    let stop = |then| Event::StopAsked { then };
    vec![
        ("submit", Event::Submitted),
        ("create", Event::Created { uid: Uid("u1".into()) }),
        ("start", Event::Started { since: at }),
        ("impair", Event::Impaired { reason: reason() }),
        ("succeed", Event::Succeeded),
        ("fail", Event::Failed { reason: reason() }),
        ("end", Event::Ended),
        ("lose", Event::Lost { reason: reason() }),
        ("silent", Event::Silent { reason: reason() }),
        ("heard", Event::Heard),
        ("stop", stop(Then::Stopped)),
        ("suspend", stop(Then::Suspended)),
        ("replace", stop(Then::Replaced)),
        ("give-up", stop(Then::Failed(reason()))),
        ("retry", Event::Retried { not_before: at }),
        ("reopen", Event::Reopened),
        ("skip", Event::Skipped { reason: reason() }),
        ("recover", Event::Recovered),
    ]
}

/// The name of a state in the table below; where it is none of these, what it is.
fn name(state: &State) -> String {
    if let State::Unknown { before, .. } = state {
        return format!("?{}", name(before));
    }
    let known = states().into_iter().find(|(_, known)| known == state);
    known.map_or_else(|| format!("{state:?}"), |(name, _)| name.to_owned())
}

/// Every state, with what each event makes of it; an event that is not named is illegal.
const TABLE: &str = "
waiting | submit:intended lose:lost stop:stopped suspend:suspended skip:skipped recover:intended
pausing | submit:intended lose:lost stop:stopped suspend:suspended skip:skipped recover:intended
intended | create:created start:running impair:degraded succeed:succeeded fail:failed lose:lost silent:?intended stop:to-stopped suspend:to-suspended replace:to-replaced give-up:to-failed recover:intended
created | start:running impair:degraded succeed:succeeded fail:failed lose:lost silent:?created stop:to-stopped suspend:to-suspended replace:to-replaced give-up:to-failed recover:intended
running | impair:degraded succeed:succeeded fail:failed lose:lost silent:?running stop:to-stopped suspend:to-suspended replace:to-replaced give-up:to-failed recover:intended
degraded | start:running impair:degraded succeed:succeeded fail:failed lose:lost silent:?degraded stop:to-stopped suspend:to-suspended replace:to-replaced give-up:to-failed recover:intended
to-stopped | succeed:succeeded fail:stopped end:stopped lose:stopped silent:?to-stopped stop:to-stopped suspend:to-suspended replace:to-replaced give-up:to-failed recover:intended
to-suspended | succeed:succeeded fail:suspended end:suspended lose:suspended silent:?to-suspended stop:to-stopped suspend:to-suspended replace:to-replaced give-up:to-failed recover:intended
to-replaced | succeed:succeeded fail:waiting end:waiting lose:waiting silent:?to-replaced stop:to-stopped suspend:to-suspended replace:to-replaced give-up:to-failed recover:intended
to-failed | succeed:succeeded fail:failed end:failed lose:failed silent:?to-failed stop:to-stopped suspend:to-suspended replace:to-replaced give-up:to-failed recover:intended
stopped | suspend:suspended reopen:waiting recover:intended
suspended | stop:stopped reopen:waiting recover:intended
succeeded | reopen:waiting recover:intended
failed | retry:pausing reopen:waiting recover:intended
lost | start:running succeed:succeeded fail:failed retry:pausing reopen:waiting recover:intended
skipped | reopen:waiting recover:intended
?intended | silent:?intended heard:intended stop:?to-stopped suspend:?to-suspended replace:?to-replaced give-up:?to-failed recover:intended
?running | silent:?running heard:running stop:?to-stopped suspend:?to-suspended replace:?to-replaced give-up:?to-failed recover:intended
?to-stopped | silent:?to-stopped heard:to-stopped stop:?to-stopped suspend:?to-suspended replace:?to-replaced give-up:?to-failed recover:intended
";

fn table() -> String {
    let row = |(from, state): (&str, State)| {
        let cells = events()
            .into_iter()
            .filter_map(|(event, what)| next(&state, &what).ok().map(|to| format!("{event}:{}", name(&to))));
        format!("{from} | {}\n", cells.collect::<Vec<_>>().join(" "))
    };
    states().into_iter().map(row).collect()
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    assert_eq!(table().trim(), TABLE.trim());
}

#[test]
fn an_illegal_event_is_named_with_its_state() {
    let error = next(&State::Stopped, &Event::Succeeded).unwrap_err();
    assert_eq!(error.to_string(), "succeeded does not apply to stopped");
}

#[test]
fn a_silent_cluster_hides_a_state_and_gives_it_back() {
    for (what, state) in states().into_iter().filter(|(_, state)| state.is_live()) {
        let silent = Event::Silent { reason: "no answer".to_owned() };
        let unknown = next(&state, &silent).unwrap();
        let again = next(&unknown, &silent).unwrap();
        let before = match &state {
            State::Unknown { before, .. } => (**before).clone(),
            state => state.clone(),
        };
        assert_eq!(unknown.name(), Name::Unknown, "{what}");
        assert_eq!(next(&again, &Event::Heard), Ok(before), "{what}");
    }
}

#[test]
fn what_is_final_stays_until_somebody_asks() {
    for (what, state) in states().into_iter().filter(|(_, state)| state.is_final()) {
        // What is found on a cluster wins over what a record says of it.
        let found = |event: &Event| {
            matches!(
                (&state, event),
                (State::Lost { .. }, Event::Started { .. } | Event::Succeeded | Event::Failed { .. })
                    | (_, Event::Recovered)
            )
        };
        // Both mean that it does not run; the last one to be asked for is the one that counts.
        let turned = |event: &Event| {
            matches!(event, Event::StopAsked { .. }) && matches!(state, State::Stopped | State::Suspended)
        };
        for (how, event) in events() {
            let asked = matches!(event, Event::Reopened | Event::Retried { .. });
            if !asked && !found(&event) && !turned(&event) {
                assert!(next(&state, &event).is_err(), "{what} {how}");
            }
        }
    }
}

#[test]
fn what_may_be_alive_is_never_submitted_again() {
    for (what, state) in states().into_iter().filter(|(_, state)| state.is_live()) {
        assert!(next(&state, &Event::Submitted).is_err(), "{what}");
    }
}
