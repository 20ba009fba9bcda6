//! Servers and visitors of the crate, tried on small servers that keep or break the protocol.

#[cfg(test)]
mod chat;
#[cfg(test)]
mod server;
