//! The engine and the shipped package, from the outside.

#[cfg(test)]
mod accuracy;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod gates;
#[cfg(test)]
mod package;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod support;
#[cfg(test)]
mod turns;
