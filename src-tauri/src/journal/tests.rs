//! Journals of real launches against the schema that their readers go by.

mod failures;
mod lives;
mod members;
mod names;
mod schema;
mod trial;
mod writing;
