//! Tests of the crate at its seams.

#[cfg(test)]
mod checks;
#[cfg(test)]
mod conventions;
#[cfg(test)]
mod cores;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod large;
#[cfg(test)]
mod legacy;
#[cfg(test)]
mod load;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod support;
