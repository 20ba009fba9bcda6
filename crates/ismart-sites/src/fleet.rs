//! Many sites in one process: host → snapshot, immutable, replaced whole.

use std::collections::HashMap;
use std::sync::Arc;

use crate::snapshot::Snapshot;

/// Two sites of a fleet claim the same host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the host `{host}` is claimed by the sites `{first}` and `{second}`: remove it from `hosts` in one of \
     their config/site.toml"
)]
pub struct HostConflict {
    /// The host name.
    pub host: String,
    /// The site that has it.
    pub first: String,
    /// The site that wants it too.
    pub second: String,
}

/// All sites that one process serves. Cheap to read from many threads; a change makes another fleet.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    hosts: HashMap<String, Arc<Snapshot>>,
    sites: Vec<Arc<Snapshot>>,
    fallback: Option<Arc<Snapshot>>,
}

impl Fleet {
    /// A fleet of `sites`.
    ///
    /// # Errors
    /// Every host name that two sites claim.
    pub fn new(sites: Vec<Arc<Snapshot>>) -> Result<Self, Vec<HostConflict>> {
        let mut hosts: HashMap<String, Arc<Snapshot>> = HashMap::new();
        let mut conflicts = Vec::new();
        for site in &sites {
            for host in &site.config().hosts {
                match hosts.get(host) {
                    Some(other) if other.config().site != site.config().site => {
                        conflicts.push(HostConflict {
                            host: host.clone(),
                            first: other.config().site.clone(),
                            second: site.config().site.clone(),
                        });
                    }
                    _ => {
                        hosts.insert(host.clone(), site.clone());
                    }
                }
            }
        }
        if conflicts.is_empty() { Ok(Self { hosts, sites, fallback: None }) } else { Err(conflicts) }
    }

    /// The same fleet with `site` in the place of the site that has its key, or added to the others.
    ///
    /// # Errors
    /// Every host name that two sites would claim; the fleet stays as it is.
    pub fn with(&self, site: Arc<Snapshot>) -> Result<Self, Vec<HostConflict>> {
        let key = &site.config().site;
        let mut sites: Vec<_> = self.sites.iter().filter(|s| s.config().site != *key).cloned().collect();
        let fallback = match &self.fallback {
            Some(old) if old.config().site == *key => Some(site.clone()),
            other => other.clone(),
        };
        sites.push(site);
        Ok(Self { fallback, ..Self::new(sites)? })
    }

    /// Answers unknown hosts with the site of key `site`; for a demo or a machine with one site.
    #[must_use]
    pub fn with_fallback(mut self, site: &str) -> Self {
        self.fallback = self.sites.iter().find(|s| s.config().site == site).cloned();
        self
    }

    /// The site of a `Host` header (port and case do not matter).
    #[must_use]
    pub fn get(&self, host: &str) -> Option<&Arc<Snapshot>> {
        self.hosts.get(&host_key(host)).or(self.fallback.as_ref())
    }

    /// All sites.
    #[must_use]
    pub fn sites(&self) -> &[Arc<Snapshot>] {
        &self.sites
    }
}

/// A host name as the table has it: lower case, without port and final dot.
pub(crate) fn host_key(host: &str) -> String {
    let host = host.trim();
    let name = match host.rsplit_once(':') {
        // `[::1]` is an address without port, `[::1]:80` has one.
        Some((name, port)) if !port.contains(']') && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_without_port_and_case() {
        assert_eq!(host_key("WWW.Example.com:8080"), "www.example.com");
        assert_eq!(host_key("example.com."), "example.com");
        assert_eq!(host_key("[::1]:80"), "[::1]");
        assert_eq!(host_key("[::1]"), "[::1]");
    }
}
