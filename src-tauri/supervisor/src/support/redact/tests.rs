//! What goes and what stays, in a table; and that no secret survives, whatever it is.

use proptest::prelude::*;

use super::*;

fn ada() -> Redactor {
    Redactor::new()
        .home("/home/ada")
        .home(r"C:\Users\Ada Lovelace")
        .host("engine.example.org")
        .secret("open sesame")
}

#[test]
fn what_goes() {
    for (text, expected) in [
        ("/home/ada/app.log", "~/app.log"),
        (r"C:\Users\Ada Lovelace\app", r"~\app"),
        ("/home/adam/x", "/home/adam/x"),
        ("ada@engine: up", "[user]@[host]: up"),
        ("engine.example.org", "[host]"),
        ("say open sesame now", "say [secret] now"),
        ("Authorization: Bearer abc", "Authorization: [secret]"),
        ("got bearer abc, then", "got bearer [secret], then"),
        ("http://me:pw@localhost:1/x", "http://[secret]localhost:1/x"),
        ("GET /?token=abc&x=1", "GET /?token=[secret]&x=1"),
        (
            r#"{"apiKey": "a b", "n": 1}"#,
            r#"{"apiKey": [secret], "n": 1}"#,
        ),
        ("DB_PASSWORD='a b' run", "DB_PASSWORD=[secret] run"),
        (
            "--auth-token abc --port 1",
            "--auth-token [secret] --port 1",
        ),
        ("SIGNING_KEY=abc", "SIGNING_KEY=[secret]"),
        ("id AKIA0123456789ABCDEF", "id [secret]"),
        ("ghp_abcdefgh", "[secret]"),
        ("sk-live-abc", "[secret]"),
        ("eyJhbGciOi.eyJzdWIi.x", "[secret]"),
        ("key 0123456789abcdef0123", "key [secret]"),
        ("k AAAA/bbbb+cccc/dddd1eeee/ffff2gggg=", "k [secret]"),
    ] {
        assert_eq!(ada().text(text), expected, "{text}");
    }
}

#[test]
fn what_stays() {
    for text in [
        "READY",
        "The sidecar ended before it was ready, with exit code 1.",
        "ModuleNotFoundError: No module named 'uvicorn'",
        "/usr/lib/x86_64-linux-gnu/libssl.so.3: cannot open shared object file",
        "HEARTBEAT n=1 uptime_ms=1000",
        "http://127.0.0.1:8000/health answered 200",
        "pid 1234, 20 threads",
        "adaptive",
    ] {
        assert_eq!(ada().text(text), text);
    }
}

#[test]
fn a_private_key_goes_as_a_whole() {
    let text = "a\n-----BEGIN PRIVATE KEY-----\nMIIabc\nshort\n-----END PRIVATE KEY-----\nb";
    assert_eq!(
        ada().text(text),
        format!("a\n{SECRET}\n{SECRET}\n{SECRET}\n{SECRET}\nb")
    );
}

#[test]
fn names() {
    for name in [
        "SIDECAR_TOKEN",
        "API_KEY",
        "apiKey",
        "DbPassword",
        "SSH_AUTH",
        "KEY",
    ] {
        assert!(names_a_secret(name), "{name}");
    }
    for name in ["PATH", "KEYBOARD", "HOME", "MONKEY_COUNT"] {
        assert!(!names_a_secret(name), "{name}");
    }
}

/// A text around a secret.
fn around() -> impl Strategy<Value = (String, String)> {
    ("[ -~äß]{0,40}", "[ -~äß]{0,40}")
}

proptest! {
    #[test]
    fn a_known_secret_never_survives(
        secret in "[!-~]{4,40}", (before, behind) in around()
    ) {
        // What the mark itself has in it cannot be told from a secret.
        prop_assume!(!SECRET.contains(&secret));
        let redacted = Redactor::new().secret(&secret).text(&format!("{before}{secret}{behind}"));
        prop_assert!(!redacted.contains(&secret), "{redacted}");
    }

    #[test]
    fn what_looks_like_a_key_never_survives(
        secret in "[A-Za-z0-9_-]{20,60}", (before, behind) in around()
    ) {
        prop_assume!(secret.contains(|it: char| it.is_ascii_digit()));
        prop_assume!(secret.contains(|it: char| it.is_ascii_alphabetic()));
        let redacted = Redactor::new().text(&format!("{before}{secret}{behind}"));
        prop_assert!(!redacted.contains(&secret), "{redacted}");
    }

    #[test]
    fn the_value_of_a_name_never_survives(
        name in "(DB_|my-|X)?(token|SECRET|password|api_key|Cookie)(_2)?",
        sign in "=|: |\": \"|='| ",
        secret in "[a-z]{8,19}",
    ) {
        let redacted = Redactor::new().text(&format!("x {name}{sign}{secret}"));
        prop_assert!(!redacted.contains(&secret), "{redacted}");
    }

    #[test]
    fn a_home_never_survives(user in "[a-z][a-z0-9_-]{2,12}", behind in "(/[a-z]{1,8}){0,3}") {
        let home = format!("/srv/homes/{user}");
        let redacted = Redactor::new().home(&home).text(&format!("open {home}{behind}"));
        prop_assert!(!redacted.contains(&home), "{redacted}");
    }

    #[test]
    fn lines_stay_lines(text in "[ -~\n]{0,200}") {
        // Only the value of a line is taken out, never its end.
        let once = ada().text(&text);
        prop_assert_eq!(once.matches('\n').count(), text.matches('\n').count());
    }
}
