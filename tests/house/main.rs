//! What holds of the tree itself: its documents, its examples, and what its types may show.

mod arrows;
mod catalogue;
mod circles;
#[cfg(feature = "proxy")]
mod documents;
#[cfg(all(feature = "axum", feature = "cli"))]
mod examples;
mod fronts;
mod imports;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod peers;
#[cfg(all(feature = "emulator", feature = "proxy"))]
mod secrets;

#[test]
fn arrows_point_one_way() {
    arrows::assert_one_way();
}
