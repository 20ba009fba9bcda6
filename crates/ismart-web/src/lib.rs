//! The HTTP edge: sites, chat, forms, console.
