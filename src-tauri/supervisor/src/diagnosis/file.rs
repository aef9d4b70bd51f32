//! Facts about the program's file.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::platform;

/// Facts about the program's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileFacts {
    pub(super) exists: bool,
    pub(super) is_dir: bool,
    pub(super) size_bytes: u64,
    pub(super) mode: Option<u32>,
    pub(super) arch: Option<&'static str>,
    pub(super) is_script: bool,
}

impl FileFacts {
    pub(super) fn of(path: &Path) -> Self {
        let Ok(metadata) = fs::metadata(path) else {
            return Self {
                exists: false,
                is_dir: false,
                size_bytes: 0,
                mode: None,
                arch: None,
                is_script: false,
            };
        };
        let mut head = [0_u8; 4096];
        let read = fs::File::open(path)
            .and_then(|mut file| file.read(&mut head))
            .unwrap_or(0);
        Self {
            exists: true,
            is_dir: metadata.is_dir(),
            size_bytes: metadata.len(),
            mode: platform::mode_of(&metadata),
            arch: executable_arch(&head[..read]),
            is_script: head[..read].starts_with(b"#!"),
        }
    }

    pub(super) fn is_executable(&self) -> bool {
        self.mode.is_none_or(|mode| mode & 0o111 != 0)
    }
}

/// The architecture that an ELF, PE or Mach-O file is for, in Rust's names.
fn executable_arch(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize| {
        Some(u16::from_le_bytes([
            *head.get(offset)?,
            *head.get(offset + 1)?,
        ]))
    };
    if head.starts_with(b"\x7fELF") {
        return match at(18)? {
            0x03 => Some("x86"),
            0x28 => Some("arm"),
            0x3e => Some("x86_64"),
            0xb7 => Some("aarch64"),
            0xf3 => Some("riscv64"),
            _ => Some("another ELF architecture"),
        };
    }
    if head.starts_with(b"MZ") {
        let header = usize::from(at(0x3c)?);
        return match at(header + 4)? {
            0x014c => Some("x86"),
            0x8664 => Some("x86_64"),
            0xaa64 => Some("aarch64"),
            _ => Some("another PE architecture"),
        };
    }
    if head.starts_with(&[0xcf, 0xfa, 0xed, 0xfe]) {
        return match at(4)? {
            0x0007 => Some("x86_64"),
            0x000c => Some("aarch64"),
            _ => Some("another Mach-O architecture"),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_are_read_from_the_header() {
        let mut elf = [0_u8; 64];
        elf[..4].copy_from_slice(b"\x7fELF");
        elf[18] = 0xb7;
        assert_eq!(executable_arch(&elf), Some("aarch64"));
        assert_eq!(executable_arch(b"\x7fELF"), None);
        assert_eq!(executable_arch(b"#!/bin/sh"), None);
    }
}
