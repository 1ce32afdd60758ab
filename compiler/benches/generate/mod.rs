//! Spec trees of any size: templates on templates, environments with overlays, edges within and across pipelines.
//!
//! The same size gives the same tree. Knows nothing of what the trees are measured for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The files of a tree by their path.
pub(crate) type Files = BTreeMap<String, String>;

/// A tree of `jobs` jobs, spread evenly over `pipelines` files.
pub(crate) fn tree(jobs: usize, pipelines: usize) -> Files {
    let pipelines = pipelines.clamp(1, jobs.max(1));
    let mut files = Files::from([("windlass.toml".to_owned(), root(templates(pipelines)))]);
    for at in 0..pipelines {
        let size = jobs / pipelines + usize::from(at < jobs % pipelines);
        files.insert(format!("pipelines/p{at:04}.toml"), pipeline(at, size));
    }
    files
}

/// Two for batches, and as many for streams as there are streams to use them.
fn templates(pipelines: usize) -> usize {
    2 + pipelines.min(6)
}

fn root(templates: usize) -> String {
    let mut text = ROOT.to_owned();
    for at in 0..CLUSTERS {
        write!(text, "\n[cluster.c{at}]\nkind = \"local\"\n").expect("a string takes everything");
    }
    for at in 0..templates {
        let (below, mode) = if at < 2 { ("base", "batch") } else { ("etl", "stream") };
        let template = format!(
            "\n[template.t{at}]\nuse = \"{below}\"\nmode = \"{mode}\"\ntags = [\"t{at}\"]\n\
             process.env = {{ TEMPLATE = \"t{at}\", QUEUE = \"${{param.region}}-{at}\" }}\n"
        );
        text.push_str(&template);
    }
    text
}

fn pipeline(at: usize, jobs: usize) -> String {
    let mut text = format!(
        "[pipeline]\nname = \"p{at:04}\"\nowner = \"team-{}\"\ndescription = \"Orders of shop {at}\"\n",
        at % 7
    );
    for place in 0..jobs {
        text.push_str(&job(at, place));
    }
    for place in (0..jobs).step_by(10) {
        let overlay = format!(
            "\n[environment.prod.job.j{place:04}]\ndescription = \"larger\"\n\"+tags\" = [\"prod\"]\n"
        );
        text.push_str(&overlay);
    }
    text
}

/// One job: a stream where it stands first in its pipeline, a batch behind it.
fn job(pipeline: usize, at: usize) -> String {
    let template = if at == 0 { 2 + pipeline % 6 } else { at % 2 };
    let recovery = if at == 0 { "restart" } else { "retry" };
    format!(
        "\n[job.j{at:04}]\nuse = \"t{template}\"\ncluster = \"c{cluster}\"\n\
         description = \"Step {at} of the nightly run in ${{param.region}}\"\n\
         after = [{after}]\n\
         process.command = [\"python3\", \"-m\", \"shop.step\", \"--table\", \"orders_{at}\", \"--env\", \"${{environment}}\"]\n\
         process.env = {{ STEP = \"{at}\", BATCH_SIZE = \"4096\" }}\n\
         {recovery} = {{ attempts = 3, within = \"2h\", backoff = \"10s..5m\" }}\n\
         timeout = \"45m\"\n\"+tags\" = [\"nightly\", \"tier-{tier}\"]\n",
        cluster = (pipeline + at) % CLUSTERS,
        after = edges(pipeline, at),
        tier = at % 3,
    )
}

/// The job before, one further back, and now and then a job of the pipeline before.
fn edges(pipeline: usize, at: usize) -> String {
    let mut edges = Vec::new();
    if at > 0 {
        edges.push(format!("\"j{:04}\"", at - 1));
    }
    if at > 2 {
        edges.push(format!("{{ job = \"j{:04}\", when = \"finished\" }}", at / 2));
    }
    if at % 8 == 1 && pipeline > 0 {
        edges.push(format!("\"p{:04}.j0000\"", pipeline - 1));
    }
    edges.join(", ")
}

const CLUSTERS: usize = 4;

const ROOT: &str = r#"version = 1
project = "commerce"

[store]
url = "file:.windlass"

[param.region]
type = "string"
default = "eu"
choices = ["eu", "us", "ap"]

[param.grace]
type = "duration"
default = "20s"

[defaults.batch]
retry = { backoff = "2s..1m" }

[defaults.stream]
restart = { attempts = 10, within = "1h" }

[environment.dev]
[environment.prod.param.region]
default = "us"

[template.base]
process = { env = { REGION = "${param.region}", PROJECT = "commerce" }, grace = "${param.grace}" }

[template.etl]
use = "base"
process.ready = "2s"
"#;
