//! What a lease over several servers costs beside one bare script on one of them, in one run.
//!
//! `WINDLASS_BENCH_NODES=redis://127.0.0.1:7001,… cargo bench -p windlass --bench lease`. The servers have to be up for
//! longer than the TTL, and may be anybody's: only keys below `{bench}` are touched. Without servers it says so.

use std::io::Write;
use std::time::{Duration, Instant};

use redis::Script;
use windlass::lease::redlock::{Acquired, Config, Redlock};
use windlass_core::lease::{Hint, Resource};

const ROUNDS: usize = 2000;
const TTL: Duration = Duration::from_secs(5);

fn main() {
    let say = |line: String| writeln!(std::io::stdout(), "{line}").expect("somebody listens");
    let Ok(nodes) = std::env::var("WINDLASS_BENCH_NODES") else {
        return say("WINDLASS_BENCH_NODES names no servers".to_owned());
    };
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let urls: Vec<&str> = nodes.split(',').collect();
    let bare = runtime.block_on(bare(urls[0]));
    say(format!("one bare script: {bare:?}"));
    for (what, [middle, late]) in runtime.block_on(lease(&urls)) {
        say(format!("{what}: {middle:?}, 99 of 100 in {late:?}, {:.2} × bare", ratio(middle, bare)));
    }
}

fn ratio(time: Duration, of: Duration) -> f64 {
    time.as_secs_f64() / of.as_secs_f64()
}

async fn bare(url: &str) -> Duration {
    let client = redis::Client::open(url).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("it answers");
    let script = Script::new("return redis.call('SET', KEYS[1], ARGV[1], 'PX', 1000)");
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        script.key("{bench}:bare").arg(1).invoke_async::<()>(&mut connection).await.expect("it answers");
        times.push(began.elapsed());
    }
    spread(times)[0]
}

async fn lease(urls: &[&str]) -> [(&'static str, [Duration; 2]); 3] {
    let redlock =
        Redlock::connect(&Config::new(urls, "bench", TTL, "bench").expect("one, three or five servers"));
    trusted(&redlock).await;
    let one = [Resource("one".to_owned())];
    let (mut acquired, mut renewed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let Acquired::Held(tenure) = redlock.acquire(&one, Hint::LOWEST).await.remove(0) else { continue };
        acquired.push(began.elapsed());
        let mut tenures = [tenure];
        let began = Instant::now();
        redlock.renew(&mut tenures).await;
        renewed.push(began.elapsed());
        redlock.release(tenures.to_vec()).await;
    }
    let many = shards(&redlock).await;
    [("acquire and seal", spread(acquired)), ("renew", spread(renewed)), ("renew 64 shards", spread(many))]
}

async fn shards(redlock: &Redlock) -> Vec<Duration> {
    let shards: Vec<Resource> = (0..64).map(|number| Resource(format!("shard-{number}"))).collect();
    let acquired = redlock.acquire(&shards, Hint::LOWEST).await;
    let held = |acquired| if let Acquired::Held(tenure) = acquired { Some(tenure) } else { None };
    let mut tenures: Vec<_> = acquired.into_iter().filter_map(held).collect();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        redlock.renew(&mut tenures).await;
        times.push(began.elapsed());
    }
    redlock.release(tenures).await;
    times
}

/// Waits until servers count that were not used for this before.
async fn trusted(redlock: &Redlock) {
    while !matches!(
        redlock.acquire(&[Resource("first".to_owned())], Hint::LOWEST).await[..],
        [Acquired::Held(_)]
    ) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The middle one, and one that 99 of 100 are faster than.
fn spread(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    [50, 99].map(|part| times.get(times.len() * part / 100).copied().unwrap_or_default())
}
