#!/bin/bash
# Builds ghes-gatekeeper for how it is used: once to see which of its code runs, and once more with
# what was seen. Takes two release builds and a minute of load; says where the program is.
#
#   rustup component add llvm-tools
#   benches/peers/profiled-build.sh
#   benches/peers/compare.py --binary target/profiled/release/ghes-gatekeeper
set -euo pipefail
cd "$(dirname "$0")/../.."

for tool in "$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-profdata; do
    [ -x "$tool" ] || { echo "llvm-profdata is missing: rustup component add llvm-tools" >&2; exit 1; }
    profdata=$tool
done

seen=$PWD/target/profiled/seen
rm -rf "$seen"
mkdir -p "$seen"

# Apart from each other, so that neither build is begun anew for the other's flags.
RUSTFLAGS="-Cprofile-generate=$seen" CARGO_TARGET_DIR=target/profiled/watched cargo build --release
benches/peers/compare.py --binary target/profiled/watched/release/ghes-gatekeeper --rounds 1 \
    --scenario h1 --scenario h1-thousand --scenario h1-tls --scenario h2-tls --scenario h2c \
    --scenario body --only ours --only ours-log --only ours-open > /dev/null
"$profdata" merge -o "$seen/all.profdata" "$seen"/*.profraw
RUSTFLAGS="-Cprofile-use=$seen/all.profdata" CARGO_TARGET_DIR=target/profiled cargo build --release
echo target/profiled/release/ghes-gatekeeper
