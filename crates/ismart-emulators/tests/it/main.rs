//! Behaviour of the emulators over real HTTP.

#[cfg(test)]
mod amocrm;
#[cfg(test)]
mod batch;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod classic;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod item;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod page;
#[cfg(test)]
mod portal;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod wire;
