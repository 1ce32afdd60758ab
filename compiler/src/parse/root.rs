//! The top of a file: which tables it has.

use crate::diagnostic::{Coordination, Fault, Shape, Unsupported, Values};
use crate::model::Mode;
use crate::source::{FileId, SourceSet, Span};
use crate::spec::{Cluster, Key, Pipeline, Spec};
use crate::suggest::nearest;

use super::reader::Reader;
use super::tree::{Entry, Kind, Table, Value};
use super::value::Expected;
use super::{declared_twice, environment, expression, job, lease, param, store};

/// The keys of a file.
const KEYS: &[&str] = &[
    "version",
    "project",
    "include",
    "store",
    "lease",
    "pool",
    "param",
    "cluster",
    "defaults",
    "template",
    "environment",
    "pipeline",
    "job",
    "moved",
];
/// The keys of `[pipeline]`.
const PIPELINE: &[&str] = &["name", "owner", "description", "tags"];
/// The kinds of clusters; the first is the only one that is run yet.
const KINDS: &[&str] = &["local", "kubernetes", "yarn", "spark", "emr", "flink"];

/// Patterns of files to include, each with its span where one is written.
pub(crate) type Include = Vec<(String, Option<Span>)>;

/// What a root file includes; faults are reported when the file is parsed as a whole.
pub(crate) fn include(sources: &SourceSet, root: FileId) -> Include {
    let default = ["clusters/*.toml", "pipelines/**/*.toml"];
    let default = || default.iter().map(|pattern| ((*pattern).to_owned(), None)).collect();
    // Reading a large root file twice would double the time of everything.
    if !sources.text(root).contains("include") {
        return default();
    }
    let tree = expression::read(sources.text(root), root, &mut Vec::new());
    let Some(Entry { value: Value { kind: Kind::Array(items), .. }, .. }) = tree.get("include") else {
        return default();
    };
    let text = |item: &Value<'_>| match &item.kind {
        Kind::Text(text) => Some((text.to_string(), Some(item.span))),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// Reads the top of a file.
pub(super) fn file<'s>(tree: Table<'s>, reader: &mut Reader<'_, 's>, spec: &mut Spec<'s>) {
    let (mut pipeline, mut jobs, mut seen) = (None, None, Required::default());
    for Entry { key, value } in tree.into_entries() {
        let root_only =
            matches!(key.text.as_ref(), "version" | "project" | "include" | "store" | "lease" | "pool");
        if root_only && !reader.is_root {
            let (root, text) = (reader.root_path.into(), key.text.as_ref().into());
            reader.report(Fault::Shape(Shape::RootOnly { span: key.span, key: text, root }));
            continue;
        }
        match key.text.as_ref() {
            "version" => seen.version = version(&value, reader),
            "project" => {
                seen.project = true;
                spec.project = project(&key, value, reader);
            }
            "include" => patterns(&value, reader),
            "store" => store::store(value, reader, spec),
            "lease" => spec.lease = Some(lease::lease(key.span, value, reader)),
            "pool" | "moved" => reader.not_yet(&key),
            "param" => params(value, reader, spec),
            "cluster" => clusters(value, reader, spec),
            "defaults" => defaults(value, reader, spec),
            "template" => templates(value, reader, spec),
            "environment" => environments(value, reader, spec),
            "pipeline" => pipeline = Some((key, value)),
            "job" => jobs = Some((key, value)),
            _ => reader.unknown_key(&key, "a spec file", KEYS),
        }
    }
    read_pipeline(pipeline, jobs, reader, spec);
    seen.check(spec.start, reader);
    if reader.is_root {
        unused_lease(spec, reader);
    }
}

/// A store that is no server brings a lease of its own.
fn unused_lease(spec: &Spec<'_>, reader: &mut Reader<'_, '_>) {
    let in_redis = spec.store.as_ref().is_some_and(|url| url.starts_with("redis"));
    if let Some(lease) = spec.lease.as_ref().filter(|_| !in_redis) {
        reader.report(Fault::Coordination(Coordination::Unused { span: lease.span }));
    }
}

#[derive(Default)]
struct Required {
    version: bool,
    project: bool,
}

impl Required {
    fn check(&self, start: Span, reader: &mut Reader<'_, '_>) {
        if reader.is_root && !self.version {
            reader.missing(start, "the root file", "version", "version = 1");
        }
        if reader.is_root && !self.project {
            reader.missing(start, "the root file", "project", "project = \"commerce\"");
        }
    }
}

fn version(value: &Value<'_>, reader: &mut Reader<'_, '_>) -> bool {
    match &value.kind {
        Kind::Int(1) => {}
        Kind::Int(other) => {
            let found = other.to_string().into();
            reader.report(Fault::Shape(Shape::Version { span: value.span, found }));
        }
        _ => reader.wrong_type("version", value, "a whole number", "version = 1"),
    }
    true
}

fn project<'s>(key: &Key<'s>, value: Value<'s>, reader: &mut Reader<'_, 's>) -> Option<Key<'s>> {
    let (text, span) = reader.plain(key, value)?;
    let name = Key { text, span };
    reader.name("a project", &name);
    Some(name)
}

fn patterns(value: &Value<'_>, reader: &mut Reader<'_, '_>) {
    let Kind::Array(items) = &value.kind else {
        return reader.wrong_type(
            "include",
            value,
            "a list of strings",
            "include = [\"pipelines/**/*.toml\"]",
        );
    };
    for item in items {
        match &item.kind {
            Kind::Text(_) => {}
            _ => reader.wrong_type("include", item, "a string", "include = [\"pipelines/**/*.toml\"]"),
        }
    }
}

fn params<'s>(value: Value<'s>, reader: &mut Reader<'_, 's>, spec: &mut Spec<'s>) {
    for (key, span, table) in reader.tables("param", value, "[param.region]") {
        reader.address = Some(format!("param.{}", key.text).into());
        reader.name("a param", &key);
        let param = param::param(key, span, table, reader);
        match spec.params.iter().find(|other| other.key.text == param.key.text) {
            Some(first) => reader.report(declared_twice("param", &first.key, &param.key)),
            None => spec.params.push(param),
        }
    }
    reader.address = None;
}

fn clusters<'s>(value: Value<'s>, reader: &mut Reader<'_, 's>, spec: &mut Spec<'s>) {
    for (key, span, table) in reader.tables("cluster", value, "[cluster.here]") {
        reader.address = Some(format!("cluster.{}", key.text).into());
        reader.name("a cluster", &key);
        cluster_fields(&key, span, table, true, reader);
        match spec.clusters.iter().find(|other| other.key.text == key.text) {
            Some(first) => reader.report(declared_twice("cluster", &first.key, &key)),
            None => spec.clusters.push(Cluster { key }),
        }
    }
    reader.address = None;
}

/// Reads the fields of a cluster, or of its overlay, which need not say its kind.
pub(super) fn cluster_fields<'s>(
    name: &Key<'s>,
    span: Span,
    table: Table<'s>,
    whole: bool,
    reader: &mut Reader<'_, 's>,
) {
    let called = format!("cluster `{}`", name.text);
    let known_kind = table.get("kind").map(|entry| cluster_kind(&entry.value, reader));
    if known_kind.is_none() && whole {
        reader.missing(span, called.as_str(), "kind", "kind = \"local\"");
    }
    // The keys of a kind that is not run yet are not known.
    if known_kind.unwrap_or(!whole) {
        for Entry { key, .. } in table.into_entries() {
            match key.text.as_ref() {
                "kind" | "description" => {}
                _ => reader.unknown_key(&key, &called, &["kind", "description"]),
            }
        }
    }
}

/// Reports a kind that is not run; whether it is one that is.
fn cluster_kind(value: &Value<'_>, reader: &mut Reader<'_, '_>) -> bool {
    let span = value.span;
    match &value.kind {
        Kind::Text(text) if text == "local" => return true,
        Kind::Text(text) if KINDS.contains(&text.as_ref()) => {
            let value = text.as_ref().into();
            reader.report(Fault::Unsupported(Unsupported::Value {
                span,
                key: "kind",
                value,
                instead: "local",
            }));
        }
        Kind::Text(text) => {
            let near = nearest(text, KINDS.iter().copied());
            let (key, text) = ("kind".into(), text.as_ref().into());
            reader.report(Fault::Values(Values::Choice { span, key, text, known: KINDS, near }));
        }
        _ => reader.wrong_type("kind", value, "a string", "kind = \"local\""),
    }
    false
}

fn defaults<'s>(value: Value<'s>, reader: &mut Reader<'_, 's>, spec: &mut Spec<'s>) {
    for (key, _, table) in reader.tables("defaults", value, "[defaults.batch]") {
        reader.address = Some(format!("defaults.{}", key.text).into());
        let mode = match key.text.as_ref() {
            "stream" => Mode::Stream,
            "batch" => Mode::Batch,
            _ => {
                reader.unknown_key(&key, "`defaults`", &["stream", "batch"]);
                continue;
            }
        };
        let partial = job::partial(key, table, job::Layer::Defaults, reader);
        match spec.defaults.iter().find(|(other, _)| *other == mode) {
            Some((_, first)) => reader.report(declared_twice("layer", &first.key, &partial.key)),
            None => spec.defaults.push((mode, partial)),
        }
    }
    reader.address = None;
}

fn templates<'s>(value: Value<'s>, reader: &mut Reader<'_, 's>, spec: &mut Spec<'s>) {
    for (key, _, table) in reader.tables("template", value, "[template.etl]") {
        reader.address = Some(format!("template.{}", key.text).into());
        reader.name("a template", &key);
        let partial = job::partial(key, table, job::Layer::Template, reader);
        match spec.templates.iter().find(|other| other.key.text == partial.key.text) {
            Some(first) => reader.report(declared_twice("template", &first.key, &partial.key)),
            None => spec.templates.push(partial),
        }
    }
    reader.address = None;
}

fn environments<'s>(value: Value<'s>, reader: &mut Reader<'_, 's>, spec: &mut Spec<'s>) {
    for (key, span, table) in reader.tables("environment", value, "[environment.prod]") {
        reader.address = Some(format!("environment.{}", key.text).into());
        if reader.is_root {
            reader.name("an environment", &key);
        }
        let environment = environment::environment(key, span, table, reader);
        spec.environments.push(environment);
    }
    reader.address = None;
}

type Found<'s> = Option<(Key<'s>, Value<'s>)>;

fn read_pipeline<'s>(pipeline: Found<'s>, jobs: Found<'s>, reader: &mut Reader<'_, 's>, spec: &mut Spec<'s>) {
    if pipeline.is_none() && jobs.is_none() {
        return;
    }
    let described = pipeline.is_some();
    let mut read =
        Pipeline { file: reader.file, name: None, owner: None, description: None, jobs: Vec::new() };
    if let Some((key, value)) = pipeline {
        describe(key, value, &mut read, reader);
    }
    if let Some((_, value)) = jobs {
        read_jobs(value, described, &mut read, reader);
    }
    spec.pipelines.push(read);
}

fn describe<'s>(key: Key<'s>, value: Value<'s>, read: &mut Pipeline<'s>, reader: &mut Reader<'_, 's>) {
    let span = value.span;
    let mut named = !matches!(value.kind, Kind::Table(_));
    for Entry { key, value } in reader.table(&key.text, value, "[pipeline]") {
        match key.text.as_ref() {
            "name" => {
                named = true;
                read.name = reader.plain(&key, value).map(|(text, span)| Key { text, span });
            }
            "owner" => read.owner = reader.plain(&key, value).map(|(text, _)| text),
            "description" => read.description = reader.plain(&key, value).map(|(text, _)| text),
            "tags" => drop(reader.value("tags", Expected::Names, value)),
            "schedule" | "overlap" | "on_failure" | "notify" => reader.not_yet(&key),
            _ => reader.unknown_key(&key, "`[pipeline]`", PIPELINE),
        }
    }
    if !named {
        reader.missing(span, "`[pipeline]`", "name", "name = \"orders\"");
    }
    if let Some(name) = &read.name {
        reader.name("a pipeline", name);
    }
}

fn read_jobs<'s>(value: Value<'s>, described: bool, read: &mut Pipeline<'s>, reader: &mut Reader<'_, 's>) {
    let tables = reader.tables("job", value, "[job.ingest]");
    if let (false, Some((first, ..))) = (described, tables.first()) {
        reader.report(Fault::Shape(Shape::NoPipeline { span: first.span }));
    }
    for (key, _, table) in tables {
        let address = match &read.name {
            Some(pipeline) => format!("{}.{}", pipeline.text, key.text),
            None => key.text.to_string(),
        };
        reader.address = Some(address.into());
        reader.name("a job", &key);
        read.jobs.push(job::partial(key, table, job::Layer::Job, reader));
    }
    reader.address = None;
}
