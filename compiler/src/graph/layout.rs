//! Where each job stands: in columns from left to right, so that every arrow that is not part of a cycle points
//! to the right.
//!
//! Layers by longest path, then two sweeps by barycentre against crossings (Sugiyama's method, its first half).

use petgraph::visit::DfsPostOrder;

use super::{Arrow, Picture, graph};

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The place of each node.
    pub(super) cells: Vec<Cell>,
    /// The free places between its ends that each edge goes through.
    pub(super) routes: Vec<Vec<Cell>>,
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// A place in a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) column: usize,
    pub(super) row: usize,
}

impl Layout {
    pub(super) fn of(picture: &Picture) -> Self {
        let grid = Grid::of(picture);
        let columns = grid.layers.iter().max().map_or(0, |last| last + 1);
        let mut by_column: Vec<Vec<usize>> = vec![Vec::new(); columns];
        for (node, layer) in grid.layers.iter().enumerate() {
            by_column[*layer].push(node);
        }
        Neighbours::of(grid.layers.len(), &grid.steps).sweep(&mut by_column);
        let mut cells = cells(&by_column, grid.layers.len());
        let routes =
            grid.routes.iter().map(|route| route.iter().map(|node| cells[*node]).collect()).collect();
        cells.truncate(picture.nodes.len());
        Self { cells, routes, columns, rows: by_column.iter().map(Vec::len).max().unwrap_or(0) }
    }
}

/// The nodes, and more of them where an edge passes a column, so that no box stands in its way.
struct Grid {
    layers: Vec<usize>,
    /// The edges, cut into steps from one column to the next.
    steps: Vec<(usize, usize)>,
    /// The added nodes of each edge.
    routes: Vec<Vec<usize>>,
}

impl Grid {
    fn of(picture: &Picture) -> Self {
        let ranks = ranks(picture);
        let points_right = |edge: &&Arrow| ranks[edge.from] < ranks[edge.to];
        let forward: Vec<(usize, usize)> =
            picture.edges.iter().filter(points_right).map(|edge| (edge.from, edge.to)).collect();
        let layers = layers(picture.nodes.len(), &forward);
        let mut grid = Self { layers, steps: Vec::new(), routes: Vec::new() };
        for edge in &picture.edges {
            let route = if points_right(&edge) { grid.lay(edge.from, edge.to) } else { Vec::new() };
            grid.routes.push(route);
        }
        grid
    }

    fn lay(&mut self, from: usize, to: usize) -> Vec<usize> {
        let passed = self.layers[from] + 1..self.layers[to];
        let first = self.layers.len();
        self.layers.extend(passed);
        let route: Vec<usize> = (first..self.layers.len()).collect();
        let starts = std::iter::once(from).chain(route.iter().copied());
        self.steps.extend(starts.zip(route.iter().copied().chain([to])));
        route
    }
}

/// An order of the nodes in which edges point forward, except those that close a cycle: the reverse of the order
/// in which a depth-first search leaves them.
fn ranks(picture: &Picture) -> Vec<usize> {
    let graph = graph(picture.nodes.len(), &picture.edges);
    let mut search = DfsPostOrder::empty(&graph);
    let mut ranks = vec![0; picture.nodes.len()];
    let mut rank = picture.nodes.len();
    for start in graph.node_indices() {
        search.move_to(start);
        while let Some(node) = search.next(&graph) {
            rank -= 1;
            ranks[node.index()] = rank;
        }
    }
    ranks
}

fn cells(by_column: &[Vec<usize>], nodes: usize) -> Vec<Cell> {
    let mut cells = vec![Cell { column: 0, row: 0 }; nodes];
    for (column, members) in by_column.iter().enumerate() {
        for (row, node) in members.iter().enumerate() {
            cells[*node] = Cell { column, row };
        }
    }
    cells
}

/// The longest path to each node, by Kahn's algorithm.
fn layers(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut waits = vec![0_usize; nodes];
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (from, to) in edges {
        waits[*to] += 1;
        next[*from].push(*to);
    }
    let mut layers = vec![0; nodes];
    let mut ready: Vec<usize> = (0..nodes).filter(|node| waits[*node] == 0).collect();
    while let Some(node) = ready.pop() {
        for to in &next[node] {
            layers[*to] = layers[*to].max(layers[node] + 1);
            waits[*to] -= 1;
            if waits[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    layers
}

/// Who is connected to whom, on each side.
struct Neighbours {
    left: Vec<Vec<usize>>,
    right: Vec<Vec<usize>>,
}

impl Neighbours {
    fn of(nodes: usize, edges: &[(usize, usize)]) -> Self {
        let (mut left, mut right) = (vec![Vec::new(); nodes], vec![Vec::new(); nodes]);
        for (from, to) in edges {
            left[*to].push(*from);
            right[*from].push(*to);
        }
        Self { left, right }
    }

    fn sweep(&self, columns: &mut [Vec<usize>]) {
        let mut rows = vec![0; self.left.len()];
        for column in columns.iter() {
            number(column, &mut rows);
        }
        for column in columns.iter_mut() {
            arrange(column, &self.left, &mut rows);
        }
        for column in columns.iter_mut().rev() {
            arrange(column, &self.right, &mut rows);
        }
    }
}

fn number(column: &[usize], rows: &mut [usize]) {
    for (row, node) in column.iter().enumerate() {
        rows[*node] = row;
    }
}

/// Sorts a column by the mean row of each node's neighbours; the sort is stable, so ties keep their order.
fn arrange(column: &mut [usize], neighbours: &[Vec<usize>], rows: &mut [usize]) {
    // In thousandths of a row: integers keep the order total, and equal on every machine.
    let mean = |node: &usize| match neighbours[*node].as_slice() {
        [] => rows[*node] * 1000,
        some => some.iter().map(|other| rows[*other] * 1000).sum::<usize>() / some.len(),
    };
    column.sort_by_cached_key(mean);
    number(column, rows);
}
