//! The whole application: the real binary, real HTTP, a real database file, a simulated CRM.

#[cfg(test)]
mod amocrm;
#[cfg(test)]
mod api;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod destinations;
#[cfg(test)]
mod drill;
#[cfg(test)]
mod editing;
#[cfg(test)]
mod feeds;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod footfall;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod lighthouse;
#[cfg(test)]
mod media;
#[cfg(test)]
mod packs;
#[cfg(test)]
mod payment;
#[cfg(test)]
mod pilot;
#[cfg(test)]
mod server;
#[cfg(test)]
mod twig;
