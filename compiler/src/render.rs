//! The resolved spec as TOML, each value with the places that it came through.
//!
//! The values come from the model; the places from reading the texts once more, so that no compilation carries them.

use std::collections::BTreeMap;

use crate::check::templates::Lineages;
use crate::check::{environments, params};
use crate::compile::Compilation;
use crate::layer::Layers;
use crate::model::{Edge, Engine, Job, Mode, Model, OnLost, Process, Retry, When};
use crate::name::JobId;
use crate::parse::parse;
use crate::resolve::stack;
use crate::source::{FileId, SourceSet, Span};
use crate::spec::{Field, Recovery, Spec};

/// The spec as it is in one environment that was compiled; nothing where it was not, or has errors.
///
/// With `provenance` each value has a comment with the places that set it, the one that wins first.
pub fn render(compilation: &Compilation, environment: Option<&str>, provenance: bool) -> Option<String> {
    let named = |model: &&Model| model.environment.as_ref().map(|name| name.as_str()) == environment;
    let model = compilation.models.iter().find(named)?;
    let root = *compilation.files.first()?;
    let mut spec = Spec::new(Span::new(root, 0..0));
    for file in &compilation.files {
        parse(&compilation.sources, *file, root, &mut spec, &mut Vec::new());
    }
    let places = provenance.then(|| Lines::new(&compilation.sources));
    let mut writer = Writer { text: String::new(), lines: places };
    writer.head(model);
    writer.params(&spec, compilation, environment);
    writer.jobs(&spec, model, environment);
    Some(writer.text)
}

/// Where the lines of each file start.
struct Lines<'c> {
    sources: &'c SourceSet,
    starts: BTreeMap<FileId, Vec<usize>>,
}

impl<'c> Lines<'c> {
    fn new(sources: &'c SourceSet) -> Self {
        let starts = |file| sources.text(file).match_indices('\n').map(|(at, _)| at).collect();
        Self { sources, starts: sources.files().map(|file| (file, starts(file))).collect() }
    }

    fn place(&self, span: Span) -> String {
        let before = self
            .starts
            .get(&span.file)
            .map_or(0, |starts| starts.partition_point(|at| *at < span.start as usize));
        format!("{}:{}", self.sources.path(span.file), before + 1)
    }
}

struct Writer<'c> {
    text: String,
    lines: Option<Lines<'c>>,
}

impl Writer<'_> {
    fn head(&mut self, model: &Model) {
        self.plain("version", "1");
        self.plain("project", &quoted(model.project.as_str()));
        if let Some(environment) = &model.environment {
            self.text.push_str(&format!("# environment: {environment}\n"));
        }
        self.text.push_str(&format!("\n[store]\nurl = {}\n", quoted(&model.store)));
        if let Some(replicas) = model.acknowledge {
            self.text.push_str(&format!("acknowledge = \"replicas:{replicas}\"\n"));
        }
        if let Some(lease) = &model.lease {
            let nodes: Vec<_> = lease.nodes.iter().map(|node| quoted(node)).collect();
            let nodes = nodes.join(", ");
            self.text.push_str(&format!("\n[lease]\nnodes = [{nodes}]\nttl = \"{}\"\n", lease.ttl));
        }
        for name in model.clusters.keys() {
            self.text.push_str(&format!("\n[cluster.{name}]\nkind = \"local\"\n"));
        }
    }

    fn plain(&mut self, key: &str, value: &str) {
        self.text.push_str(&format!("{key} = {value}\n"));
    }

    /// A line with the places that set it, the winner first.
    fn line(&mut self, key: &str, value: &str, places: &[(String, String)]) {
        let comment = match (&self.lines, places.split_last()) {
            (None, _) => String::new(),
            (Some(_), None) => "  # built in".to_owned(),
            (Some(_), Some(((place, layer), below))) => {
                let over = below.iter().rev().map(|(place, layer)| format!(", over {place} {layer}"));
                format!("  # {place} {layer}{}", over.collect::<String>())
            }
        };
        self.text.push_str(&format!("{key} = {value}{comment}\n"));
    }

    fn params(&mut self, spec: &Spec<'_>, compilation: &Compilation, environment: Option<&str>) {
        let values = params::resolve(spec, environment, &compilation.variables, &mut Vec::new());
        for param in &spec.params {
            let name = param.key.text.as_ref();
            let Some(value) = values.get(name).and_then(Option::as_ref) else { continue };
            let places = self.lines.as_ref().map(|lines| {
                let default =
                    param.default.iter().map(|default| (lines.place(default.span), "default".to_owned()));
                let overlays =
                    spec.environments.iter().filter(|one| Some(one.key.text.as_ref()) == environment);
                let overlays =
                    overlays.flat_map(|one| one.params.iter().map(move |(key, value)| (one, key, value)));
                let overlays =
                    overlays.filter(|(_, key, _)| key.text == name).filter_map(|(one, _, value)| {
                        Some((lines.place(value.as_ref()?.span), format!("environment `{}`", one.key.text)))
                    });
                let outside = compilation.variables.iter().filter(|variable| variable.name == name);
                let outside = outside.map(|variable| (variable.origin.clone(), String::new()));
                default.chain(overlays).chain(outside).collect::<Vec<_>>()
            });
            self.text.push_str(&format!("\n[param.{name}]\n"));
            self.plain("type", &quoted(param.kind.map_or("string", crate::param::Type::as_str)));
            self.line("default", &literal(value), &places.unwrap_or_default());
        }
    }

    fn jobs<'e>(&mut self, spec: &'e Spec<'_>, model: &Model, environment: Option<&'e str>) {
        let lineages = Lineages::of(spec, &mut Vec::new());
        let overlays = environments::overlays(spec, environment);
        let mut layers = Layers::default();
        for pipeline in &spec.pipelines {
            let Some(name) = &pipeline.name else { continue };
            for partial in &pipeline.jobs {
                let Ok(id) = format!("{}.{}", name.text, partial.key.text).parse::<JobId>() else { continue };
                let Some(job) = model.jobs.get(&id) else { continue };
                let overlay = overlays.get(&(pipeline.file, partial.key.text.as_ref())).copied();
                stack(spec, &lineages, environment, (partial, overlay), &mut layers);
                Fields { writer: self, layers: &layers }.job(job);
            }
        }
    }
}

/// Writes the fields of one job.
struct Fields<'w, 'c, 'l, 'e, 's> {
    writer: &'w mut Writer<'c>,
    layers: &'l Layers<'e, 's>,
}

impl Fields<'_, '_, '_, '_, '_> {
    fn job(&mut self, job: &Job) {
        self.writer.text.push_str(&format!("\n[job.\"{}\"]\n", job.id));
        self.field(&Field::Mode, "mode", &quoted(if job.mode == Mode::Stream { "stream" } else { "batch" }));
        self.field(&Field::Cluster, "cluster", &quoted(job.cluster.as_str()));
        let Engine::Process(process) = &job.engine;
        self.process(process);
        if !job.after.is_empty() {
            let edges: Vec<String> = job.after.iter().map(edge).collect();
            self.field(&Field::After, "after", &format!("[{}]", edges.join(", ")));
        }
        self.retry(Recovery::of(job.mode), &job.retry);
        if let Some(timeout) = job.timeout {
            self.field(&Field::Timeout, "timeout", &quoted(&timeout.to_string()));
        }
        self.field(&Field::Protect, "protect", &job.protect.to_string());
        if !job.tags.is_empty() {
            self.field(&Field::Tags, "tags", &list(&job.tags));
        }
        if let Some(description) = &job.description {
            self.field(&Field::Description, "description", &quoted(description));
        }
    }

    fn process(&mut self, process: &Process) {
        self.field(&Field::Command, "process.command", &list(&process.command));
        for (name, value) in &process.env {
            let key = format!("process.env.{}", quoted(name));
            self.field(&Field::Variable(name.as_str().into()), &key, &quoted(value));
        }
        self.field(&Field::Dir, "process.dir", &quoted(&process.dir));
        if let Some(stdin) = &process.stdin {
            self.field(&Field::Stdin, "process.stdin", &quoted(stdin));
        }
        if !process.files.is_empty() {
            let files: Vec<String> = process.files.keys().cloned().collect();
            self.field(&Field::Files, "process.files", &list(&files));
        }
        self.field(&Field::Ready, "process.ready", &quoted(&process.ready.to_string()));
        self.field(&Field::Grace, "process.grace", &quoted(&process.grace.to_string()));
    }

    fn retry(&mut self, of: Recovery, retry: &Retry) {
        let key = |name: &str| format!("{}.{name}", of.as_str());
        self.field(&Field::Attempts(of), &key("attempts"), &retry.attempts.to_string());
        if let Some(within) = retry.within {
            self.field(&Field::Within(of), &key("within"), &quoted(&within.to_string()));
        }
        let backoff = format!("{}..{}", retry.backoff.min, retry.backoff.max);
        self.field(&Field::Backoff(of), &key("backoff"), &quoted(&backoff));
        let on_lost = if retry.on_lost == OnLost::Hold { "hold" } else { "retry" };
        self.field(&Field::OnLost(of), &key("on_lost"), &quoted(on_lost));
    }

    fn field(&mut self, field: &Field<'_>, key: &str, value: &str) {
        let places = self.writer.lines.as_ref().map(|lines| {
            let link = |link: crate::diagnostic::Link| (lines.place(link.span), link.layer.into_string());
            self.layers.chain(field).into_iter().map(link).collect::<Vec<_>>()
        });
        self.writer.line(key, value, &places.unwrap_or_default());
    }
}

fn edge(edge: &Edge) -> String {
    let job = quoted(&edge.job.to_string());
    match edge.when {
        When::Met => job,
        When::Succeeded => format!("{{ job = {job}, when = \"succeeded\" }}"),
        When::Failed => format!("{{ job = {job}, when = \"failed\" }}"),
        When::Finished => format!("{{ job = {job}, when = \"finished\" }}"),
        When::Running => format!("{{ job = {job}, when = \"running\" }}"),
    }
}

fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

fn literal(value: &crate::param::Value) -> String {
    use crate::param::Value;
    match value {
        Value::Int(_) | Value::Bool(_) => value.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::List(items) => list(items),
        Value::String(_) | Value::Duration(_) | Value::Size(_) | Value::Date(_) => quoted(&value.to_string()),
    }
}

/// A text as a string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
