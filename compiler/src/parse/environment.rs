//! `[environment.*]`: values for params, and fields of what exists.

use crate::source::Span;
use crate::spec::{Environment, Key};

use super::reader::Reader;
use super::tree::{Entry, Table};
use super::{job, root};

/// The keys of an environment.
const KEYS: &[&str] = &["param", "cluster", "job", "description"];

/// Reads what a file says of an environment.
pub(super) fn environment<'s>(
    key: Key<'s>,
    _: Span,
    table: Table<'s>,
    reader: &mut Reader<'_, 's>,
) -> Environment<'s> {
    let (declares, file) = (reader.is_root, reader.file);
    let mut environment =
        Environment { key, declares, params: Vec::new(), clusters: Vec::new(), jobs: Vec::new(), file };
    for Entry { key, value } in table.into_entries() {
        match key.text.as_ref() {
            "param" => {
                for (name, _, table) in reader.tables("param", value, "[environment.prod.param.region]") {
                    environment.params.push(param(name, table, reader));
                }
            }
            "cluster" => {
                for (name, span, table) in reader.tables("cluster", value, "[environment.prod.cluster.tokyo]")
                {
                    root::cluster_fields(&name, span, table, false, reader);
                    environment.clusters.push(name);
                }
            }
            "job" => {
                for (name, _, table) in reader.tables("job", value, "[environment.prod.job.settle]") {
                    let partial = job::partial(name, table, job::Layer::Overlay, reader);
                    environment.jobs.push(partial);
                }
            }
            "description" => drop(reader.plain(&key, value)),
            _ => {
                let table = format!("environment `{}`", environment.key.text);
                reader.unknown_key(&key, &table, KEYS);
            }
        }
    }
    environment
}

type Overlaid<'s> = (Key<'s>, Option<super::tree::Value<'s>>);

fn param<'s>(name: Key<'s>, table: Table<'s>, reader: &mut Reader<'_, 's>) -> Overlaid<'s> {
    let mut default = None;
    for Entry { key, value } in table.into_entries() {
        match key.text.as_ref() {
            "default" => default = Some(value),
            _ => reader.unknown_key(&key, "the overlay of a param", &["default"]),
        }
    }
    (name, default)
}
