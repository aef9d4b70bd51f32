//! The modules of the workspace point one way: none needs what needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The names of the modules that a text takes something from.
fn named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        let list = after.strip_prefix('{').map_or(after, |list| {
            list.split_once('}').map_or(list, |(inside, _)| inside)
        });
        let is_list = list.len() != after.len();
        for part in list.split(',').take(if is_list { usize::MAX } else { 1 }) {
            let name = part
                .trim_start()
                .split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
            found.extend(name.take(1).map(str::to_owned));
        }
    }
    found
}

/// Each module at the top of a crate with all that it needs, whatever its own submodules need.
fn arrows(source: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut open = vec![source.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let below = path.strip_prefix(source).expect("it lies there");
            let first = below.components().next().expect("a name").as_os_str();
            let module = Path::new(first).file_stem().expect("a name");
            let text = fs::read_to_string(&path).expect("readable");
            let needed = arrows.entry(module.to_string_lossy().into_owned());
            needed.or_default().extend(named(&text));
        }
    }
    let modules: BTreeSet<String> = arrows.keys().cloned().collect();
    for (module, needed) in &mut arrows {
        needed.retain(|name| name != module && modules.contains(name));
    }
    arrows
}

/// What is left when every module without unmet needs has been taken away: the circles.
fn circles(mut arrows: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    while let Some(free) = arrows
        .iter()
        .find(|(_, needed)| needed.is_empty())
        .map(|(module, _)| module.clone())
    {
        arrows.remove(&free);
        for needed in arrows.values_mut() {
            needed.remove(&free);
        }
    }
    arrows
}

#[test]
fn no_module_needs_what_needs_it() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (source, least) in [
        ("src", 10),
        ("../src", 5),
        ("../launcher/src", 1),
        ("../plugin-build/src", 1),
    ] {
        let arrows = arrows(&here.join(source));
        assert!(arrows.len() >= least, "{source}: {arrows:?}");
        assert_eq!(circles(arrows), BTreeMap::new(), "{source}");
    }
}

#[test]
fn a_circle_is_seen() {
    let text = "use crate::{state::State, spec};\nfn f() { crate::temp::random() }";
    assert_eq!(
        named(text),
        ["spec", "state", "temp"].map(str::to_owned).into()
    );
    let needs = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let arrows = BTreeMap::from([
        ("a".to_owned(), needs(&["b"])),
        ("b".to_owned(), needs(&["a", "c"])),
        ("c".to_owned(), needs(&[])),
    ]);
    assert_eq!(circles(arrows).len(), 2);
}
