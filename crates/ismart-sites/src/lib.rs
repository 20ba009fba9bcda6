//! Client sites: load, check, route, render.
