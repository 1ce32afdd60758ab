//! What happens with a safety rule switched off: the same steps do harm, so the other tests do notice.

use tokio::runtime::Runtime;
use windlass::driver::Driver;
use windlass_core::action::{Action, Outcome};
use windlass_core::fault::{self, Rule};
use windlass_core::id::Uid;
use windlass_core::observed::Observation;

use crate::world::{World, done};

/// Performs an action on this thread, where the rule is switched off.
fn perform_without(rule: Rule, runtime: &Runtime, world: &World, action: &Action) -> Outcome {
    fault::without(rule, || runtime.block_on(world.local.perform(action)))
}

#[test]
fn without_names_that_are_given_once_an_attempt_starts_twice() {
    let runtime = Runtime::new().expect("threads");
    let world = World::new();
    let process = world.shell("echo $$ >> starts; exec sleep 1000");
    let first = runtime.block_on(world.started(process.clone()));
    runtime.block_on(world.lines("starts", 1));
    let create = Action::Create(Box::new(world.create("a.b", process)));
    let second = done(perform_without(Rule::CreateOnly, &runtime, &world, &create));
    assert_ne!(second.uid, first.uid);
    runtime.block_on(async {
        done(world.activate(&second).await);
        assert_eq!(world.lines("starts", 2).await.len(), 2);
        world.over(&second).await;
    });
}

#[test]
fn without_the_recorded_uid_another_object_is_activated() {
    let runtime = Runtime::new().expect("threads");
    let world = World::new();
    let created = runtime.block_on(world.created("a.b", world.shell("echo >> starts")));
    let other = Observation { uid: Uid("0".into()), ..created.clone() };
    assert_eq!(runtime.block_on(world.activate(&other)), Outcome::Foreign(created));
    let activate = Action::Activate { name: other.name.clone(), uid: other.uid.clone() };
    done(perform_without(Rule::RecordedUid, &runtime, &world, &activate));
    runtime.block_on(async {
        world.lines("starts", 1).await;
        world.end(&other).await;
        world.nothing_is_left().await;
    });
}
