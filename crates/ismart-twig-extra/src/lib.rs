//! The filters and functions of PHP Twig's extra packages, registered into an [`Environment`].
//!
//! ```
//! use ismart_twig::Environment;
//! let mut env = Environment::new();
//! ismart_twig_extra::register(&mut env, "ru");
//! # #[cfg(all(feature = "intl", feature = "string"))]
//! assert_eq!(env.render_str("{{ 'Весна'|slug(locale: 'ru') }} {{ 1234.5|format_number }}", ()).unwrap(), "Vesna 1\u{a0}234,5");
//! ```
//!
//! Every package is a feature of its own: `html`, `intl`, `markdown` and `string`. The tag `cache` is part of
//! the engine; CSS is not inlined, because a style sheet's engine would be several times the size of all this.

#[cfg(feature = "html")]
pub mod html;
#[cfg(feature = "intl")]
pub mod intl;
#[cfg(feature = "markdown")]
pub mod markdown;
#[cfg(feature = "string")]
pub mod string;

use ismart_twig::Environment;

/// Adds all packages that were compiled in, with the locale that formats are in unless a call names another.
pub fn register(env: &mut Environment, locale: &str) {
    #[cfg(feature = "html")]
    html::register(env);
    #[cfg(feature = "intl")]
    intl::register(env, locale);
    #[cfg(feature = "markdown")]
    markdown::register(env);
    #[cfg(feature = "string")]
    string::register(env);
    #[cfg(not(feature = "intl"))]
    let _ = locale;
}
