//! What code says of itself: files, units, public items, references, marks and log lines.

mod docblock;
pub(crate) mod marks;
mod php;
mod rust;

use serde::Serialize;

pub use marks::{Block, LogLine, Marks};

/// A language that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// PHP up to 8.4, by its grammar; 8.5 as far as the grammar knows it.
    Php,
    /// Rust 2024.
    Rust,
}

impl Language {
    /// The language of a file by its ending.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, ending) = path.rsplit_once('.')?;
        match ending {
            "php" => Some(Self::Php),
            "rs" => Some(Self::Rust),
            _ => None,
        }
    }
}

/// A file of code and what was read from it.
#[derive(Debug, Clone, Serialize)]
pub struct CodeFile {
    /// From the root of the code tree, with `/`.
    pub path: String,
    /// Its language.
    pub language: Language,
    /// Number of lines.
    pub lines: usize,
    /// Classes, interfaces, traits, enumerations, functions of PHP; the module of a Rust file.
    pub units: Vec<Unit>,
    /// Everything outside that the code names.
    #[serde(skip)]
    pub references: Vec<Reference>,
    /// Functions of PHP outside classes, with namespace.
    #[serde(skip)]
    pub functions: Vec<String>,
    /// Names given on: `pub use` of Rust.
    #[serde(skip)]
    pub exports: Vec<Export>,
    /// Tests in it, each with the names around it, innermost last.
    #[serde(skip)]
    pub tests: Vec<Test>,
    /// Block marks and log lines.
    #[serde(skip)]
    pub marks: Marks,
    /// Why it could not be read whole. What could be read is there all the same.
    pub fault: Option<Fault>,
}

/// A place where a file is no code of its language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitKind {
    /// Class.
    Class,
    /// Interface.
    Interface,
    /// Trait of PHP.
    Trait,
    /// Enumeration of PHP.
    Enum,
    /// Functions and constants of a PHP file outside classes.
    Functions,
    /// Module of Rust: one file.
    Module,
}

impl UnitKind {
    /// Whether it is a class, interface, trait or enumeration of PHP.
    #[must_use]
    pub fn is_class(self) -> bool {
        !matches!(self, Self::Functions | Self::Module)
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Interface => "interface",
            Self::Trait => "trait",
            Self::Enum => "enum",
            Self::Functions => "functions",
            Self::Module => "module",
        }
    }
}

/// A part of the code that a contract describes.
#[derive(Debug, Clone, Serialize)]
pub struct Unit {
    /// Its own name.
    pub name: String,
    /// With namespace (PHP) or crate and modules (Rust).
    pub full_name: String,
    /// What it is.
    pub kind: UnitKind,
    /// First line, from 1.
    pub line: usize,
    /// Last line.
    pub end_line: usize,
    /// First paragraph of its documentation.
    pub doc: Option<String>,
    /// What others may use, in order of the text.
    pub items: Vec<Item>,
    /// What it keeps: properties of a class, with type and visibility.
    pub state: Vec<Property>,
    /// Methods that others may not use.
    #[serde(skip)]
    pub private: Vec<String>,
    /// What it throws: class as written, method (PHP).
    pub throws: Vec<(String, String)>,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// Function, method.
    Function,
    /// Structure, enumeration, trait, alias of Rust.
    Type,
    /// Constant, static.
    Constant,
    /// Public property.
    Property,
    /// Case of an enumeration of PHP.
    Case,
    /// Name given on from elsewhere.
    Export,
}

/// Something public.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Its own name.
    pub name: String,
    /// The type around it (Rust methods).
    pub owner: Option<String>,
    /// As it is written in the code, in one line, without body.
    pub signature: String,
    /// Parameters and result with full names (PHP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Line, from 1.
    pub line: usize,
    /// Last line.
    pub end_line: usize,
    /// First sentence of its documentation.
    pub doc: Option<String>,
    /// Public to a part of its crate only (Rust): may be named, need not be.
    #[serde(skip)]
    pub restricted: bool,
}

impl Item {
    /// `Owner::name`, or the name alone.
    #[must_use]
    pub fn path(&self) -> String {
        self.owner.as_ref().map_or_else(|| self.name.clone(), |owner| format!("{owner}::{}", self.name))
    }
}

/// A signature with all names in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Parameters in order.
    pub params: Vec<Param>,
    /// Type of the result, if declared.
    pub returns: Option<String>,
    /// `static`.
    pub is_static: bool,
    /// Gives a reference.
    pub by_ref: bool,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Param {
    /// Name without `$`.
    pub name: String,
    /// Type with full names, if declared.
    pub ty: Option<String>,
    /// Default as written.
    pub default: Option<String>,
    /// `...`.
    pub variadic: bool,
    /// `&`.
    pub by_ref: bool,
    /// Becomes a property.
    pub promoted: bool,
}

/// A property of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Property {
    /// Name without `$`.
    pub name: String,
    /// Type as written, or by its PHPDoc.
    pub ty: Option<String>,
    /// `public`, `protected` or `private`.
    pub visibility: &'static str,
    /// `static`.
    pub is_static: bool,
    /// Cannot be written after the constructor.
    pub is_readonly: bool,
    /// Line, from 1.
    pub line: usize,
}

/// How code names something outside itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReferenceKind {
    /// `extends`.
    Extends,
    /// `implements`.
    Implements,
    /// `use` of a trait inside a class.
    Uses,
    /// `new`.
    New,
    /// `X::y()`, `X::$y`, `X::Y`, `X::class`.
    Static,
    /// Type of a parameter, result, property.
    Type,
    /// `catch`.
    Catch,
    /// `instanceof`.
    InstanceOf,
    /// Attribute.
    Attribute,
    /// Type in PHPDoc.
    Doc,
    /// Call of a function of PHP.
    Call,
    /// `require`, `include`.
    File,
    /// Path of Rust.
    Path,
}

/// A name outside the file, and who names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Full name; the path of a file for [`ReferenceKind::File`].
    pub name: String,
    /// How it is named.
    pub kind: ReferenceKind,
    /// Line, from 1.
    pub line: usize,
    /// Full name of the unit around it, if any.
    pub from: Option<String>,
}

/// A name given on under another path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The name in this module; `*` for all.
    pub name: String,
    /// What it stands for: crate, modules, name.
    pub target: Vec<String>,
}

/// A test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Test {
    /// Names around it: class, modules.
    pub around: Vec<String>,
    /// Its own name.
    pub name: String,
    /// Line, from 1.
    pub line: usize,
    /// Last line.
    pub end_line: usize,
}

/// Reads a file. Never fails: what is no code is told in [`CodeFile::fault`], and the rest is read.
#[must_use]
pub fn read(path: &str, text: &str, language: Language, crate_of: Option<(&str, &str)>) -> CodeFile {
    let mut file = CodeFile {
        path: path.to_owned(),
        language,
        lines: text.lines().count(),
        units: Vec::new(),
        references: Vec::new(),
        functions: Vec::new(),
        exports: Vec::new(),
        tests: Vec::new(),
        marks: Marks::default(),
        fault: None,
    };
    match language {
        Language::Php => php::read(text, &mut file),
        Language::Rust => rust::read(text, crate_of, &mut file),
    }
    file
}

/// The text in one line: runs of white space become one space.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
