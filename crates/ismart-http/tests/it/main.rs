//! Seams of the client, against real sockets on 127.0.0.1.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod exchanges;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod server;
#[cfg(test)]
mod traces;
