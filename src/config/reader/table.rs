//! A table of the configuration, declared once: what its keys are called, what they take, what they
//! are for. Reader, printer, example and schema follow.

use toml::Value;

use super::kind::Shape;
use super::section::Section;

/// The keys of one table, and where the value of each is kept in `Of`.
pub(in crate::config) trait Table {
    /// What the keys set. Its default is what an empty table means.
    type Of: Default;

    /// In the order in which people read them.
    const KEYS: &'static [Key];

    /// Writes what is given over `values`. What cannot be read is noted, and leaves its default.
    fn read_over(values: &mut Self::Of, section: &mut Section<'_>);

    /// Returns the keys that are in force, each with its value as it is written.
    fn printed(values: &Self::Of) -> Vec<(&'static str, Value)>;

    fn read(section: &mut Section<'_>) -> Option<Self::Of> {
        let mut values = Self::Of::default();
        Self::read_over(&mut values, section);
        Some(values)
    }
}

/// One key, for those who write about it.
pub(in crate::config) struct Key {
    pub(in crate::config) name: &'static str,
    /// A few words, in lines of the example's width.
    pub(in crate::config) doc: &'static [&'static str],
    pub(in crate::config) shape: Shape,
    pub(in crate::config) shown: Shown,
}

/// What the example shows of a key.
pub(in crate::config) enum Shown {
    /// The value that means the same as none.
    Default(fn() -> Option<Value>),
    /// A value where there is no such.
    Text(&'static str),
    /// The same, behind a `#`: it does not go together with the others.
    Aside(&'static str),
    /// Nothing but what is said about its twin.
    Not,
}

/// Declares a table: a type that implements [`Table`].
///
/// A row is `key: Kind;`, below the words about it. The value is kept in the field of the key's name,
/// or in the one behind `=>`. Behind `shown` stands what the example shows in place of the default.
macro_rules! table {
    (
        $(#[$about:meta])*
        $vis:vis struct $table:ident for $of:ty {
            $(
                $(#[doc = $doc:literal])*
                $key:ident $(=> $($field:ident).+)? : $kind:ty $(, $how:ident $shown:tt)?;
            )+
        }
    ) => {
        $(#[$about])*
        $vis struct $table;

        impl $crate::config::reader::table::Table for $table {
            type Of = $of;

            const KEYS: &'static [$crate::config::reader::table::Key] = &[$(
                $crate::config::reader::table::Key {
                    name: stringify!($key),
                    doc: &[$($doc),*],
                    shape: <$kind as $crate::config::reader::kind::Kind>::SHAPE,
                    shown: $crate::config::reader::table::shown!(
                        $($how $shown)? else || <$kind as $crate::config::reader::kind::Kind>::print(
                            &table!(@field (<$of>::default()) $key $($($field).+)?)
                        )
                    ),
                }
            ),+];

            fn read_over(values: &mut $of, section: &mut $crate::config::reader::section::Section<'_>) {
                $(
                    let read = <$kind as $crate::config::reader::kind::Kind>::read;
                    if let Some(value) = read(section, stringify!($key)) {
                        table!(@field values $key $($($field).+)?) = value;
                    }
                )+
            }

            fn printed(values: &$of) -> Vec<(&'static str, ::toml::Value)> {
                let printed = [$((
                    stringify!($key),
                    <$kind as $crate::config::reader::kind::Kind>::print(
                        &table!(@field values $key $($($field).+)?)
                    ),
                )),+];
                printed.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
            }
        }
    };
    (@field $values:tt $key:ident) => { $values.$key };
    (@field $values:tt $key:ident $($field:ident).+) => { $values.$($field).+ };
}

/// Lists keys that are read otherwise: `key: shape;`, and what the example shows of them.
macro_rules! keys {
    ($(
        $(#[doc = $doc:literal])*
        $key:ident : $shape:expr $(, $how:ident $shown:tt)?;
    )+) => {
        &[$($crate::config::reader::table::Key {
            name: stringify!($key),
            doc: &[$($doc),*],
            shape: $shape,
            shown: $crate::config::reader::table::shown!($($how $shown)? else),
        }),+]
    };
}

macro_rules! shown {
    (default $shown:tt else) => {
        $crate::config::reader::table::Shown::Default(|| stringify!($shown).parse().ok())
    };
    (shown $shown:tt else $($default:expr)?) => {
        $crate::config::reader::table::Shown::Text(stringify!($shown))
    };
    (aside $shown:tt else) => {
        $crate::config::reader::table::Shown::Aside(stringify!($shown))
    };
    (else $default:expr) => {
        $crate::config::reader::table::Shown::Default($default)
    };
    (else) => {
        $crate::config::reader::table::Shown::Not
    };
}

pub(in crate::config) use {keys, shown, table};
