//! What a worker may know: pages, inventory feeds, retrieval.
