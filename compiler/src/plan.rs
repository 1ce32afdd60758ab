//! What should be: the jobs of a project in one environment, as a graph in a stable order.
//!
//! A plan knows neither what is recorded nor what runs; `diff` compares, and others act. An edge to a job that
//! is not in the plan is kept in the job and is no edge of the graph.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::fmt;

use indexmap::IndexMap;
use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::digest::Digest;
use crate::model::{Edge, Job, Model, When};
use crate::name::{JobId, Name};

/// A set of jobs without cycles.
#[derive(Debug, Clone)]
pub struct Plan {
    project: Name,
    environment: Option<Name>,
    graph: DiGraph<Job, When>,
    nodes: IndexMap<JobId, NodeIndex>,
    order: Vec<NodeIndex>,
    /// The place of each node in `order`.
    ranks: Vec<usize>,
    digests: Vec<Digest>,
    digest: Digest,
}

impl Plan {
    /// The plan of some jobs. Of several jobs with one identity the last one counts.
    pub fn new(
        project: Name,
        environment: Option<Name>,
        jobs: impl IntoIterator<Item = Job>,
    ) -> Result<Self, Cycle> {
        let (graph, nodes) = connect(jobs);
        let order = topological(&graph)?;
        let mut ranks = vec![0; order.len()];
        for (rank, node) in order.iter().enumerate() {
            ranks[node.index()] = rank;
        }
        let digests: Vec<Digest> = graph.node_weights().map(Digest::of_job).collect();
        let digest = digest_of_all(&project, environment.as_ref(), &nodes, &digests);
        Ok(Self { project, environment, graph, nodes, order, ranks, digests, digest })
    }

    /// The plan of a checked model.
    pub fn of(model: &Model) -> Result<Self, Cycle> {
        Self::new(model.project.clone(), model.environment.clone(), model.jobs.values().cloned())
    }

    /// The project.
    pub fn project(&self) -> &Name {
        &self.project
    }

    /// The environment, where the project has some.
    pub fn environment(&self) -> Option<&Name> {
        self.environment.as_ref()
    }

    /// How many jobs it has.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it has no job.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// One job.
    pub fn job(&self, id: &JobId) -> Option<&Job> {
        self.nodes.get(id).map(|node| &self.graph[*node])
    }

    /// The jobs, upstreams first; where that leaves a choice, in the order in which they were given.
    pub fn jobs(&self) -> impl DoubleEndedIterator<Item = &Job> + ExactSizeIterator {
        self.order.iter().map(|node| &self.graph[*node])
    }

    /// The jobs, each behind what it waits for; an edge carries what must be true of its upstream.
    pub fn graph(&self) -> &DiGraph<Job, When> {
        &self.graph
    }

    /// Every job that one of these waits for, however indirectly, in the order of the plan.
    pub fn upstreams<'a>(&self, of: impl IntoIterator<Item = &'a JobId>) -> Vec<&JobId> {
        self.reachable(of, Incoming)
    }

    /// Every job that waits for one of these, however indirectly, in the order of the plan.
    pub fn downstreams<'a>(&self, of: impl IntoIterator<Item = &'a JobId>) -> Vec<&JobId> {
        self.reachable(of, Outgoing)
    }

    /// The edges of a job to jobs that are not in the plan.
    pub fn external<'a>(&'a self, job: &'a Job) -> impl Iterator<Item = &'a Edge> {
        job.after.iter().filter(|edge| !self.nodes.contains_key(&edge.job))
    }

    /// The digest of one job.
    pub fn digest_of(&self, id: &JobId) -> Option<Digest> {
        self.nodes.get(id).map(|node| self.digests[node.index()])
    }

    /// The digest of the whole: project, environment and jobs, whatever their order.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    fn reachable<'a>(&self, from: impl IntoIterator<Item = &'a JobId>, direction: Direction) -> Vec<&JobId> {
        let mut ranks = BTreeSet::new();
        let mut open: Vec<NodeIndex> =
            from.into_iter().filter_map(|id| self.nodes.get(id).copied()).collect();
        while let Some(node) = open.pop() {
            let new = |next: &NodeIndex| ranks.insert(self.ranks[next.index()]);
            open.extend(self.graph.neighbors_directed(node, direction).filter(new));
        }
        ranks.into_iter().map(|rank| &self.graph[self.order[rank]].id).collect()
    }
}

/// Jobs that wait for each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// Each waits for the next one, the last for the first.
    pub jobs: Vec<JobId>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jobs wait for each other: ")?;
        for job in &self.jobs {
            write!(f, "{job} -> ")?;
        }
        self.jobs.first().map_or(Ok(()), |job| write!(f, "{job}"))
    }
}

impl std::error::Error for Cycle {}

fn connect(jobs: impl IntoIterator<Item = Job>) -> (DiGraph<Job, When>, IndexMap<JobId, NodeIndex>) {
    let mut graph = DiGraph::new();
    let mut nodes: IndexMap<JobId, NodeIndex> = IndexMap::new();
    for job in jobs {
        match nodes.get(&job.id) {
            Some(node) => graph[*node] = job,
            None => drop(nodes.insert(job.id.clone(), graph.add_node(job))),
        }
    }
    for (downstream, upstream, when) in edges(&graph, &nodes) {
        graph.add_edge(upstream, downstream, when);
    }
    (graph, nodes)
}

fn edges(
    graph: &DiGraph<Job, When>,
    nodes: &IndexMap<JobId, NodeIndex>,
) -> Vec<(NodeIndex, NodeIndex, When)> {
    let known = |edge: &Edge| nodes.get(&edge.job).map(|upstream| (*upstream, edge.when));
    let of =
        |node: NodeIndex| graph[node].after.iter().filter_map(known).map(move |(up, when)| (node, up, when));
    graph.node_indices().flat_map(of).collect()
}

/// Kahn's algorithm, with the smallest index first, so that the order depends on nothing but the jobs.
fn topological(graph: &DiGraph<Job, When>) -> Result<Vec<NodeIndex>, Cycle> {
    let mut waits: Vec<usize> =
        graph.node_indices().map(|node| graph.neighbors_directed(node, Incoming).count()).collect();
    let free = graph.node_indices().filter(|node| waits[node.index()] == 0);
    let mut ready: BinaryHeap<Reverse<NodeIndex>> = free.map(Reverse).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for next in graph.neighbors_directed(node, Outgoing) {
            waits[next.index()] -= 1;
            if waits[next.index()] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    if order.len() == waits.len() { Ok(order) } else { Err(cycle(graph, &waits)) }
}

/// A cycle among the nodes that still wait. Each of these waits for another one of them, so that going upstream
/// must come back to a node already seen.
fn cycle(graph: &DiGraph<Job, When>, waits: &[usize]) -> Cycle {
    let waiting = |node: &NodeIndex| waits[node.index()] > 0;
    let mut path: Vec<NodeIndex> = Vec::new();
    let mut next = graph.node_indices().find(waiting);
    while let Some(node) = next {
        if let Some(start) = path.iter().position(|seen| *seen == node) {
            path.drain(..start);
            break;
        }
        path.push(node);
        next = graph.neighbors_directed(node, Incoming).filter(waiting).min();
    }
    Cycle { jobs: path.into_iter().map(|node| graph[node].id.clone()).collect() }
}

fn digest_of_all(
    project: &Name,
    environment: Option<&Name>,
    nodes: &IndexMap<JobId, NodeIndex>,
    digests: &[Digest],
) -> Digest {
    let mut parts: Vec<(String, &Digest)> =
        nodes.iter().map(|(id, node)| (id.to_string(), &digests[node.index()])).collect();
    parts.sort();
    let environment = environment.map_or("", Name::as_str);
    Digest::of_digests(&format!("windlass plan 1 {project} {environment}"), parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{after, batch, stream};

    fn plan(jobs: Vec<Job>) -> Result<Plan, Cycle> {
        Plan::new("commerce".parse().unwrap(), None, jobs)
    }

    fn names<'a>(ids: impl IntoIterator<Item = &'a JobId>) -> String {
        ids.into_iter().map(|id| id.job.to_string()).collect::<Vec<_>>().join(" ")
    }

    fn diamond() -> Plan {
        plan(vec![
            after(batch("orders.end"), &["orders.left", "orders.right"]),
            after(batch("orders.right"), &["orders.start"]),
            after(batch("orders.left"), &["orders.start", "ledger.close"]),
            stream("orders.start"),
            stream("orders.alone"),
        ])
        .unwrap()
    }

    #[test]
    fn upstreams_come_first_and_ties_keep_their_order() {
        assert_eq!(names(diamond().jobs().map(|job| &job.id)), "start right left end alone");
    }

    #[test]
    fn streams_of_dependence_are_transitive_and_ordered() {
        let plan = diamond();
        let id = |text: &str| text.parse::<JobId>().unwrap();
        assert_eq!(names(plan.downstreams([&id("orders.start")])), "right left end");
        assert_eq!(names(plan.upstreams([&id("orders.end")])), "start right left");
        let several = [&id("orders.left"), &id("orders.right")];
        assert_eq!(names(plan.upstreams(several)), "start");
        assert_eq!(names(plan.downstreams([&id("orders.start"), &id("orders.left")])), "right left end");
        assert!(plan.upstreams([&id("orders.none")]).is_empty());
    }

    #[test]
    fn an_edge_out_of_the_plan_is_external() {
        let plan = diamond();
        let left = plan.job(&"orders.left".parse().unwrap()).unwrap();
        assert_eq!(names(plan.external(left).map(|edge| &edge.job)), "close");
    }

    #[test]
    fn a_cycle_is_named_without_what_leads_to_it() {
        let cycle = plan(vec![
            after(batch("orders.tail"), &["orders.a"]),
            after(batch("orders.a"), &["orders.b"]),
            after(batch("orders.b"), &["orders.c"]),
            after(batch("orders.c"), &["orders.a"]),
        ]);
        assert_eq!(
            cycle.unwrap_err().to_string(),
            "jobs wait for each other: orders.a -> orders.b -> orders.c -> orders.a"
        );
        let alone = plan(vec![after(batch("orders.a"), &["orders.a"])]);
        assert_eq!(alone.unwrap_err().to_string(), "jobs wait for each other: orders.a -> orders.a");
    }

    #[test]
    fn the_digest_of_the_whole_ignores_order_and_sees_content() {
        let digest = |jobs| plan(jobs).unwrap().digest();
        let one = digest(vec![batch("orders.a"), stream("orders.b")]);
        assert_eq!(one, digest(vec![stream("orders.b"), batch("orders.a")]));
        assert_ne!(one, digest(vec![batch("orders.a"), batch("orders.b")]));
        assert_ne!(one, digest(vec![batch("orders.a")]));
    }

    #[test]
    fn of_two_jobs_with_one_identity_the_last_one_counts() {
        let plan = plan(vec![stream("orders.a"), batch("orders.a")]).unwrap();
        assert_eq!(plan.len(), 1);
        assert_eq!(plan.jobs().next(), Some(&batch("orders.a")));
    }
}
