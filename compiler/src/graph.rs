//! Jobs and their edges as a picture, in the formats that others draw or read.
//!
//! Takes any set of jobs, so that a cycle can be seen as well as a plan. Knows no state of anything.

mod dot;
mod json;
mod layout;
mod mermaid;
mod svg;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::{Edge, Job, Mode, When};
use crate::name::JobId;
use crate::plan::Plan;

/// A form of picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For Graphviz.
    Dot,
    /// For Markdown that draws.
    Mermaid,
    /// For programs.
    Json,
    /// For browsers.
    Svg,
}

impl Format {
    /// All of them, in the order in which help lists them.
    pub const ALL: [Self; 4] = [Self::Dot, Self::Mermaid, Self::Json, Self::Svg];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dot => "dot",
            Self::Mermaid => "mermaid",
            Self::Json => "json",
            Self::Svg => "svg",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or(UnknownFormat)
    }
}

/// A text that names no format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownFormat;

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected one of dot, mermaid, json, svg")
    }
}

impl std::error::Error for UnknownFormat {}

/// Jobs and edges, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    nodes: Vec<Node>,
    edges: Vec<Arrow>,
}

/// A job in a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    id: JobId,
    /// Its goal; unknown where the job is only named by others.
    mode: Option<Mode>,
}

/// From an upstream to what waits for it, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arrow {
    from: usize,
    to: usize,
    when: When,
    /// Whether it is part of a cycle.
    cyclic: bool,
}

impl Picture {
    /// The picture of some jobs, in their order; then those that they only name.
    pub fn of_jobs<'a>(jobs: impl IntoIterator<Item = &'a Job>) -> Self {
        let jobs: Vec<&Job> = jobs.into_iter().collect();
        let nodes = jobs.iter().map(|job| Node { id: job.id.clone(), mode: Some(job.mode) }).collect();
        let edges = jobs.iter().flat_map(|job| job.after.iter().map(|edge| (&job.id, edge)));
        Self::new(nodes, edges)
    }

    /// The picture of jobs of which only the identity and the edges are known, such as those of a broken tree.
    pub fn of_edges<'a>(edges: impl IntoIterator<Item = (&'a JobId, &'a Edge)>) -> Self {
        Self::new(Vec::new(), edges)
    }

    /// The picture of a plan, in its order.
    pub fn of_plan(plan: &Plan) -> Self {
        Self::of_jobs(plan.jobs())
    }

    /// The picture in a format, ending in a line feed.
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Dot => dot::write(self),
            Format::Mermaid => mermaid::write(self),
            Format::Json => json::write(self),
            Format::Svg => svg::write(self),
        }
    }

    fn new<'a>(nodes: Vec<Node>, edges: impl IntoIterator<Item = (&'a JobId, &'a Edge)>) -> Self {
        let mut known: IndexMap<JobId, Option<Mode>> =
            nodes.into_iter().map(|node| (node.id, node.mode)).collect();
        let mut index = |id: &JobId| {
            let entry = known.entry(id.clone());
            let index = entry.index();
            entry.or_insert(None);
            index
        };
        let edges = edges.into_iter();
        let edges = edges.map(|(id, edge)| Arrow {
            to: index(id),
            from: index(&edge.job),
            when: edge.when,
            cyclic: false,
        });
        let mut edges: Vec<Arrow> = edges.collect();
        mark_cycles(known.len(), &mut edges);
        Self { nodes: known.into_iter().map(|(id, mode)| Node { id, mode }).collect(), edges }
    }

    /// The pipelines in the order of their first jobs, each with the indices of its jobs.
    fn pipelines(&self) -> IndexMap<&str, Vec<usize>> {
        let mut pipelines: IndexMap<&str, Vec<usize>> = IndexMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            pipelines.entry(node.id.pipeline.as_str()).or_default().push(index);
        }
        pipelines
    }
}

/// An edge is part of a cycle exactly where both of its ends are in one strongly connected component.
fn mark_cycles(nodes: usize, edges: &mut [Arrow]) {
    let mut component = vec![0; nodes];
    // Not Tarjan's: that one recurses, and a long chain of jobs would overflow the stack.
    for (number, members) in kosaraju_scc(&graph(nodes, edges)).into_iter().enumerate() {
        for member in members {
            component[member.index()] = number;
        }
    }
    for edge in edges {
        edge.cyclic = component[edge.from] == component[edge.to];
    }
}

fn graph(nodes: usize, edges: &[Arrow]) -> DiGraph<(), ()> {
    let mut graph = DiGraph::with_capacity(nodes, edges.len());
    let indices: Vec<NodeIndex> = (0..nodes).map(|_| graph.add_node(())).collect();
    for edge in edges {
        graph.add_edge(indices[edge.from], indices[edge.to], ());
    }
    graph
}

/// The jobs on a cycle.
fn on_cycles(picture: &Picture) -> BTreeSet<usize> {
    picture.edges.iter().filter(|edge| edge.cyclic).flat_map(|edge| [edge.from, edge.to]).collect()
}

#[cfg(test)]
mod tests;
