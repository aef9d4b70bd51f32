//! What Windows says in numbers, in words: exit codes that stand for a fault (ntstatus.h), and
//! errors that say that a security program is in the way (winerror.h). Pure, so that a journal from
//! there is read anywhere.

/// A library that the program needs was not found.
pub(crate) const DLL_NOT_FOUND: i32 = status(0xC000_0135);
/// A library that it needs could not be initialised.
pub(crate) const DLL_INIT_FAILED: i32 = status(0xC000_0142);
/// A library lacks a function that the program needs.
pub(crate) const ENTRY_POINT_NOT_FOUND: i32 = status(0xC000_0139);
/// How Ctrl-C and Ctrl-Break end a program that has no handler for them.
pub(crate) const CONTROL_C_EXIT: i32 = status(0xC000_013A);

/// A status in the form in which it becomes an exit code.
const fn status(code: u32) -> i32 {
    code.cast_signed()
}

/// What an exit code of Windows stands for; nothing where a program has chosen it itself.
pub(crate) fn meaning(exit_code: i32) -> Option<&'static str> {
    Some(match exit_code.cast_unsigned() {
        0xC000_0005 => "an access violation",
        0xC000_0006 => "a part of the program could not be read from the disk",
        0xC000_0017 => "no memory",
        0xC000_001D => "an illegal instruction",
        0xC000_0022 => "access denied",
        0xC000_007B => "a file of it is damaged, or for another architecture",
        0xC000_0094 => "a division by zero",
        0xC000_00FD => "a stack overflow",
        0xC000_0135 => "a library that it needs was not found",
        0xC000_0138 => "a library lacks a function that it needs, by number",
        0xC000_0139 => "a library lacks a function that it needs",
        0xC000_013A => "ended by Ctrl-C or Ctrl-Break",
        0xC000_0142 => "a library could not be initialised",
        0xC000_0374 => "a damaged heap",
        0xC000_0409 => "it ended itself at once: abort, or a damaged stack",
        0xC000_0428 => "the signature of a file of it was not accepted",
        0xC000_0906 => "an antivirus program found a virus in it",
        0xC000_0907 => "an antivirus program removed a file of it",
        0xC0E9_0002 => "a policy of this computer forbids it",
        _ => return None,
    })
}

/// True for exit codes with which a security program, or a policy, ends or refuses a program.
pub(crate) fn is_blocked_exit(exit_code: i32) -> bool {
    matches!(
        exit_code.cast_unsigned(),
        0xC000_0428 | 0xC000_0906 | 0xC000_0907 | 0xC0E9_0002
    )
}

/// Who blocks the start of a program, by the error of the attempt; nothing for every other error.
/// "Access denied" (5) is none of these: it has more causes than this one.
pub(crate) fn blocked_by(error: i32) -> Option<&'static str> {
    Some(match error {
        225 => "An antivirus program took it for a virus, and keeps it from being started.",
        226 => "An antivirus program took it for a virus, and has removed it.",
        577 => "Its signature is missing or not accepted, and this computer demands one.",
        786 | 1260 => {
            "A policy of this computer forbids it: AppLocker, software restriction, or SmartScreen."
        }
        4551 => "Smart App Control or a policy for applications of this computer forbids it.",
        _ => return None,
    })
}

/// The number in a text such as "Access is denied. (os error 5)".
pub(crate) fn error_number(text: &str) -> Option<i32> {
    let (_, after) = text.rsplit_once("(os error ")?;
    after.split(')').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_with_a_name_here_has_words() {
        for code in [
            DLL_NOT_FOUND,
            DLL_INIT_FAILED,
            ENTRY_POINT_NOT_FOUND,
            CONTROL_C_EXIT,
        ] {
            assert!(code < 0 && meaning(code).is_some(), "{code}");
            assert!(!is_blocked_exit(code));
        }
        assert!(is_blocked_exit(status(0xC000_0906)));
        assert_eq!(meaning(0), None);
    }

    #[test]
    fn an_antivirus_program_is_told_from_a_lack_of_rights() {
        assert!(blocked_by(225).is_some_and(|text| text.contains("virus")));
        assert!(blocked_by(1260).is_some_and(|text| text.contains("policy")));
        assert_eq!(blocked_by(5), None);
        assert_eq!(blocked_by(2), None);
    }

    #[test]
    fn the_number_of_an_error_is_read_from_its_text() {
        assert_eq!(error_number("Access is denied. (os error 5)"), Some(5));
        assert_eq!(error_number("Zugriff verweigert (os error 225)"), Some(225));
        assert_eq!(error_number("program not found"), None);
    }
}
