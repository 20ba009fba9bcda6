//! Connectors at their seams.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod alfa;
#[cfg(test)]
mod amocrm;
#[cfg(test)]
mod bitrix24;
#[cfg(test)]
mod calltouch;
#[cfg(test)]
mod captcha;
#[cfg(test)]
mod channel;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod email;
#[cfg(test)]
mod leads;
#[cfg(test)]
mod max;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod paper;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod sheets;
#[cfg(test)]
mod telegram;
#[cfg(test)]
mod vk;
#[cfg(test)]
mod webhook;
