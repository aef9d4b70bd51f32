//! Which libraries a program for Windows names and this computer does not have. Windows itself ends
//! the program with 0xC0000135 and says no name where nobody sees a window.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Names that stand for whatever the system provides; there are no such files.
const VIRTUAL: [&str; 2] = ["api-ms-win-", "ext-ms-"];
/// More libraries than this of one program are not looked into.
const MAX_FILES: usize = 256;
/// More than any linker writes, and little enough for a damaged file.
const MAX_IMPORTS: u64 = 4096;
const MAX_NAME_BYTES: usize = 256;

/// The names of the libraries that a PE file is linked with; empty when it is none.
pub(super) fn imports(file: &mut (impl Read + Seek)) -> Vec<String> {
    read_imports(file).unwrap_or_default()
}

fn read_imports(file: &mut (impl Read + Seek)) -> io::Result<Vec<String>> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let header = u64::from(u32_at(&bytes(file, 0x3c, 4)?, 0));
    let start = bytes(file, header, 24)?;
    if !start.starts_with(b"PE\0\0") {
        return Err(damaged());
    }
    let (sections, optional_size) = (u16_at(&start, 6), u16_at(&start, 20));
    let optional = bytes(file, header + 24, usize::from(optional_size))?;
    // The directories begin later where addresses have 64 bits; the second one is the imports'.
    let directories = match optional.get(..2) {
        Some([0x0b, 0x01]) => 96,
        Some([0x0b, 0x02]) => 112,
        _ => return Err(damaged()),
    };
    let directory = optional.get(directories + 8..directories + 12);
    let address = u32_at(directory.ok_or_else(damaged)?, 0);
    let table = bytes(
        file,
        header + 24 + u64::from(optional_size),
        usize::from(sections) * 40,
    )?;
    let place = |address: u32| {
        table.chunks_exact(40).find_map(|section| {
            let (start, length) = (u32_at(section, 12), u32_at(section, 16));
            let inside = address
                .checked_sub(start)
                .filter(|inside| *inside < length)?;
            Some(u64::from(u32_at(section, 20)) + u64::from(inside))
        })
    };
    let mut names = Vec::new();
    // A program without imports has no such directory.
    let Some(first) = place(address).filter(|_| address != 0) else {
        return Ok(names);
    };
    for number in 0..MAX_IMPORTS {
        let entry = bytes(file, first + number * 20, 20)?;
        let Some(at) = place(u32_at(&entry, 12)).filter(|_| u32_at(&entry, 12) != 0) else {
            break;
        };
        file.seek(SeekFrom::Start(at))?;
        let mut name = Vec::new();
        file.take(MAX_NAME_BYTES as u64).read_to_end(&mut name)?;
        let end = name.iter().position(|byte| *byte == 0);
        names.push(String::from_utf8_lossy(&name[..end.ok_or_else(damaged)?]).into_owned());
    }
    Ok(names)
}

fn bytes(file: &mut (impl Read + Seek), at: u64, count: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; count];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The libraries that a program, or one that lies beside it, names and that are nowhere.
///
/// `places` are the folders that Windows looks into after the program's own.
pub(super) fn missing(program: &Path, places: &[PathBuf]) -> Vec<String> {
    let beside = program.parent().unwrap_or_else(|| Path::new("."));
    let mut open = vec![program.to_owned()];
    let mut seen = BTreeSet::new();
    let mut missing = Vec::new();
    while let Some(path) = open.pop() {
        let Ok(mut file) = File::open(&path) else {
            continue;
        };
        for name in imports(&mut file) {
            let lower = name.to_ascii_lowercase();
            if VIRTUAL.iter().any(|start| lower.starts_with(start))
                || seen.len() >= MAX_FILES
                || !seen.insert(lower)
            {
                continue;
            }
            let own = beside.join(&name);
            if own.is_file() {
                open.push(own);
            } else if !places.iter().any(|place| place.join(&name).is_file()) {
                missing.push(name);
            }
        }
    }
    missing
}

/// The folders that Windows looks into after the program's own, of this process's environment.
pub(super) fn places() -> Vec<PathBuf> {
    let root = std::env::var_os("SystemRoot").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    root.into_iter()
        .flat_map(|root| [root.join("System32"), root.join("System"), root])
        .chain(std::env::split_paths(&path))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Cursor;

    use super::*;

    /// A PE file with one section, in which the imports lie.
    fn program(names: &[&str]) -> Vec<u8> {
        const SECTION: usize = 0x200;
        const ADDRESS: u32 = 0x1000;
        let mut file = vec![0_u8; SECTION];
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"MZ");
        put(0x3c, &[0x40]);
        put(0x40, b"PE\0\0\x64\x86\x01\x00");
        put(0x40 + 20, &240_u16.to_le_bytes());
        put(0x58, &[0x0b, 0x02]);
        put(0x58 + 112 + 8, &ADDRESS.to_le_bytes());
        let section = 0x58 + 240;
        put(section + 12, &ADDRESS.to_le_bytes());
        put(section + 16, &0x1000_u32.to_le_bytes());
        put(section + 20, &(SECTION as u32).to_le_bytes());
        let mut table = vec![0_u8; 20 * (names.len() + 1)];
        for (number, name) in names.iter().enumerate() {
            let at = ADDRESS + u32::try_from(table.len()).expect("small");
            table[number * 20 + 12..number * 20 + 16].copy_from_slice(&at.to_le_bytes());
            table.extend(name.bytes());
            table.push(0);
        }
        file.extend(table);
        file
    }

    #[test]
    fn the_libraries_of_a_program_are_read() {
        let names = ["KERNEL32.dll", "python311.dll"];
        assert_eq!(imports(&mut Cursor::new(program(&names))), names);
        assert!(imports(&mut Cursor::new(program(&[]))).is_empty());
        assert!(imports(&mut Cursor::new(b"#!/bin/sh\n")).is_empty());
        // Cut anywhere, it is read as far as it goes, or not at all.
        let whole = program(&names);
        for length in 0..whole.len() {
            assert!(imports(&mut Cursor::new(&whole[..length])).is_empty());
        }
    }

    #[test]
    fn what_is_missing_is_named_also_of_what_lies_beside_the_program() {
        let root = std::env::temp_dir().join(format!("supervisor-dlls-{}", std::process::id()));
        let (own, system) = (root.join("own"), root.join("system"));
        for folder in [&own, &system] {
            fs::create_dir_all(folder).expect("made");
        }
        let write = |path: PathBuf, names: &[&str]| fs::write(path, program(names)).expect("made");
        let start = own.join("sidecar.exe");
        let named = ["KERNEL32.dll", "python311.dll", "api-ms-win-crt-math.dll"];
        write(start.clone(), &named);
        write(own.join("python311.dll"), &["VCRUNTIME140.dll"]);
        write(
            system.join("KERNEL32.dll"),
            &["ntdll-that-nobody-looks-for.dll"],
        );
        let places = [system];
        assert_eq!(missing(&start, &places), ["VCRUNTIME140.dll"]);
        write(own.join("VCRUNTIME140.dll"), &["python311.dll"]);
        assert!(missing(&start, &places).is_empty());
        fs::remove_dir_all(root).expect("removed");
    }
}
