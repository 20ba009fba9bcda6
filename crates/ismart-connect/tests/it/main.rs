//! Connectors at their seams.

#[cfg(test)]
mod alfa;
#[cfg(test)]
mod amocrm;
#[cfg(test)]
mod bitrix24;
#[cfg(test)]
mod captcha;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod leads;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod paper;
#[cfg(test)]
mod scripted;
