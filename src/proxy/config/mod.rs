//! The configuration of the proxy.
