use super::acquisition::{Acquisition, Answers, Grant, Outcome, Reason, Seal, Step};
use super::memory::{Life, Mark, Memory};
use super::node::{Ask, Node};
use super::renewal::{Extension, Renewal, Renewed};
use super::*;

const TTL: Duration = Duration::from_secs(15);
/// 15 s less 1 % and 2 ms.
const VALID: u64 = 15_000 - 150 - 2;
const NONCE: Nonce = Nonce(7);

fn at(millis: u64) -> Moment {
    Moment(Duration::from_millis(millis))
}

fn terms(nodes: usize) -> Terms {
    Terms::new(Nodes::new(nodes).expect("an allowed number"), TTL)
}

fn granted(counter: u64) -> Grant {
    Grant::Granted(Epoch(counter))
}

fn taken() -> Grant {
    Grant::Taken("other".to_owned())
}

fn sealed(counter: u64) -> Seal {
    Seal::Sealed(Epoch(counter))
}

fn answers(granted: usize, refused: usize, silent: usize) -> Answers {
    Answers { granted, refused, silent }
}

/// Plays locks, then seals, each a millisecond after the one before, asked at zero: what the last answer led to.
fn play(nodes: usize, locks: &[(usize, Grant)], seals: &[(usize, Seal)]) -> Step {
    let mut acquisition = Acquisition::begin(terms(nodes), NONCE, at(0));
    let mut step = Step::Wait;
    for (time, (node, grant)) in locks.iter().enumerate() {
        step = acquisition.locked(*node, grant.clone(), at(time as u64));
    }
    for (time, (node, seal)) in seals.iter().enumerate() {
        step = acquisition.sealed(*node, *seal, at(time as u64));
    }
    step
}

fn lost(reason: Reason) -> Step {
    Step::Done(Outcome::Lost { reason, release: true })
}

#[test]
fn a_token_is_the_highest_count_of_the_first_majority() {
    assert_eq!(play(1, &[(0, granted(4))], &[]), Step::Seal(Epoch(4)));
    assert_eq!(play(3, &[(0, granted(4))], &[]), Step::Wait);
    assert_eq!(play(3, &[(0, granted(4)), (2, granted(9))], &[]), Step::Seal(Epoch(9)));
    assert_eq!(play(5, &[(0, granted(4)), (1, granted(9))], &[]), Step::Wait);
    assert_eq!(play(3, &[(1, granted(4)), (1, granted(4))], &[]), Step::Wait, "a node answers once");
}

#[test]
fn a_lease_is_held_once_a_majority_has_sealed_it() {
    let locks = [(0, granted(4)), (2, granted(9))];
    assert_eq!(play(3, &locks, &[(0, sealed(9))]), Step::Wait);
    let held = Step::Done(Outcome::Held { token: Epoch(9), until: at(VALID) });
    assert_eq!(play(3, &locks, &[(0, sealed(9)), (2, sealed(9))]), held);
    assert_eq!(play(3, &locks, &[(0, Seal::Silent), (1, sealed(9)), (2, sealed(9))]), held);
}

#[test]
fn a_seal_does_not_count_where_a_late_lock_counted_higher() {
    let locks = [(0, granted(4)), (2, granted(5))];
    assert_eq!(play(3, &locks, &[(1, sealed(6)), (0, sealed(5))]), Step::Wait);
    let unsealed = lost(Reason::Unsealed(answers(1, 1, 1)));
    assert_eq!(play(3, &locks, &[(1, sealed(6)), (0, sealed(5)), (2, Seal::Silent)]), unsealed);
}

/// A node that has given `count` locks away, and a try that is not the holder's.
fn used(count: u64) -> Node {
    let mut node = Node::default();
    for _ in 0..count {
        node.acquire(&shard(), &ask(0), at(0));
        node.release(&shard(), Nonce(0), at(0));
    }
    node
}

fn shard() -> Resource {
    Resource("a".to_owned())
}

fn ask(nonce: u128) -> Ask<'static> {
    Ask { nonce: Nonce(nonce), ttl: TTL, hint: Hint::LOWEST, holder: "me" }
}

/// The schedule that needs it: a slow try gets its token from `a` and `b`; another one gets the same token from
/// `a` and `c`, and ends; then the first one's lock comes to `c`, and `b` and `c` seal its token.
#[test]
fn a_late_lock_does_not_repeat_a_token() {
    let [mut a, mut b, mut c] = [used(0), used(4), used(4)];
    let mut slow = Acquisition::begin(terms(3), Nonce(1), at(0));
    let locks = [a.acquire(&shard(), &ask(1), at(0)), b.acquire(&shard(), &ask(1), at(0))];
    slow.locked(0, locks[0].clone(), at(0));
    assert_eq!(slow.locked(1, locks[1].clone(), at(0)), Step::Seal(Epoch(5)));

    a.force_release(&shard());
    let mut fast = Acquisition::begin(terms(3), Nonce(2), at(0));
    fast.locked(0, a.acquire(&shard(), &ask(2), at(0)), at(0));
    assert_eq!(fast.locked(2, c.acquire(&shard(), &ask(2), at(0)), at(0)), Step::Seal(Epoch(5)));
    fast.sealed(0, a.seal(&shard(), Nonce(2), Epoch(5), at(0)), at(0));
    let held = fast.sealed(2, c.seal(&shard(), Nonce(2), Epoch(5), at(0)), at(0));
    assert_eq!(held, Step::Done(Outcome::Held { token: Epoch(5), until: at(VALID) }));
    c.release(&shard(), Nonce(2), at(0));

    c.acquire(&shard(), &ask(1), at(0));
    slow.sealed(1, b.seal(&shard(), Nonce(1), Epoch(5), at(0)), at(0));
    slow.sealed(2, c.seal(&shard(), Nonce(1), Epoch(5), at(0)), at(0));
    let step = slow.sealed(0, a.seal(&shard(), Nonce(1), Epoch(5), at(0)), at(0));
    assert_eq!(step, lost(Reason::Unsealed(answers(1, 2, 0))));
}

#[test]
fn every_failure_releases_on_every_node() {
    let busy = lost(Reason::Busy("other".to_owned()));
    assert_eq!(play(3, &[(0, taken()), (1, taken())], &[]), busy);
    assert_eq!(play(3, &[(0, granted(1)), (1, taken()), (2, Grant::Silent)], &[]), busy);
    let silent = lost(Reason::NoMajority(answers(1, 0, 2)));
    assert_eq!(play(3, &[(0, granted(1)), (1, Grant::Silent), (2, Grant::Silent)], &[]), silent);
    let locks = [(0, granted(1)), (1, granted(1))];
    let unsealed = lost(Reason::Unsealed(answers(0, 2, 0)));
    assert_eq!(play(3, &locks, &[(0, Seal::Refused), (1, Seal::Refused)]), unsealed);
}

/// Seals when hardly anything of the validity is left.
fn late_acquisition() -> Step {
    let mut acquisition = Acquisition::begin(terms(1), NONCE, at(0));
    acquisition.locked(0, granted(1), at(10));
    acquisition.sealed(0, sealed(1), at(VALID - 1500))
}

#[test]
fn a_late_acquisition_is_lost_and_released() {
    assert_eq!(late_acquisition(), lost(Reason::Late));
}

#[test]
fn an_answer_after_the_end_changes_nothing() {
    let mut acquisition = Acquisition::begin(terms(1), NONCE, at(0));
    acquisition.locked(0, taken(), at(1));
    assert!(acquisition.is_decided());
    assert_eq!(acquisition.locked(0, granted(1), at(2)), Step::Wait);
    assert_eq!(acquisition.sealed(0, sealed(1), at(2)), Step::Wait);
}

fn tenure() -> Tenure {
    Tenure { resource: Resource("a".to_owned()), nonce: NONCE, token: Epoch(1), until: at(10_000) }
}

/// Renews over three nodes, asked at 5 s, answered at `now`.
fn renew(extensions: [Extension; 3], now: u64) -> Renewal {
    let mut renewal = Renewal::begin(terms(3), &tenure(), at(5_000));
    for (node, extension) in extensions.into_iter().enumerate() {
        renewal.answered(node, extension, at(now));
    }
    renewal
}

#[test]
fn a_renewal_counts_from_its_question() {
    use Extension::*;
    let until = Some(Renewed::Until(at(5_000 + VALID)));
    assert_eq!(renew([Extended, Extended, Silent], 5_400).decided(), until);
    assert_eq!(renew([Foreign, Extended, Extended], 5_400).decided(), until);
}

#[test]
fn a_failed_renewal_keeps_what_was_and_releases_nothing() {
    use Extension::*;
    let kept = |count| Some(Renewed::Kept(count));
    assert_eq!(renew([Extended, Silent, Silent], 5_400).decided(), kept(answers(1, 0, 2)));
    assert_eq!(renew([Extended, Missing, Foreign], 5_400).decided(), kept(answers(1, 2, 0)));
    assert_eq!(renew([Silent, Silent, Extended], 10_000).decided(), Some(Renewed::Ended));
}

#[test]
fn what_has_ended_is_not_renewed() {
    let renewal = Renewal::begin(terms(3), &tenure(), at(10_000));
    assert_eq!(renewal.decided(), Some(Renewed::Ended));
    assert!(tenure().holds(at(9_999)));
    assert!(!tenure().holds(at(10_000)));
}

#[test]
fn only_what_a_majority_extended_is_healed() {
    use Extension::*;
    assert_eq!(renew([Extended, Extended, Missing], 5_400).to_heal(), [2]);
    assert!(renew([Extended, Extended, Foreign], 5_400).to_heal().is_empty());
    assert!(renew([Extended, Missing, Missing], 5_400).to_heal().is_empty());
}

fn life(run: &str, uptime: u64, marked: (&str, u64), durable: bool) -> Life {
    let mark = Mark { run: marked.0.to_owned(), uptime: Duration::from_secs(marked.1), chance: 1 };
    Life { run: run.to_owned(), uptime: Duration::from_secs(uptime), mark, durable }
}

/// Until when a node is not counted that is met at 100 s.
fn distrusted(life: &Life) -> Option<Moment> {
    let mut memory = Memory::default();
    memory.met(life, &terms(3), at(100_000));
    memory.distrusted(at(100_000))
}

#[test]
fn a_node_counts_once_its_memory_is_older_than_a_ttl() {
    let known = distrusted(&life("a", 1000, ("a", 3), false));
    assert_eq!(known, None);
    let fresh = distrusted(&life("a", 0, ("a", 0), true));
    assert_eq!(fresh, Some(at(116_000)), "no mark was there: it may have been emptied");
    let emptied = distrusted(&life("a", 1000, ("a", 1000), false));
    assert_eq!(emptied, Some(at(116_000)), "it was emptied without a restart");
    let restarted = distrusted(&life("b", 6, ("a", 3), false));
    assert_eq!(restarted, Some(at(110_000)), "its last writes may be lost");
    let long_ago = distrusted(&life("b", 16, ("a", 3), false));
    assert_eq!(long_ago, None);
    let durable = distrusted(&life("b", 0, ("a", 3), true));
    assert_eq!(durable, None, "nothing that it answered is lost");
}

#[test]
fn a_counter_that_fell_shows_an_older_copy() {
    let mut memory = Memory::default();
    let resource = Resource("a".to_owned());
    memory.counted(&resource, Epoch(5), &terms(3), at(0));
    memory.counted(&resource, Epoch(5), &terms(3), at(1));
    assert_eq!(memory.distrusted(at(1)), None);
    memory.counted(&resource, Epoch(4), &terms(3), at(2));
    assert_eq!(memory.distrusted(at(2)), Some(at(15_002)));
    assert_eq!(memory.distrusted(at(15_002)), None);
}

#[test]
fn a_mark_survives_its_text() {
    let mark = life("a", 1, ("9f", 30), true).mark;
    assert_eq!(mark.to_string().parse(), Ok(mark));
    assert!("9f x".parse::<Mark>().is_err());
}

/// A loser raises the count of a node where the holder's lock is missing.
fn node_that_a_loser_used() -> Node {
    let mut node = Node::default();
    assert_eq!(node.acquire(&shard(), &ask(1), at(0)), granted(1));
    assert_eq!(node.seal(&shard(), Nonce(1), Epoch(1), at(0)), sealed(1));
    node.force_release(&shard());
    assert_eq!(node.acquire(&shard(), &ask(2), at(1)), granted(2));
    assert!(node.release(&shard(), Nonce(2), at(2)));
    node
}

#[test]
fn a_loser_does_not_fence_out_the_holder() {
    let node = node_that_a_loser_used();
    assert!(node.admits(&shard(), Epoch(1)));
    assert!(!node.admits(&shard(), Epoch(0)));
}

#[test]
fn an_absurd_hint_is_refused() {
    assert_eq!(Hint::new(Epoch(1 << 53)), Err(AbsurdHint(Epoch(1 << 53))));
    assert!(Hint::new(Hint::HIGHEST).is_ok());
}

#[test]
fn pauses_grow_up_to_a_ttl_and_contenders_part() {
    let terms = terms(3);
    assert_eq!(terms.pause(0, 0), terms.patience() / 2);
    assert_eq!(terms.pause(0, u32::MAX), terms.patience());
    assert_eq!(terms.pause(2, u32::MAX), terms.patience() * 4);
    assert_eq!(terms.pause(60, u32::MAX), TTL);
}
