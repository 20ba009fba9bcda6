//! The store's promises, proved on every engine that is at hand.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod destination_tokens;
#[cfg(test)]
mod editing;
#[cfg(test)]
mod engines;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod queue;
