//! Tables in the documentation that tests write: what a page says was measured is what the tests have just found.

use std::fs;
use std::path::Path;

/// Checks that a page of the tree has exactly this table between its marks `<!-- name -->` and `<!-- end of name -->`.
/// With `WINDLASS_UPDATE` in the environment it writes it there.
#[track_caller]
pub fn check(page: &str, name: &str, head: &[&str], rows: &[Vec<String>]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let text = fs::read_to_string(&path).expect("the page is there");
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let from = text.find(&begin).map(|at| at + begin.len());
    let Some((from, to)) = from.zip(text.find(&end)) else {
        panic!("{page} has no marks of the table {name}")
    };
    let table = format!("\n{}\n", render(head, rows));
    if std::env::var_os("WINDLASS_UPDATE").is_some() {
        fs::write(&path, [&text[..from], &table, &text[to..]].concat()).expect("writable");
    } else {
        let found = &text[from..to];
        assert!(
            found == table,
            "{page}: the table {name} is not what was measured; WINDLASS_UPDATE=1 writes it:\n{table}"
        );
    }
}

fn render(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rows = rows.iter().map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    [line(head), rule].into_iter().chain(rows).collect()
}
