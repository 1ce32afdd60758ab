//! The picture for programs.

use serde_json::{Value, json};

use super::Picture;
use crate::escape::json as write_json;
use crate::spelling;

/// Grows when a field changes its meaning; new fields do not count.
const FORMAT_VERSION: u32 = 1;

pub(super) fn write(picture: &Picture) -> String {
    let jobs = picture.nodes.iter().map(|node| {
        json!({
            "job": node.id,
            "pipeline": node.id.pipeline,
            "mode": node.mode.map(spelling::mode),
            "external": node.mode.is_none(),
        })
    });
    let edges = picture.edges.iter().map(|edge| {
        json!({
            "from": picture.nodes[edge.from].id,
            "to": picture.nodes[edge.to].id,
            "when": spelling::when(edge.when),
            "cyclic": edge.cyclic,
        })
    });
    let (jobs, edges): (Vec<Value>, Vec<Value>) = (jobs.collect(), edges.collect());
    write_json(&json!({ "format_version": FORMAT_VERSION, "jobs": jobs, "edges": edges }))
}
