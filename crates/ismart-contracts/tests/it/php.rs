//! Reading PHP.

use std::fmt::Write as _;

use ismart_contracts::code::{self, CodeFile, ItemKind, Language, ReferenceKind, UnitKind};
use ismart_contracts::{Config, Tree, check};

use crate::shop;

fn read(text: &str) -> CodeFile {
    code::read("src/A.php", text, Language::Php, None)
}

#[test]
fn signatures_are_shown_as_written() {
    let tree = Tree::read(&shop::fixture()).unwrap();
    let file = tree.file("src/Catalogue/Product.php").unwrap();
    let shown: Vec<&str> = file.units[0].items.iter().map(|item| item.signature.as_str()).collect();
    assert_eq!(
        shown,
        [
            "const STATES",
            "const DEFAULT_STATE",
            "static int $made",
            "readonly string $name",
            "__construct(string $name, ?Money $price = null, int|float $weight = 0.5, State $state = State::Draft, string ...$tags)",
            "address(): Address",
            "static free(string $name): static",
            "&prices(array $options = ['currency' => 'RUB', 'precision' => 2], ?callable $filter = null): ?array",
            "compare(self $other, bool $strict = true, ?string &$why = null): int",
            "__toString(): string",
            "jsonSerialize(): mixed",
        ]
    );
    assert_eq!(file.units[0].doc.as_deref(), Some("Something that can be bought."));
    assert_eq!(file.units[0].throws, [("LogicException".to_owned(), "secret".to_owned())]);
    let state: Vec<&str> = file.units[0].state.iter().map(|property| property.name.as_str()).collect();
    assert_eq!(state, ["made", "prices", "name", "price", "weight"]);
}

#[test]
fn every_kind_of_unit_is_read() {
    let file = read(
        "<?php\ninterface A { function a(); }\ntrait B { }\nenum C { case D; }\nabstract class E { }\nfunction f(): void {}\nconst G = 1;\nif (!class_exists('H')) { class H { } }\n",
    );
    let kinds: Vec<(&str, UnitKind)> =
        file.units.iter().map(|unit| (unit.name.as_str(), unit.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("A", UnitKind::Interface),
            ("B", UnitKind::Trait),
            ("C", UnitKind::Enum),
            ("E", UnitKind::Class),
            ("A", UnitKind::Functions),
            ("H", UnitKind::Class),
        ]
    );
    let functions = &file.units[4];
    let items: Vec<(&str, ItemKind)> =
        functions.items.iter().map(|item| (item.signature.as_str(), item.kind)).collect();
    assert_eq!(items, [("function f(): void", ItemKind::Function), ("const G", ItemKind::Constant)]);
}

#[test]
fn every_way_of_depending_is_seen() {
    let file = read(
        "<?php namespace N; use X\\{Base, Face as F}; require __DIR__ . '/../b.php';\n#[Mark(1)]\nclass A extends Base implements F { use T;\n/** @var list<Doc> */ private $d;\nfunction a(Param $p): Result { new Made(); Called::b(); Read::$c; Named::class; $p instanceof Kind; try {} catch (One|Two $e) {} fn(Inner $i): Deep => 1; other(); static::x(); parent::y(); self::z(); new class extends Anon {}; } }",
    );
    let mut seen: Vec<(ReferenceKind, &str)> =
        file.references.iter().map(|reference| (reference.kind, reference.name.as_str())).collect();
    seen.sort_unstable();
    use ReferenceKind::{
        Attribute, Call, Catch, Doc, Extends, File, Implements, InstanceOf, New, Static, Type, Uses,
    };
    let mut wanted = vec![
        (Extends, "X\\Base"),
        (Extends, "N\\Anon"),
        (Implements, "X\\Face"),
        (Uses, "N\\T"),
        (New, "N\\Made"),
        (Static, "N\\Called"),
        (Static, "N\\Read"),
        (Static, "N\\Named"),
        (Type, "N\\Param"),
        (Type, "N\\Result"),
        (Type, "N\\Inner"),
        (Type, "N\\Deep"),
        (Catch, "N\\One"),
        (Catch, "N\\Two"),
        (InstanceOf, "N\\Kind"),
        (Attribute, "N\\Mark"),
        (Doc, "N\\Doc"),
        (Call, "N\\other"),
        (File, "/src/../b.php"),
    ];
    wanted.sort_unstable();
    assert_eq!(seen, wanted);
    assert!(
        file.references
            .iter()
            .filter(|r| r.kind != File)
            .all(|r| r.from.as_deref() == Some("N\\A") || r.kind == Attribute)
    );
}

#[test]
fn paths_of_required_files_are_worked_out() {
    let tree = Tree::of(
        Config::default(),
        [
            (
                "bin/a.php",
                "<?php require dirname(__DIR__) . '/lib/b.php'; require_once(__DIR__ . \"/c.php\"); include 'd.php'; require $e;",
            ),
            ("lib/b.php", "<?php function b() {}"),
            ("bin/c.php", "<?php"),
            ("d.php", "<?php"),
        ],
    );
    let from = tree.position("bin/a.php").unwrap();
    let to: Vec<&str> = tree.links.from(from).map(|edge| tree.files[edge.to].path.as_str()).collect();
    assert_eq!(to, ["bin/c.php", "d.php", "lib/b.php"]);
}

#[test]
fn malformed_files_are_reported_with_their_line_and_skipped() {
    let tree = Tree::of(
        Config::default(),
        [
            ("src/Good.php", "<?php class Good { function a(Bad $b) {} }"),
            ("src/Bad.php", "<?php\nclass Bad {\n    public function a( {\n}\n"),
            (
                "src/Bad.contract.md",
                "# Bad\n## PURPOSE\nx\n## API\n- `gone()`\n## STATE\nx\n## LINKS\nnone\n",
            ),
            ("src/None.php", "no PHP at all, only a page"),
            ("src/Empty.php", ""),
        ],
    );
    let malformed: Vec<(String, usize)> = check(&tree)
        .into_iter()
        .filter(|finding| finding.rule == "code.malformed")
        .map(|finding| (finding.path, finding.line))
        .collect();
    assert_eq!(malformed.len(), 1, "{malformed:?}");
    assert_eq!(malformed[0].0, "src/Bad.php");
    assert!((2..=4).contains(&malformed[0].1), "{malformed:?}");
    // Nothing is said about the API of a file that cannot be read.
    assert!(!check(&tree).iter().any(|finding| finding.rule.starts_with("api.")));
    let drafts = ismart_contracts::init::draft(&tree, &["src".to_owned()], &|_| None, None);
    assert_eq!(drafts.skipped.len(), 1);
    assert_eq!(
        drafts.drafts.iter().map(|draft| draft.path.as_str()).collect::<Vec<_>>(),
        ["src/Good.contract.md"]
    );
}

#[test]
fn newer_php_is_read_whole() {
    for text in [
        "$a = (array) require $x; class A { function b(int $c): void {} }",
        "(void) f(); class A { function b(int $c): void {} }",
        "$a = $b |> strlen(...); class A { function b(int $c): void {} }",
        "$x = clone($o, ['a' => 1]); class A { function b(int $c): void {} }",
        "class A { public function __construct(final public int $z = 1) {} function b(int $c): void {} }",
        "class A { public private(set) string $x = ''; function b(int $c): void {} }",
        "class A { public string $n { get => 1; set(string $v) { $this->n = $v; } } function b(int $c): void {} }",
        "#[F] const X = 1; class A { const string Y = 'a'; function b(int $c): void {} }",
        "class A { function b(int $c): void {} } __halt_compiler(); {{{ garbage",
        "new A()->b(1); class A { function b(int $c): void {} }",
        "class A { function list() {} function match() {} function b(int $c): void {} }",
    ] {
        let file = read(&format!("<?php {text}"));
        assert_eq!(file.fault, None, "{text}");
        let class = file.units.iter().find(|unit| unit.name == "A").unwrap();
        assert!(class.items.iter().any(|item| item.signature == "b(int $c): void"), "{text}");
    }
}

#[test]
fn hostile_texts_are_read_without_harm() {
    let mut deep = String::from("<?php $a = ");
    deep.push_str(&"(".repeat(20_000));
    let mut nested = String::from("<?php ");
    nested.push_str(&"if (1) { ".repeat(5_000));
    let mut wide = String::from("<?php class A { ");
    for at in 0..2_000 {
        write!(wide, "public function m{at}(int $a = {at}): void {{}} ").unwrap();
    }
    wide.push('}');
    for text in [
        deep.as_str(),
        &nested,
        "<?php class",
        "<?php \"{$a",
        "<?php /** @param",
        "<?php <<<X\n",
        "\u{feff}<?php class Ж { }",
        "<?php class A { const = ; }",
    ] {
        let _file = read(text);
    }
    assert_eq!(read(&wide).units[0].items.len(), 2_000);
}

#[test]
fn texts_in_other_encodings_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut text =
        b"<?php\n// \xcf\xf0\xe8\xe2\xe5\xf2\nclass Old { public function a(): int { return 1; } }\n"
            .to_vec();
    text.extend_from_slice(b"\xff");
    std::fs::write(folder.path().join("Old.php"), text).unwrap();
    let tree = Tree::read(folder.path()).unwrap();
    assert_eq!(tree.files[0].units[0].items[0].signature, "a(): int");
}

#[test]
fn tests_of_phpunit_and_pest_are_known_by_name() {
    let tree = Tree::of(
        Config::default(),
        [
            (
                "tests/CartTest.php",
                "<?php class CartTest { public function testAdds() {} #[Test] public function refuses() {} /** @test */ public function old() {} public function aid() {} }",
            ),
            ("tests/pest.php", "<?php it('opens the door', function () {}); test('shuts', fn () => 1);"),
        ],
    );
    let tests = check::Tests::of(&tree);
    for name in ["CartTest::testAdds", "testAdds", "refuses", "old", "opens the door", "shuts"] {
        assert!(tests.find(name).is_some(), "{name}");
    }
    assert!(tests.find("aid").is_none() && tests.find("OtherTest::testAdds").is_none());
}

#[test]
fn no_cut_of_a_file_makes_the_reader_fail() {
    let tree = Tree::read(&shop::fixture()).unwrap();
    for file in &tree.files {
        let text = std::fs::read_to_string(tree.root.join(&file.path)).unwrap();
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(37).collect();
        for at in places {
            let (head, tail) = text.split_at(at);
            // A piece from the middle, and a file without it.
            for mutant in
                [head.to_owned(), format!("<?php {tail}"), format!("{head}{}", tail.get(9..).unwrap_or(""))]
            {
                let tree = Tree::of(
                    Config::default(),
                    [("src/A.php", mutant.as_str()), ("src/A.contract.md", mutant.as_str())],
                );
                let found = check(&tree);
                assert!(found.iter().all(|finding| finding.line > 0));
            }
        }
    }
}
