//! GitHub Enterprise Server in process, for development and tests.
