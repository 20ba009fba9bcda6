//! The parser and compiler: every source gives a template or an error with its place.
#![no_main]

use ismart_twig::{Environment, ErrorKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    let env = Environment::new();
    let errors = env.check_source("f", source);
    match env.template_from_named_string("f", source) {
        Ok(template) => {
            assert!(errors.is_empty(), "{errors:?} for a template that compiles");
            // A reference is looked up, never followed, when it is listed.
            let _ = (template.references(), template.block_names(), template.warnings());
        }
        Err(error) => {
            assert!(
                matches!(error.kind(), ErrorKind::Syntax | ErrorKind::Loader | ErrorKind::Runtime),
                "{error:?}"
            );
            assert!(error.template().is_some(), "{error:?} has no template");
            let lines = source.replace("\r\n", "\n").split(['\n', '\r']).count();
            let line = error.line().map_or(1, |l| usize::try_from(l).unwrap());
            assert!(line <= lines, "line {line} of {lines}: {error:?}");
            assert!(errors.len() <= 50);
        }
    }
});
