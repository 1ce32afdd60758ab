//! Kills at random moments: of the command, of one supervisor, or of everything at once. Whatever was acknowledged
//! takes effect, and no attempt starts twice.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use windlass_core::state::Name;
use windlass_tests::Project;
use windlass_tests::project::{for_each_at_once, say};
use windlass_tests::seed::{Random, seed, times};
use windlass_tests::spec::{Job, mixed};

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");
/// So many kills without `WINDLASS_TEST_KILLS`.
const KILLS: usize = 200;
/// A project suffers so many kills, and then has to be as it was asked.
const ROUND: usize = 10;
const THREADS: usize = 4;
/// Longer than a command takes that nobody kills.
const LONGEST: Duration = Duration::from_millis(900);

#[test]
fn whatever_is_killed_nothing_starts_twice_and_nothing_is_lost() {
    let seed = seed();
    let kills = times("WINDLASS_TEST_KILLS", KILLS);
    say(&format!("{kills} kills; WINDLASS_TEST_KILLS=N makes it N"));
    let rounds: Vec<u64> = (0..kills.div_ceil(ROUND) as u64).map(|round| seed.wrapping_add(round)).collect();
    for_each_at_once(&rounds, THREADS, |seed| Story::new(*seed).run());
}

/// One project and what happens to it.
struct Story {
    project: Project,
    random: Random,
    told: Vec<String>,
    /// What the last command that was acknowledged wants of the stream; none where commands were cut off since.
    stream: Option<Name>,
    kills: usize,
    /// Whether processes of jobs were killed, which batches do not survive.
    harmed: bool,
}

impl Story {
    fn new(seed: u64) -> Self {
        let jobs = mixed().into_iter().chain([Job::batch("slow", "slow")]).collect::<Vec<_>>();
        let project = Project::new(BINARY, &jobs);
        let told = vec![format!("seed of this project: {seed}")];
        Self { project, random: Random::new(seed), told, stream: None, kills: 0, harmed: false }
    }

    fn run(mut self) {
        while self.kills < ROUND {
            self.kill();
            self.sound();
        }
        self.bring_to_rest();
        self.project.ok(&["destroy", "-y"]);
        self.project.nothing_is_left();
        self.sound();
    }

    /// Begins something and kills it, or more than that.
    fn kill(&mut self) {
        let command = self.command();
        let pause = self.random.pause(LONGEST);
        let done = self.project.spawn(&[], &as_text(&command)).kill_after(pause);
        self.acknowledged(&command, done.code);
        self.kills += usize::from(done.was_killed());
        self.told.push(format!("{} after {pause:?}: exit {:?}", command.join(" "), done.code));
        match self.random.below(10) {
            0 | 1 => self.kill_everything(),
            2 | 3 => self.kill_a_supervisor(),
            _ => {}
        }
    }

    fn command(&mut self) -> Vec<String> {
        let fee = 1 + self.random.below(3);
        let fee = format!("--var=fee={fee}");
        let commands: [&[&str]; 9] = [
            &["apply", "-y", &fee],
            &["apply", "-y", &fee],
            &["apply", "-y", &fee, "--no-wait"],
            &["stop", "p.follow"],
            &["stop", "p.follow", "--no-wait"],
            &["start", "p.follow"],
            &["restart", "p.follow"],
            &["run", "p"],
            &["reconcile", "--once"],
        ];
        self.random.pick(&commands).iter().map(ToString::to_string).collect()
    }

    /// Takes in what a command said before it was killed, if it was.
    fn acknowledged(&mut self, command: &[String], code: Option<i32>) {
        let wants = match command[0].as_str() {
            "stop" => Name::Stopped,
            "start" | "restart" => Name::Running,
            // The others leave the stream's intent as it is.
            _ => return,
        };
        self.stream = (code == Some(0)).then_some(wants);
    }

    fn kill_everything(&mut self) {
        self.harmed = true;
        self.kills += 1;
        self.told.push("everything is killed".to_owned());
        self.project.kill_everything();
    }

    fn kill_a_supervisor(&mut self) {
        let supervisors = self.project.supervisors();
        if supervisors.is_empty() {
            return;
        }
        self.harmed = true;
        self.kills += 1;
        let victim = self.random.pick(&supervisors);
        self.told.push(format!("killed: {}", victim.line));
        victim.signal(Signal::KILL);
    }

    /// What has to hold at every moment.
    fn sound(&self) {
        let wrong = self.project.evidence().violations();
        assert!(wrong.is_empty(), "{wrong:#?}\n{}", self.story());
    }

    /// Lets everything come to rest, and compares it with what was acknowledged.
    fn bring_to_rest(&mut self) {
        let first = self.project.run(&["apply", "-y", "--var=fee=9"]);
        assert!(matches!(first.code, Some(0 | 1 | 5)), "{first}\n{}", self.story());
        self.batches_were_held();
        if self.project.state("p.follow") == Some(Name::Degraded) {
            self.project.ok(&["restart", "p.follow"]);
        }
        self.stream_is_as_acknowledged();
        self.project.ok(&["start", "p.follow"]);
        let last = self.project.ok(&["apply", "-y", "--var=fee=9"]);
        assert_eq!(self.project.state("p.follow"), Some(Name::Running), "{last}\n{}", self.story());
        self.project.assert_sound();
        self.project.assert_settled(&["--var=fee=9"]);
    }

    /// A stop that was acknowledged holds, even where everything was killed before it could be carried out.
    fn stream_is_as_acknowledged(&self) {
        let state = self.project.state("p.follow");
        match self.stream {
            Some(Name::Running) => assert_eq!(state, Some(Name::Running), "{}", self.story()),
            Some(_) => {
                assert!(matches!(state, Some(Name::Stopped | Name::Lost)), "{state:?}\n{}", self.story());
                assert_eq!(self.project.alive("p.follow"), [], "{}", self.story());
            }
            None => {}
        }
    }

    /// A batch has one attempt, whatever happens to it; one that began and did not end has not succeeded.
    fn batches_were_held(&self) {
        let evidence = self.project.evidence();
        let begun: BTreeSet<&str> =
            evidence.instances().into_iter().filter(|name| name.contains('@')).collect();
        for instance in begun {
            let wrote = |what| evidence.of(instance).filter(|line| line.what == what).count();
            assert_eq!(wrote("start"), 1, "{instance}: {}", self.story());
            let state = self.project.state_of(instance);
            let fits = match (wrote("end"), self.harmed) {
                (0, _) => state == Some(Name::Lost),
                (_, false) => state == Some(Name::Succeeded),
                (_, true) => matches!(state, Some(Name::Succeeded | Name::Lost)),
            };
            assert!(fits, "{instance} is {state:?}\n{}", self.story());
        }
    }

    fn story(&self) -> String {
        format!("--- what was done\n{}\n{}", self.told.join("\n"), self.project.story())
    }
}

fn as_text(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}
