//! Where each job stands: in columns from left to right, so that every arrow that is not part of a cycle points
//! to the right.
//!
//! Layers by longest path, then two sweeps by barycentre against crossings (Sugiyama's method, its first half).

use super::Picture;

/// The column and the row of each node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) cells: Vec<Cell>,
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
        let forward = forward(picture);
        let layers = layers(picture.nodes.len(), &forward);
        let columns = layers.iter().max().map_or(0, |last| last + 1);
        let mut by_column: Vec<Vec<usize>> = vec![Vec::new(); columns];
        for (node, layer) in layers.iter().enumerate() {
            by_column[*layer].push(node);
        }
        let neighbours = Neighbours::of(picture.nodes.len(), &forward);
        neighbours.sweep(&mut by_column);
        let rows = by_column.iter().map(Vec::len).max().unwrap_or(0);
        Self { cells: cells(&by_column, picture.nodes.len()), columns, rows }
    }
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

/// The edges without those that close a cycle: within a cycle only those that follow the order of the nodes.
fn forward(picture: &Picture) -> Vec<(usize, usize)> {
    let kept = picture.edges.iter().filter(|edge| !edge.cyclic || edge.from < edge.to);
    kept.map(|edge| (edge.from, edge.to)).collect()
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
