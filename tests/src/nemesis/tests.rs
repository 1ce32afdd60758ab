use std::collections::{BTreeMap, BTreeSet};

use super::*;

const TTL: Duration = Duration::from_secs(2);
const LENGTH: Duration = Duration::from_secs(30);

fn scene(budget: Budget) -> Scene {
    Scene { services: 3, lease_nodes: 3, replica: true, ttl: TTL, pace: TTL / 2, budget }
}

/// A minority of everything that is counted, and two links.
fn minority() -> Budget {
    Budget { services: 2, lease_nodes: 1, store: 1, links: 2 }
}

fn any(seed: u64) -> Story {
    scene(minority()).draw(seed, LENGTH, |_| true)
}

/// Calls `look` with what is broken after each step.
fn follow(story: &Story, mut look: impl FnMut(&BTreeMap<usize, Fault>)) {
    let mut broken = BTreeMap::new();
    for step in &story.steps {
        match step.turn {
            Turn::Breaks if step.fault.lasts() => {
                assert_eq!(broken.insert(step.number, step.fault), None, "{story}");
            }
            Turn::Breaks => {}
            Turn::Worsens => assert_eq!(broken.get(&step.number), Some(&step.fault), "{story}"),
            Turn::Heals => assert_eq!(broken.remove(&step.number), Some(step.fault), "{story}"),
        }
        look(&broken);
    }
    assert_eq!(broken, BTreeMap::new(), "everything is healed at the end\n{story}");
}

#[test]
fn a_seed_tells_one_story_and_another_seed_another() {
    assert_eq!(any(7), any(7));
    let stories: BTreeSet<_> = (0..100).map(|seed| any(seed).to_string()).collect();
    assert_eq!(stories.len(), 100);
}

#[test]
fn steps_are_in_order_and_within_the_time() {
    for seed in 0..60 {
        let story = any(seed);
        assert!(story.steps.is_sorted_by_key(|step| step.at), "{story}");
        assert!(story.steps.last().is_some_and(|step| step.at <= LENGTH), "{story}");
    }
}

#[test]
fn every_fault_that_lasts_is_healed_once() {
    (0..60).for_each(|seed| follow(&any(seed), |_| {}));
}

#[test]
fn the_budget_is_used_and_never_exceeded() {
    use draw::Kind;
    for budget in [minority(), Budget { services: 3, lease_nodes: 2, store: 2, links: 5 }] {
        let mut most = BTreeMap::new();
        for seed in 0..60 {
            follow(&scene(budget).draw(seed, LENGTH, |_| true), |broken| {
                for kind in Kind::ALL {
                    let count = broken.values().filter(|fault| fault.kind() == kind).count();
                    let most = most.entry(budget.of(kind)).or_insert(0);
                    assert!(count <= budget.of(kind), "{count} of {kind:?}");
                    *most = count.max(*most);
                }
            });
        }
        assert!(most.iter().all(|(budget, most)| budget == most), "{most:?}");
    }
}

#[test]
fn nothing_is_broken_where_the_budget_is_nothing() {
    let budget = Budget { services: 0, lease_nodes: 0, store: 0, links: 1 };
    let story = scene(budget).draw(1, LENGTH, |_| true);
    assert!(!story.steps.is_empty());
    assert!(story.steps.iter().all(|step| matches!(step.fault, Fault::Link(..))), "{story}");
}

#[test]
fn a_fault_that_may_not_happen_does_not() {
    let kept = |fault: Fault| {
        !matches!(fault, Fault::StaleFailOver { .. } | Fault::Server(_, ServerFault::Kill(Loss::Everything)))
    };
    for seed in 0..50 {
        let story = scene(minority()).draw(seed, LENGTH, kept);
        assert!(!story.steps.is_empty() && story.steps.iter().all(|step| kept(step.fault)), "{story}");
    }
}

#[test]
fn what_is_broken_is_not_broken_again() {
    for seed in 0..60 {
        follow(&any(seed), |broken| {
            let mut places = BTreeSet::new();
            for fault in broken.values() {
                let place = match fault {
                    Fault::Service(number, _) => format!("service {number}"),
                    Fault::Server(server, _) => format!("{server:?}"),
                    Fault::Link(link, _) => format!("{link:?}"),
                    Fault::StaleFailOver { .. } => format!("{:?}", Server::Replica),
                };
                assert!(places.insert(place.clone()), "{place} twice");
            }
        });
    }
}

#[test]
fn a_fail_over_is_alone_with_the_store() {
    let mut fail_overs = 0;
    for seed in 0..60 {
        let budget = Budget { store: 2, ..minority() };
        follow(&scene(budget).draw(seed, LENGTH, |_| true), |broken| {
            let fails_over = broken.values().any(|fault| matches!(fault, Fault::StaleFailOver { .. }));
            let others = broken.values().filter(|fault| {
                let of_replication = |link: &Link| link.from == Part::Server(Server::Replica);
                matches!(fault, Fault::Server(Server::Primary | Server::Replica, _))
                    || matches!(fault, Fault::Link(link, _) if of_replication(link))
            });
            assert!(!fails_over || others.count() == 0);
            fail_overs += usize::from(fails_over);
        });
    }
    assert!(fail_overs > 50);
}

#[test]
fn every_kind_of_fault_happens() {
    let words = |step: &Step| {
        let name =
            |text: String| text.split(['(', '{']).map(|word| word.trim().to_owned()).collect::<Vec<_>>();
        let of = match step.fault {
            Fault::Service(_, fault) => name(format!("{fault:?}")),
            Fault::Server(_, ServerFault::Kill(loss)) => name(format!("{loss:?}")),
            Fault::Server(_, fault) => name(format!("{fault:?}")),
            Fault::Link(_, LinkFault::Hold(way)) => name(format!("{way:?}")),
            Fault::Link(_, fault) => name(format!("{fault:?}")),
            Fault::StaleFailOver { .. } => vec!["StaleFailOver".to_owned()],
        };
        of.into_iter().next().unwrap_or_default()
    };
    let found: BTreeSet<_> =
        (0..20).flat_map(|seed| any(seed).steps.iter().map(words).collect::<Vec<_>>()).collect();
    let found: Vec<_> = found.iter().map(String::as_str).collect();
    let all = [
        "Back",
        "Cut",
        "Delay",
        "Everything",
        "FlushScripts",
        "Full",
        "HalfOpen",
        "Jump",
        "Kill",
        "Nothing",
        "Pause",
        "Refuse",
        "Reset",
        "SinceCopy",
        "StaleFailOver",
        "Tail",
        "There",
        "Throttle",
    ];
    assert_eq!(found, all);
}

#[test]
fn pauses_are_shorter_and_longer_than_a_lease() {
    let (mut shorter, mut longer) = (0, 0);
    for story in (0..50).map(any) {
        let mut began = BTreeMap::new();
        for step in story.steps.iter().filter(|step| matches!(step.fault, Fault::Service(..))) {
            match began.remove(&step.number) {
                None => drop(began.insert(step.number, step.at)),
                Some(at) if step.at - at > TTL => longer += 1,
                Some(_) => shorter += 1,
            }
        }
    }
    assert!(shorter > 50 && longer > 50, "{shorter} shorter, {longer} longer");
}

#[test]
fn a_story_is_played_step_by_step_at_its_times() {
    use std::cell::RefCell;
    let story = any(3);
    let played = RefCell::new(Vec::new());
    story.play(
        |at| played.borrow_mut().push((at, None)),
        |step| played.borrow_mut().push((step.at, Some(*step))),
    );
    let expected = story.steps.iter().flat_map(|step| [(step.at, None), (step.at, Some(*step))]);
    assert_eq!(played.into_inner(), expected.collect::<Vec<_>>());
}

#[test]
fn a_story_can_be_read() {
    let story = scene(minority()).draw(11, Duration::from_secs(4), |_| true);
    insta::assert_snapshot!(story, @"
    seed 11: 15 faults
        0.401 s    1. lease node 3 is killed
        0.914 s    2. service 2 is killed
        1.073 s    2. service 2 starts again
        1.195 s    3. service 1 is killed
        1.454 s    4. link from service 2 to lease node 1 is half open
        1.489 s    5. link from service 2 to lease node 2 carries 10360 bytes a second
        1.742 s    6. primary is killed
        1.802 s    4. link from service 2 to lease node 1 is well
        1.832 s    6. primary starts again without its last 1421 bytes
        1.841 s    7. link from service 3 to lease node 2 carries 41958 bytes a second
        1.845 s    7. link from service 3 to lease node 2 is well
        2.004 s    3. service 1 starts again
        2.486 s    8. service 1 is held up
        2.532 s    8. service 1 goes on
        2.703 s    9. service 3 is killed
        2.754 s   10. link from service 3 to lease node 3 is half open
        2.882 s    1. lease node 3 starts again without its last 1589 bytes
        2.965 s    9. service 3 starts again
        3.330 s   11. service 2 is killed
        3.389 s   12. lease node 3 is 3600 s behind
        3.421 s   13. service 3 is held up
        3.670 s   14. primary is killed
        3.692 s   12. lease node 3 shows the true time
        3.720 s   15. lease node 1 is held up
        3.858 s   15. lease node 1 goes on
        4.000 s    5. link from service 2 to lease node 2 is well
        4.000 s   10. link from service 3 to lease node 3 is well
        4.000 s   11. service 2 starts again
        4.000 s   13. service 3 goes on
        4.000 s   14. primary starts again without its last 1574 bytes
    ");
}
