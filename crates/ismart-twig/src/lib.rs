//! Twig 3 template engine: lexer, parser, compiled form, runtime.
