//! A rehearsal: what a scenario would come to, from its beginning to a moment, and where everything stands then.

use crate::fleet::Outlook;
use crate::id::Instance;
use crate::sim::Summary;
use crate::sim::agenda::Tick;
use crate::sim::scenario::Scenario;
use crate::sim::story::Line;
use crate::sim::witness::Violation;
use crate::sim::world::World;
use crate::state;

/// What came of a rehearsal.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    /// Everything that happened.
    pub story: Vec<Line>,
    /// Where every instance stands in the end, in the order of their names.
    pub end: Vec<Standing>,
    /// What it did, or the promise that it broke.
    pub verdict: Result<Summary, Violation>,
}

/// Where an instance stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The instance.
    pub instance: Instance,
    /// Its state.
    pub state: state::Name,
    /// Why it is so, where there is something to say.
    pub reason: Option<String>,
    /// Its last attempt; 0 if there was none.
    pub attempt: u64,
    /// How often it has started on a cluster.
    pub starts: u64,
    /// What it waits for.
    pub waits: Vec<String>,
    /// Where it is on its way to what is wanted.
    pub outlook: Outlook,
}

/// The story of a scenario that ends by itself: when everything is at rest, or a promise is broken.
pub fn tell(scenario: &Scenario) -> Vec<Line> {
    let mut world = World::new(scenario, None, true);
    // Whether it breaks is known; what is asked for is how.
    let _ = world.run();
    world.into_told().0
}

/// Lets a scenario happen until a moment, in milliseconds from the same beginning as its times.
pub fn rehearse(scenario: &Scenario, until: u64) -> Rehearsed {
    let mut world = World::new(scenario, None, true);
    let verdict = world.rehearse(Tick(until));
    let (fleet, starts) = (world.fleet(), world.starts());
    let standing = |instance: &Instance| {
        let status = fleet.statuses.get(instance);
        Standing {
            instance: instance.clone(),
            state: status.map_or(state::State::NEW.name(), |status| status.state.name()),
            reason: status.and_then(|status| status.state.reason()).map(str::to_owned),
            attempt: status.map_or(0, |status| status.attempt_number().0),
            starts: starts.get(instance).copied().unwrap_or(0),
            waits: world.waits(instance),
            outlook: fleet.outlook(instance),
        }
    };
    let mut instances: Vec<Instance> = fleet.present();
    instances.extend(fleet.statuses.keys().cloned());
    instances.sort();
    instances.dedup();
    let end = instances.iter().map(standing).collect();
    let (story, _) = world.into_told();
    Rehearsed { story, end, verdict }
}
