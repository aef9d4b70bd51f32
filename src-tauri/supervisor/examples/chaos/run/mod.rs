//! See `main.rs`.

mod options;
#[path = "../../shared/mod.rs"]
mod shared;
mod system;
mod tally;
mod watch;
mod worker;

use std::env;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use self::options::parse;
use self::tally::Tally;
use self::worker::Worker;

/// The command line.
pub fn main() -> ExitCode {
    let options = match parse(env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("chaos: {problem}");
            return ExitCode::from(2);
        }
    };
    let started = Instant::now();
    let tally = Arc::new(Mutex::new(Tally::default()));
    let workers: Vec<_> = (0..options.parallel)
        .map(|number| {
            let (options, tally) = (options.clone(), Arc::clone(&tally));
            thread::spawn(move || Worker::new(number, options, tally).run())
        })
        .collect();
    let mut finished = true;
    for worker in workers {
        finished &= worker.join().is_ok();
    }
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    for violation in &tally.violations {
        println!("violation: {violation}");
    }
    if !finished {
        println!("violation: a thread of the run panicked");
    }
    let actions: Vec<_> = tally
        .actions
        .iter()
        .map(|(name, count)| format!("\"{name}\": {count}"))
        .collect();
    println!(
        "{{\"lifecycles\": {}, \"launches\": {}, \"ready\": {}, \"restarts\": {}, \
         \"killed_by_supervisor\": {}, \"stragglers\": {}, \"violations\": {}, \
         \"elapsed_s\": {:.3}, \"actions\": {{{}}}}}",
        tally.lifecycles,
        tally.launches,
        tally.ready,
        tally.restarts,
        tally.killed,
        tally.stragglers,
        tally.violations.len() + usize::from(!finished),
        started.elapsed().as_secs_f64(),
        actions.join(", ")
    );
    ExitCode::from(u8::from(!tally.violations.is_empty() || !finished))
}
