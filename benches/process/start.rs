use std::net::SocketAddr;

use ghes_gatekeeper::emulator::Emulator;

use super::gate::Gate;
use super::servers;

const STARTS: usize = 20;

pub(crate) fn measure() {
    let ghes = servers::ghes(Emulator::default());
    let upstream = servers::upstream();
    let start = |ghes| Gate::start(ghes, upstream.address).started_in;
    let nowhere: SocketAddr = ([127, 0, 0, 1], 1).into();
    for (which, ghes) in [("GHES answers", ghes.address), ("GHES is away", nowhere)] {
        let mut took: Vec<_> = (0..STARTS).map(|_| start(ghes)).collect();
        took.sort();
        let [least, half, most] =
            [0, STARTS / 2, STARTS - 1].map(|at| took[at].as_secs_f64() * 1000.0);
        println!("listens after its start, {which}: {half:.1} ms ({least:.1} to {most:.1})");
    }
    let gate = Gate::start(ghes.address, upstream.address);
    println!("memory, idle: {:.1} MiB", gate.memory() as f64 / 1024.0);
}
