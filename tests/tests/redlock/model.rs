//! Each script does to a server's keys, and answers, what its model does to a value.

use redis::Connection;
use windlass::lease::redlock::{Claim, Keys};
use windlass_core::id::Epoch;
use windlass_core::lease::node::{Ask, Node};
use windlass_core::lease::{Hint, Moment, Nonce, Resource};
use windlass_tests::redis::{Options, Program};
use windlass_tests::seed::{Random, seed, times};

use crate::scene::{TTL, resource, servers, settled};

/// No lock ends by itself while the test runs.
const NOW: Moment = Moment(std::time::Duration::ZERO);

/// Both sides.
struct Pair {
    node: Node,
    connection: Connection,
    keys: Keys,
}

impl Pair {
    /// What both sides have, as texts: lock, counter, barrier.
    fn keys(&mut self, resource: &Resource) -> [[Option<String>; 3]; 2] {
        let keys = [self.keys.lock(resource), self.keys.counter(resource), self.keys.barrier(resource)];
        let mut found: Vec<Option<String>> =
            redis::cmd("MGET").arg(&keys).query(&mut self.connection).expect("it answers");
        // A number that is missing is nought.
        found.iter_mut().for_each(|text| drop(text.take_if(|text| text == "0")));
        let ours = self.node.keys(resource);
        let number = |epoch: Epoch| (epoch > Epoch(0)).then(|| epoch.to_string());
        let lock = ours.lock.map(|lock| format!("{}{}", lock.nonce, lock.holder));
        [[lock, number(ours.counter), number(ours.barrier)], found.try_into().expect("three keys")]
    }

    /// A lock ends on both sides.
    fn expire(&mut self, resource: &Resource) {
        self.node.force_release(resource);
        let lock = self.keys.lock(resource);
        redis::cmd("DEL").arg(lock).exec(&mut self.connection).expect("it answers");
    }
}

/// Small numbers, and those near the end of what Redis counts exactly.
fn number(random: &mut Random) -> u64 {
    match random.below(8) {
        0 => Hint::HIGHEST.0 - random.below(3),
        1 => 100_000_000_000_000 + random.below(3),
        _ => random.below(12),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_do_what_their_model_does() {
    for program in Program::ALL {
        compare(program).await;
    }
}

async fn compare(program: Program) {
    let servers = servers(1, &Options::new().program(program));
    let (redlock, _clock) = settled(&servers, "me").await;
    let server = &redlock.nodes()[0];
    let connection = servers[0].client().get_connection().expect("it answers");
    let mut pair = Pair { node: Node::default(), connection, keys: Keys::new("test").expect("a prefix") };
    let mut random = Random::new(seed());
    for step in 0..times("WINDLASS_TEST_STEPS", 3000) {
        // A counter never falls while it lives, so huge ones would stay: each few steps begin with other keys.
        let both = [0, 1].map(|number| resource(&format!("{}-{number}", step / 40)));
        let claims: Vec<Claim> = both
            .iter()
            .map(|resource| Claim {
                resource: resource.clone(),
                nonce: Nonce(u128::from(random.below(3))),
                holder: "me".into(),
            })
            .collect();
        match random.below(6) {
            0 | 1 => {
                let hint = Hint::new(Epoch(number(&mut random))).expect("at most the highest");
                let node = &mut pair.node;
                let ours: Vec<_> = claims
                    .iter()
                    .map(|Claim { resource, nonce, .. }| {
                        node.acquire(resource, &Ask { nonce: *nonce, ttl: TTL, hint, holder: "me" }, NOW)
                    })
                    .collect();
                assert_eq!(server.acquire(&claims, hint).await, Ok(ours), "step {step}");
            }
            2 => {
                let seals: Vec<(Claim, Epoch)> =
                    claims.iter().map(|claim| (claim.clone(), Epoch(number(&mut random)))).collect();
                let node = &mut pair.node;
                let ours: Vec<_> = seals
                    .iter()
                    .map(|(claim, token)| node.seal(&claim.resource, claim.nonce, *token, NOW))
                    .collect();
                assert_eq!(server.seal(&seals).await, Ok(ours), "step {step}");
            }
            3 => {
                let node = &mut pair.node;
                let ours: Vec<_> =
                    claims.iter().map(|claim| node.extend(&claim.resource, claim.nonce, TTL, NOW)).collect();
                assert_eq!(server.extend(&claims).await, Ok(ours), "step {step}");
            }
            4 => {
                for claim in &claims {
                    pair.node.release(&claim.resource, claim.nonce, NOW);
                }
                assert_eq!(server.release(&claims).await, Ok(()), "step {step}");
            }
            _ => both.iter().for_each(|resource| pair.expire(resource)),
        }
        for resource in &both {
            let [ours, theirs] = pair.keys(resource);
            assert_eq!(ours, theirs, "step {step}");
        }
    }
}
