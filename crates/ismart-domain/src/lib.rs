//! The words of the business: ids, types, state machines, events, ports.
