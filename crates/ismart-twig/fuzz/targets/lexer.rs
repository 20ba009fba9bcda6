//! The lexer: text is kept, `verbatim` keeps everything, and no source makes it panic.
#![no_main]

use ismart_twig::Environment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    let env = Environment::new();
    let plain = !["{{", "{%", "{#"].iter().any(|open| source.contains(open));
    let compiled = env.template_from_named_string("f", source);
    if plain {
        let text = source.replace("\r\n", "\n").replace('\r', "\n");
        assert_eq!(compiled.unwrap().render(()).unwrap(), text, "text without tags is its own output");
    }
    if !source.contains("endverbatim") {
        let text = source.replace("\r\n", "\n").replace('\r', "\n");
        let wrapped = format!("{{% verbatim %}}|{source}|{{% endverbatim %}}");
        let shown = env.template_from_named_string("v", &wrapped).unwrap().render(()).unwrap();
        assert_eq!(shown, format!("|{text}|"), "verbatim keeps its body");
    }
});
