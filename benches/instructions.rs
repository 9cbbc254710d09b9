//! How many instructions of a request are ours, counted, and compared with those of before.
//!
//! ```sh
//! cargo bench --bench instructions --no-default-features
//! cargo bench --bench instructions --no-default-features -- --bless
//! ```
//!
//! Needs valgrind, as `.ci/run` installs it; without, it says `skipped`, and fails where `CI` is
//! set.
//!
//! - Each case runs once under callgrind, which counts only what is done for [`ROUNDS`] requests
//!   that are made before. So there is no noise of other work on the machine.
//! - What is guarded is the difference to the case's floor, which any such layer must do: SHA-256,
//!   lookups in moka, one extension, dropping the request. Valgrind has none of the processor's
//!   instructions for SHA-256, so that alone would hide everything of ours.
//! - A case that takes over [`TOLERANCE`] % more than `instructions.txt` says fails. `--bless` writes
//!   the counts anew: after they fell, so that nobody loses it again, or with the reason why they
//!   had to grow.
//! - Counts depend on the compiler, which `instructions.txt` names. Another one has to stay within
//!   [`TOLERANCE_OF_OTHERS`] %. After an update of the compiler, bless with nothing else changed,
//!   and look at the difference before it is committed.
//! - Counts are no times: reading a clock or waiting for another thread's cache line takes few
//!   instructions and long. For times see `gate`.
//!
//! Ten runs in a row gave the same counts to the last digit that is shown.
#![allow(clippy::print_stdout, reason = "it is what a bench is for")]

mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fmt, fs};

use futures_util::FutureExt;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckRequest, CheckService, InactiveReason, Verdict};
use ghes_gatekeeper::policy::RequireScopes;
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::token::TokenHash;
use http::Request;
use support::{TOKEN, anonymous, asked, floor_cache, immediate, nothing, request};
use tower::{Layer, Service, service_fn};

/// Enough for moka to tidy up several times, as it does each 64 reads.
const ROUNDS: u32 = 1_024;

/// In per cent. A header that is looked for in vain takes about ten.
const TOLERANCE: f64 = 5.0;

/// In per cent, for a compiler that the counts are not of.
const TOLERANCE_OF_OTHERS: f64 = 25.0;

/// A request, and what of it is not ours.
struct Case {
    name: &'static str,
    request: fn() -> Request<()>,
    floor: fn() -> Served,
    layer: fn() -> Served,
}

const CASES: [Case; 5] = [
    Case {
        name: "hit, identity in an extension",
        request,
        floor: || floor(true),
        layer: || gate(&known()),
    },
    Case {
        name: "hit, identity in headers",
        request,
        floor: || floor(false),
        layer: || {
            let layer = known().with_identity_extension(false);
            gate(&layer.with_identity_headers(true))
        },
    },
    Case {
        name: "hit, policy of scopes",
        request,
        floor: || floor(true),
        layer: || {
            let required = Scopes::parse(["read:user"]).expect("a scope of GitHub's documents");
            gate(&known().with_policy(RequireScopes::new(required)))
        },
    },
    Case {
        name: "no token",
        request: anonymous,
        floor: || Box::new(drop),
        layer: || gate(&known()),
    },
    Case {
        name: "remembered refusal",
        request,
        floor: floor_of_refusal,
        layer: || gate(&remembered(refuse)),
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, case] = &arguments[..]
        && flag == "--case"
    {
        serve(case);
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed");
        return u8::from(env::var_os("CI").is_some()).into();
    }
    let counts = Counts::taken();
    if arguments.iter().any(|argument| argument == "--bless") {
        fs::write(blessed_file(), counts.to_string()).expect("a file that can be written");
        return ExitCode::SUCCESS;
    }
    let blessed = fs::read_to_string(blessed_file()).expect("a file that was blessed");
    u8::from(!counts.are_as_good_as(&Counts::parse(&blessed))).into()
}

/// What `instructions.txt` holds.
struct Counts {
    compiler: String,
    /// Instructions of ours for one request of each case.
    cases: Vec<(String, f64)>,
}

impl Counts {
    fn taken() -> Self {
        let version = Command::new("rustc").arg("--version").output();
        let version = version.expect("the compiler of this").stdout;
        let ours = |case: &Case| {
            let (floor, layer) = (count(case, FLOOR), count(case, LAYER));
            println!("{}: floor {floor:.1}, layer {layer:.1}", case.name);
            (case.name.to_owned(), layer - floor)
        };
        Self {
            compiler: String::from_utf8_lossy(&version).trim().to_owned(),
            cases: CASES.iter().map(ours).collect(),
        }
    }

    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let compiler = lines.next().unwrap_or_default().to_owned();
        let cases = lines.map(|line| {
            let (name, count) = line.split_once(": ").expect("a name and a count");
            (name.to_owned(), count.parse().expect("a count"))
        });
        Self {
            cases: cases.collect(),
            compiler,
        }
    }

    /// Tells whether no case costs more than it did.
    fn are_as_good_as(&self, blessed: &Self) -> bool {
        let tolerance = if self.compiler == blessed.compiler {
            TOLERANCE
        } else {
            let (ours, theirs) = (&self.compiler, &blessed.compiler);
            println!("{ours} compared with counts of {theirs}: +-{TOLERANCE_OF_OTHERS} %");
            TOLERANCE_OF_OTHERS
        };
        let mut is_good = self.cases.len() == blessed.cases.len();
        for ((name, count), (blessed_name, before)) in self.cases.iter().zip(&blessed.cases) {
            let change = (count / before - 1.0) * 100.0;
            println!("{name}: {before:.1} -> {count:.1} ({change:+.1} %)");
            is_good &= name == blessed_name && change <= tolerance;
        }
        if !is_good {
            println!(
                "more than before, or other cases: mend it, or commit what --bless writes, and why"
            );
        }
        is_good
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.compiler)?;
        self.cases
            .iter()
            .try_for_each(|(name, count)| writeln!(f, "{name}: {count:.1}"))
    }
}

fn blessed_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.txt")
}

const FLOOR: &str = "floor";
const LAYER: &str = "layer";

/// The instructions of one request, counted in a process of its own.
fn count(case: &Case, what: &str) -> f64 {
    let me = env::current_exe().expect("the path of this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        // Nothing is counted outside of this function.
        .arg("--toggle-collect=*::measured*")
        .arg(me)
        .args(["--case", &format!("{what}/{}", case.name)])
        .output()
        .expect("valgrind");
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| {
        let (_, count) = line.split_once("Collected : ")?;
        count.trim().parse::<u32>().ok()
    });
    let collected = collected.unwrap_or_else(|| panic!("callgrind counted nothing: {said}"));
    f64::from(collected) / f64::from(ROUNDS)
}

/// What runs under callgrind.
fn serve(case: &str) {
    let (what, name) = case.split_once('/').expect("floor/ or layer/ and a case");
    let case = CASES.iter().find(|case| case.name == name);
    let case = case.expect("a case of this bench");
    let mut serve = if what == FLOOR {
        (case.floor)()
    } else {
        (case.layer)()
    };
    // Whatever is done once is done.
    (0..ROUNDS).for_each(|_| serve((case.request)()));
    let requests = (0..ROUNDS).map(|_| (case.request)()).collect();
    measured(&mut *serve, requests);
}

#[inline(never)]
fn measured(serve: &mut dyn FnMut(Request<()>), requests: Vec<Request<()>>) {
    for request in requests {
        serve(request);
    }
}

type Served = Box<dyn FnMut(Request<()>)>;

fn gate<C: CheckService>(layer: &GatekeeperLayer<C>) -> Served {
    let mut gate = layer.layer(service_fn(nothing));
    Box::new(move |request| {
        black_box(gate.call(request).now_or_never());
    })
}

fn known() -> GatekeeperLayer<impl CheckService> {
    remembered(immediate)
}

/// A layer that has asked `check` about the token.
fn remembered<F, R>(check: F) -> GatekeeperLayer<impl CheckService>
where
    F: FnMut(CheckRequest) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Verdict, Infallible>> + Send + 'static,
{
    GatekeeperLayer::new(asked(service_fn(check), [TOKEN]))
}

fn refuse(_: CheckRequest) -> Ready<Result<Verdict, Infallible>> {
    ready(Ok(Verdict::Inactive(InactiveReason::Unknown)))
}

/// What `gate` has for a floor as well.
fn floor(in_extension: bool) -> Served {
    let cache = floor_cache([TOKEN]);
    let mut bare = service_fn(nothing);
    Box::new(move |mut request| {
        let hash = TokenHash::of(black_box(TOKEN));
        let (identity, _) = cache.get(&hash).expect("stored above");
        if in_extension {
            request.extensions_mut().insert(identity);
        }
        black_box(bare.call(request).now_or_never());
    })
}

/// Refusals are found where good tokens are not.
fn floor_of_refusal() -> Served {
    let (active, inactive) = (floor_cache([]), floor_cache([TOKEN]));
    Box::new(move |request| {
        let hash = TokenHash::of(black_box(TOKEN));
        black_box(active.get(&hash));
        black_box(inactive.get(&hash));
        drop(request);
    })
}
