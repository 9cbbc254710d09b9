use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use super::is_for_people;
use super::record::Record;
use super::row::Row;
use crate::cli::terminal::escaped;

/// A line for each member that says something. Nothing is wrapped: a token is to be copied.
pub(super) fn of_one(record: &Record) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (name, value) in record.members() {
        let shown = shown(value);
        if !shown.is_empty() {
            table.add_row([(*name).to_owned(), shown]);
        }
    }
    printed(&mut table)
}

/// A row for each record, with a heading.
pub(super) fn of_many(records: &[Record], columns: &[&str]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if is_for_people() {
        table.load_style(presets::ASCII_HORIZONTAL_ONLY);
        if let Some((width, _)) = terminal_size::terminal_size() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width.0);
        }
    }
    table.set_header(columns.iter().copied());
    for record in records {
        table.add_row(columns.iter().map(|column| shown(record.member(column))));
    }
    printed(&mut table)
}

/// A line for each row, the labels in a column of their own. Nothing is wrapped: a hash or a
/// challenge is to be copied.
pub(super) fn of_rows(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for row in rows {
        table.add_row(row.cells().map(escaped));
    }
    printed(&mut table)
}

/// Writes every line from the very left, and without space at its end.
fn printed(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(members) => match (members.get("login"), members.get("client_id")) {
            (Some(login), _) => shown(login),
            (_, Some(client_id)) => named(members.get("name"), client_id),
            _ => value.to_string(),
        },
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    escaped(&text).into_owned()
}

fn named(name: Option<&Value>, client_id: &Value) -> String {
    match name.map(shown) {
        Some(name) if !name.is_empty() => format!("{name} ({})", shown(client_id)),
        _ => shown(client_id),
    }
}
