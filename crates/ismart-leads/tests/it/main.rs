//! Leads through a real database: acceptance and delivery.

#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod balance;
#[cfg(test)]
mod delivery;
#[cfg(test)]
#[path = "../../../ismart-store/tests/it/engines.rs"]
mod engines;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod people;
#[cfg(test)]
mod setup;
