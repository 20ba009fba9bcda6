//! Leads through a real database: acceptance and delivery.

#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod people;
#[cfg(test)]
mod setup;
