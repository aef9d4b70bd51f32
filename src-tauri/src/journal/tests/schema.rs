//! The schema, and what it has against a document.

use serde_json::Value;

const SCHEMA_TEXT: &str = include_str!("../../../journal.schema.json");

pub(super) fn schema() -> Value {
    serde_json::from_str(SCHEMA_TEXT).expect("valid JSON")
}

/// Why a document is no journal, or nothing.
pub(super) fn objection(document: &Value) -> Option<String> {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler
        .add_resource("journal.schema.json", schema())
        .expect("a schema");
    let index = compiler
        .compile("journal.schema.json", &mut schemas)
        .expect("a schema of draft 2020-12");
    schemas
        .validate(document, index)
        .err()
        .map(|error| format!("{error:#}"))
}

pub(super) fn assert_valid(journal: &Value) {
    assert_eq!(objection(journal), None, "{journal:#}");
}
