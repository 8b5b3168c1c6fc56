//! How much more than reading the text does compiling cost, and does it grow
//! with the text only?
//!
//! Every figure is the median of rounds in which all rows take turns, in seconds
//! of the processor, so that other work on the machine counts little. The bare
//! tree is what any reader must build; what is made is dropped within the time,
//! as in a program. Memory is the most that a process held which did only this,
//! its text included, as Linux counts it.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, measures time, and starts itself to measure memory"
)]

mod documents;
#[path = "../memory/peak.rs"]
mod peak;

use std::collections::BTreeMap;
use std::hint::black_box;

use cpu_time::ProcessTime;
use ctr_compiler::diagnostic::Problems;
use ctr_compiler::diff::diff;
use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use ctr_compiler::{Limits, compile, render, tree};
use documents::{SHAPES, Syntax, pools};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The row whose memory this process is started to tell.
const ONLY: &str = "CTR_BENCH_ONLY";

const MANY: usize = 50_000;
const FEW: usize = MANY / 10;

/// Rounds of the long rows; an odd number, so that one of them is the median.
const ROUNDS: usize = 5;

struct Row {
    name: &'static str,
    endpoints: usize,
    files: usize,
    syntax: Syntax,
}

const ROWS: &[Row] = &[
    row("one file", 100, 1, Syntax::Yaml),
    row("one file", 1_000, 1, Syntax::Yaml),
    row("one file", FEW, 1, Syntax::Yaml),
    row("one file", MANY, 1, Syntax::Yaml),
    row("500 files", MANY, 500, Syntax::Yaml),
    row("one file, KDL", FEW, 1, Syntax::Kdl),
    row("one file, KDL", MANY, 1, Syntax::Kdl),
    row("500 files, KDL", MANY, 500, Syntax::Kdl),
];

const fn row(name: &'static str, endpoints: usize, files: usize, syntax: Syntax) -> Row {
    Row {
        name,
        endpoints,
        files,
        syntax,
    }
}

fn main() {
    if let Ok(only) = std::env::var(ONLY) {
        only_once(&only);
        return;
    }
    compiling();
    differing();
    shapes();
}

fn compiling() {
    let sources: Vec<Sources> = ROWS.iter().map(Row::sources).collect();
    let mut times: Vec<(Vec<f64>, Vec<f64>)> = ROWS.iter().map(|_| Default::default()).collect();
    for _ in 0..ROUNDS {
        for ((row, sources), (bare, whole)) in ROWS.iter().zip(&sources).zip(&mut times) {
            // Short rows are repeated, and count once.
            let turns = (MANY / row.endpoints / 10).max(1);
            bare.push(seconds(turns, || {
                tree::read(sources, &Limits::default(), &mut Problems::default())
            }));
            whole.push(seconds(turns, || compile(sources)));
        }
    }
    println!(
        "{:>9}  {:<15} {:>6}  {:>8} {:>10} {:>6}  {:>8} {:>10}",
        "endpoints", "written as", "MB", "tree s", "compile s", "ratio", "tree MB", "compile MB"
    );
    let mut measured = Vec::new();
    for (at, ((row, sources), (bare, whole))) in ROWS.iter().zip(&sources).zip(times).enumerate() {
        let bytes: usize = sources.iter().map(|(_, source)| source.text().len()).sum();
        let (bare, whole) = (median(bare), median(whole));
        let (tree, compiled) = (peak(&format!("tree {at}")), peak(&format!("compile {at}")));
        println!(
            "{:>9}  {:<15} {:>6.2}  {bare:>8.4} {whole:>10.4} {:>6.2}  {tree:>8.0} {compiled:>10.0}",
            row.endpoints,
            row.name,
            bytes as f64 / 1e6,
            whole / bare
        );
        measured.push((row, bare, whole, compiled));
    }
    for (row, bare, whole, memory) in &measured {
        if row.endpoints != MANY {
            continue;
        }
        let same = |(few, ..): &&(&Row, f64, f64, f64)| {
            few.endpoints == FEW && row.name.contains("KDL") == few.name.contains("KDL")
        };
        let Some((_, _, few, little)) = measured.iter().find(same) else {
            continue;
        };
        println!(
            "50,000 endpoints, {}: {:.2} × the bare tree (aim ≤ 2.5); {:.1} × the time (aim ≤ 11) and {:.1} × the memory of 5,000",
            row.name,
            whole / bare,
            whole / few,
            memory / little
        );
    }
}

/// Two plans that differ nowhere, in one endpoint of a hundred, and everywhere.
fn differing() {
    let sources = pools(MANY, 1, Syntax::Yaml, 200_000);
    let one = plan(&sources);
    let other = plan(&pools(MANY, 1, Syntax::Yaml, 100_000));
    let mut near = one.clone();
    let mut pools: BTreeMap<_, _> = near
        .pools
        .iter()
        .map(|(id, it)| (id.clone(), it.clone()))
        .collect();
    for pool in pools.values_mut().step_by(100) {
        pool.endpoints[0].enabled = false;
    }
    near.pools = pools.into();
    let pairs = [
        ("nothing", &one),
        ("one pool of a hundred", &near),
        ("every endpoint", &other),
    ];
    let mut compiles = Vec::new();
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        compiles.push(seconds(1, || compile(&sources)));
        for ((_, after), times) in pairs.iter().zip(&mut times) {
            times.push(seconds(1, || diff(&one, after)));
        }
    }
    let compiled = median(compiles);
    for ((name, after), times) in pairs.iter().zip(times) {
        let taken = median(times);
        let changes = diff(&one, after);
        let text = seconds(1, || render::diff::text(&changes));
        println!(
            "diff of 50,000 endpoints where {name} differs: {taken:.4} s, {:.2} × one compile (aim ≤ 1); {text:.4} s more for its text",
            taken / compiled
        );
    }
}

/// The same number of mistakes and names in forms that invite a search in a search.
fn shapes() {
    println!(
        "\n{:<32} {:>9} {:>9} {:>6}  problems",
        "shape", "5,000 s", "50,000 s", "ratio"
    );
    for (name, shape) in SHAPES {
        let (few, many) = (shape(FEW), shape(MANY));
        let work = |sources: &Sources| {
            let compiled = compile(sources);
            let told = render::problems::json(compiled.problems.iter(), sources);
            (told, render::preview::text(&compiled, sources))
        };
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            short.push(seconds(1, || work(&few)));
            long.push(seconds(1, || work(&many)));
        }
        let (short, long) = (median(short), median(long));
        let problems = compile(&many).problems.len();
        println!(
            "{name:<32} {short:>9.4} {long:>9.4} {:>6.1}  {problems}",
            long / short
        );
    }
}

impl Row {
    fn sources(&self) -> Sources {
        pools(self.endpoints, self.files, self.syntax, 200_000)
    }
}

fn plan(sources: &Sources) -> Plan {
    compile(sources).plan.expect("the bench document compiles")
}

/// Processor seconds of one turn, with the dropping of what it makes.
fn seconds<T>(turns: usize, work: impl Fn() -> T) -> f64 {
    let start = ProcessTime::now();
    for _ in 0..turns {
        drop(black_box(work()));
    }
    start.elapsed().as_secs_f64() / turns as f64
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Megabytes that a process of its own holds at most; not a number where that is not told.
fn peak(only: &str) -> f64 {
    let told = std::env::current_exe().and_then(|bench| {
        let mut command = std::process::Command::new(bench);
        command.env(ONLY, only).output()
    });
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    told.ok()
        .and_then(|told| told.trim().parse().ok())
        .unwrap_or(f64::NAN)
}

/// Does one thing, and prints the most megabytes this process ever held.
fn only_once(only: &str) {
    let (what, at) = only
        .split_once(' ')
        .expect("a row is named by work and number");
    let sources = ROWS[at.parse::<usize>().expect("a number")].sources();
    match what {
        "tree" => drop(black_box(tree::read(
            &sources,
            &Limits::default(),
            &mut Problems::default(),
        ))),
        _ => drop(black_box(compile(&sources))),
    }
    println!("{}", peak::peak_kb().unwrap_or(f64::NAN) / 1e3);
}
