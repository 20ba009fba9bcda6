//! Leads: accept, consent, deliver.
