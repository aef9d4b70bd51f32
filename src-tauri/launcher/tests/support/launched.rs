//! The program that the launcher's tests on Windows launch, which has no scripts that are programs.
//! Each argument is one step: `show-pid`, `show-args`, `until-eof`, `exit:CODE`, `child` starts itself
//! with `forever`, and `forever` sleeps.

use std::io::Read as _;
use std::process::Command;
use std::time::Duration;
use std::{env, io, process, thread};

fn main() {
    for step in env::args().skip(1) {
        let (name, value) = step.split_once(':').unwrap_or((&step, ""));
        match name {
            "show-pid" => println!("PID {}", process::id()),
            "show-args" => println!("ARGS {}", env::args().skip(1).collect::<Vec<_>>().join("|")),
            "until-eof" => {
                let _ = io::stdin().read_to_end(&mut Vec::new());
            }
            "exit" => process::exit(value.parse::<u32>().expect("a code").cast_signed()),
            #[allow(clippy::zombie_processes, reason = "it is to outlive this program")]
            "child" => {
                let own = env::current_exe().expect("known");
                let child = Command::new(own).arg("forever").spawn().expect("started");
                println!("CHILD {}", child.id());
            }
            "forever" => loop {
                thread::sleep(Duration::from_secs(3600));
            },
            other => println!("NO STEP {other}"),
        }
    }
}
