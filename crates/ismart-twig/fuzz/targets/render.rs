//! Rendering: a template, a second one that it may include, and JSON, apart by NUL bytes. Whatever they
//! hold, a rendering ends within its limits and gives the same output once more.
#![no_main]

use std::time::{Duration, Instant};

use ismart_twig::{Environment, Limits, MemoryCache, MemoryLoader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let mut parts = input.split('\0');
    let (main, other) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let data: serde_json::Value = parts.next().and_then(|j| serde_json::from_str(j).ok()).unwrap_or_else(|| {
        serde_json::json!({
            "i": 42, "n": -1, "f": 1.5, "s": "<a href='x'>\u{fc}</a>", "z": "0", "e": "", "t": true, "nil": null,
            "list": [3, 1, 2], "map": {"a": 1, "b": {"c": [null, "x"]}}, "date": "2010-10-04 13:45",
        })
    });
    let mut loader = MemoryLoader::new();
    loader.add("main", main);
    loader.add("other", other);
    let mut env = Environment::with_loader(loader);
    env.set_limits(Limits {
        fuel: Some(20_000),
        depth: 32,
        output: 1 << 20,
        items: 50_000,
        time: Some(Duration::from_secs(2)),
        ..Limits::default()
    });
    env.set_clock(|| (1_286_199_907, 0));
    env.set_seed(1);
    env.set_debug(true);
    env.set_strict_variables(input.len() % 2 == 0);
    env.set_cache(MemoryCache::new(1 << 16));
    let Ok(template) = env.get_template("main") else { return };
    let begin = Instant::now();
    match template.render_bytes(&data) {
        Ok(rendered) => {
            assert!(rendered.bytes.len() <= (1 << 20) + 50_000);
            if begin.elapsed() < Duration::from_millis(100)
                && let Ok(again) = template.render_bytes(&data)
            {
                assert_eq!(again.bytes, rendered.bytes, "a rendering is the same once more");
            }
        }
        Err(error) => assert!(error.template().is_some(), "{error:?} has no template"),
    }
    assert!(begin.elapsed() < Duration::from_secs(8), "the limit of time is 2 s");
});
