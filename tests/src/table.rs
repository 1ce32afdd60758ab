//! Tables in the documentation that tests write: what a page says was measured is what the tests have just found. With
//! `WINDLASS_UPDATE` in the environment they write it there; otherwise it has to be there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A table of a page of the tree, between its marks `<!-- NAME -->` and `<!-- end of NAME -->`.
struct Place {
    path: PathBuf,
    text: String,
    from: usize,
    to: usize,
}

/// Tests of one program write one after the other.
static WRITING: Mutex<()> = Mutex::new(());

/// Checks that a page has exactly this table.
#[track_caller]
pub fn check(page: &str, name: &str, head: &[&str], rows: &[Vec<String>]) {
    let place = Place::find(page, name);
    let table = render(head, rows);
    if is_updating() {
        place.write(&table);
    } else {
        let found = &place.text[place.from..place.to];
        assert!(found == table, "{page}: the table {name} has to be (WINDLASS_UPDATE=1 writes it):\n{table}");
    }
}

/// Checks that a table of a page has this row. All cells but the last one say which row it is.
#[track_caller]
pub fn has_row(page: &str, name: &str, head: &[&str], row: &[String]) {
    let _one = WRITING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut rows = rows(page, name);
    if is_updating() {
        let key = &row[..row.len() - 1];
        rows.retain(|known| known.len() == row.len() && known[..row.len() - 1] != *key);
        rows.push(row.to_vec());
        rows.sort();
        Place::find(page, name).write(&render(head, &rows));
    } else {
        assert!(
            rows.iter().any(|known| known == row),
            "{page}: the table {name} lacks this row (WINDLASS_UPDATE=1 writes it): {row:?}"
        );
    }
}

/// The rows of a table, without its head.
#[track_caller]
pub fn rows(page: &str, name: &str) -> Vec<Vec<String>> {
    let Place { text, from, to, .. } = Place::find(page, name);
    let rows = text[from..to].lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}

fn is_updating() -> bool {
    std::env::var_os("WINDLASS_UPDATE").is_some()
}

impl Place {
    #[track_caller]
    fn find(page: &str, name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
        let text = fs::read_to_string(&path).expect("the page is there");
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let from = text.find(&begin).map(|at| at + begin.len());
        let to = text.find(&end);
        let (Some(from), Some(to)) = (from, to) else { panic!("{page} has no marks of a table {name}") };
        Self { path, text, from, to }
    }

    fn write(&self, table: &str) {
        let text = [&self.text[..self.from], table, &self.text[self.to..]].concat();
        fs::write(&self.path, text).expect("writable");
    }
}

fn render(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rows = rows.iter().map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    let lines: String = [line(head), rule].into_iter().chain(rows).collect();
    format!("\n{lines}\n")
}
