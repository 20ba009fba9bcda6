//! Variables while a unit runs.

use std::ops::Range;
use std::sync::Arc;

use ecow::EcoString;
use smallvec::SmallVec;

use crate::callable::Lookup;
use crate::num;
use crate::program::{AttrKey, BlockCode, Ex, ItemKey, Name, Unit};
use crate::syntax::ast::CallType;
use crate::template::Loaded;
use crate::value::{Array, Key, V, Value};

/// The content of a variable.
#[derive(Debug)]
pub(crate) enum Slot<'a> {
    Undefined,
    Ref(&'a Value),
    Own(Value),
    /// The `loop` of the frame's loop at a place.
    Loop(usize),
    /// What the scope has under the name, if anything.
    Outer,
}

impl<'a> Slot<'a> {
    /// The same content once more.
    pub(crate) fn copy(&self) -> Self {
        match self {
            Self::Undefined => Self::Undefined,
            Self::Ref(v) => Self::Ref(v),
            Self::Own(v) => Self::Own(v.clone()),
            Self::Loop(at) => Self::Loop(*at),
            Self::Outer => Self::Outer,
        }
    }

    pub(crate) fn from_v(v: V<'a>) -> Self {
        match v {
            V::Ref(v) => Self::Ref(v),
            V::Own(v) => Self::Own(v),
        }
    }
}

/// What a look at a variable or at keys of one found, without evaluating anything.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look<'f, 'a> {
    /// It lies outside of the frame, and is not given up when a variable is set.
    Found(&'a Value),
    /// It lies in a variable of the frame.
    Own(&'f Value),
    /// There is no such variable or key.
    Missing,
    /// The evaluator has to find out.
    Unknown,
}

/// A running loop.
#[derive(Debug)]
pub(crate) struct LoopState {
    pub(crate) index0: i64,
    /// Unknown for iterators that cannot be counted.
    pub(crate) length: Option<i64>,
    /// The context before the loop, if a template that was compiled so far may read it.
    pub(crate) parent: Option<Value>,
}

/// Where variables that a unit does not set come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope<'a> {
    /// Nothing but the given variables and the globals.
    Root { layers: &'a [&'a Array] },
    /// A running unit.
    Frame(&'a Frame<'a>),
    /// Variables laid over a scope.
    Over(&'a Array, &'a Scope<'a>),
    /// As `Over`, for the mapping that a template writes out.
    Given(&'a [(ItemKey, Ex)], &'a [V<'a>], &'a Scope<'a>),
}

impl<'a> Scope<'a> {
    pub(crate) fn get(&self, name: &Name) -> Option<V<'a>> {
        match *self {
            Self::Root { layers } => layers.iter().find_map(|l| get(l, name)).map(V::Ref),
            Self::Frame(frame) => frame.lookup(name),
            Self::Over(vars, below) => match get(vars, name) {
                Some(value) => Some(V::Ref(value)),
                None => below.get(name),
            },
            Self::Given(items, values, below) => {
                let found = items.iter().zip(values).rev().find(|((key, _), _)| key.is(name));
                match found {
                    Some((_, value)) => Some(V::Ref(value)),
                    None => below.get(name),
                }
            }
        }
    }

    /// All variables, in PHP Twig's order.
    pub(crate) fn to_array(self) -> Array {
        match self {
            Self::Root { layers } => {
                let mut all = Array::new();
                for layer in layers {
                    for (key, value) in layer.iter() {
                        let key = key.to_key();
                        if !all.contains(&key) {
                            all.insert(key, value.clone());
                        }
                    }
                }
                all
            }
            Self::Frame(frame) => frame.to_array(),
            Self::Given(items, values, below) => {
                let mut all = below.to_array();
                for ((key, _), value) in items.iter().zip(values) {
                    if let ItemKey::Const(key, hash) = key {
                        all.insert_hashed(*hash, key, (**value).clone());
                    }
                }
                all
            }
            Self::Over(vars, below) => {
                let mut all = below.to_array();
                for (key, value) in vars {
                    all.insert(key.to_key(), value.clone());
                }
                all
            }
        }
    }
}

fn get<'a>(array: &'a Array, name: &Name) -> Option<&'a Value> {
    array.get_hashed(name.hash, &name.text)
}

/// The blocks of a rendering: the most derived definition of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks<'a> {
    pub(crate) entries: Vec<BlockEntry<'a>>,
}

/// A block and the template that defines it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockEntry<'a> {
    /// The name it is called by, which an alias may have changed.
    pub(crate) name: &'a Name,
    pub(crate) template: &'a Arc<Loaded>,
    pub(crate) block: &'a BlockCode,
}

impl<'a> Blocks<'a> {
    pub(crate) fn find(&self, name: &Name) -> Option<BlockEntry<'a>> {
        self.entries.iter().find(|e| e.name.hash == name.hash && e.name.text == name.text).copied()
    }

    /// These blocks, and those of a template that are not among them.
    pub(crate) fn with<'b>(&self, template: &'b Arc<Loaded>) -> Blocks<'b>
    where
        'a: 'b,
    {
        if template.has_no_blocks() {
            return Blocks { entries: self.entries.clone() };
        }
        let mut all = Blocks { entries: self.entries.clone() };
        template.each_block(|entry| {
            if all.find(entry.name).is_none() {
                all.entries.push(entry);
            }
        });
        all
    }
}

/// A running unit.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) unit: &'a Unit,
    pub(crate) template: &'a Arc<Loaded>,
    /// The template's source, whose ranges texts are.
    pub(crate) source: &'a [u8],
    pub(crate) blocks: &'a Blocks<'a>,
    pub(crate) slots: Vec<Slot<'a>>,
    pub(crate) scope: Scope<'a>,
    pub(crate) loops: SmallVec<[LoopState; 2]>,
    /// Where in the source the expression stands that is being printed.
    pub(crate) printing: u32,
    /// When each slot was set that had nothing before, counted from 1: what the scope does not define stands in this
    /// order.
    stamps: SmallVec<[u32; 16]>,
    /// The last of the stamps.
    stamp: u32,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(
        unit: &'a Unit,
        template: &'a Arc<Loaded>,
        blocks: &'a Blocks<'a>,
        scope: Scope<'a>,
    ) -> Self {
        let mut slots = Vec::with_capacity(unit.names.len());
        if let Scope::Root { layers: [only] } = scope
            && only.is_empty()
        {
            slots.resize_with(unit.names.len(), || Slot::Undefined);
        } else {
            slots.extend(unit.names.iter().zip(0..).map(|(name, slot)| {
                if unit.is_late(slot) {
                    Slot::Outer
                } else {
                    scope.get(name).map_or(Slot::Undefined, Slot::from_v)
                }
            }));
        }
        let source = template.code.source.as_bytes();
        Self {
            unit,
            template,
            source,
            blocks,
            slots,
            scope,
            loops: SmallVec::new(),
            printing: 0,
            stamps: SmallVec::from_elem(0, unit.names.len()),
            stamp: 0,
        }
    }

    /// A text of the template.
    pub(crate) fn text(&self, range: &Range<u32>) -> &'a [u8] {
        self.source.get(num::at(range.start)..num::at(range.end)).unwrap_or(&[])
    }

    /// The value of a variable or of keys of one, where it lies. `None` says nothing: what is missing or has to
    /// be made is for the evaluator.
    pub(crate) fn path<'f>(&'f self, ex: &Ex) -> Option<&'f Value> {
        match ex {
            Ex::Var(slot, _) => match self.slots.get(num::at(*slot))? {
                Slot::Ref(value) => Some(value),
                Slot::Own(value) => Some(value),
                _ => None,
            },
            Ex::Attr(attr) if attr.call != CallType::Method => match self.path(&attr.object)? {
                Value::Array(array) => attr.key.of(array),
                _ => None,
            },
            _ => None,
        }
    }

    /// As [`Frame::path`], for questions that a missing value answers too.
    pub(crate) fn look(&self, ex: &Ex) -> Look<'_, 'a> {
        match ex {
            Ex::Var(slot, _) => match self.slot(*slot) {
                Slot::Ref(value) => Look::Found(value),
                Slot::Own(value) => Look::Own(value),
                Slot::Undefined => Look::Missing,
                _ => Look::Unknown,
            },
            Ex::Attr(attr) if attr.call != CallType::Method && attr.args.is_empty() => {
                if matches!(attr.key, AttrKey::Dynamic(_)) {
                    return Look::Unknown;
                }
                match self.look(&attr.object) {
                    Look::Found(Value::Array(array)) => match attr.key.of(array) {
                        Some(value) => Look::Found(value),
                        None => Look::Missing,
                    },
                    Look::Own(Value::Array(array)) => match attr.key.of(array) {
                        Some(value) => Look::Own(value),
                        None => Look::Missing,
                    },
                    // A null-safe step asks for its variable in any case.
                    Look::Found(Value::Null) | Look::Own(Value::Null) | Look::Missing if !attr.null_safe => {
                        Look::Missing
                    }
                    _ => Look::Unknown,
                }
            }
            _ => Look::Unknown,
        }
    }

    pub(crate) fn slot(&self, slot: u32) -> &Slot<'a> {
        self.slots.get(num::at(slot)).unwrap_or(&Slot::Undefined)
    }

    /// The value of a variable that the frame owns, to be changed in place.
    pub(crate) fn own(&mut self, slot: u32) -> Option<&mut Value> {
        match self.slots.get_mut(num::at(slot))? {
            Slot::Own(value) => Some(value),
            _ => None,
        }
    }

    /// The value of a variable, borrowed.
    pub(crate) fn peek(&self, slot: u32) -> Option<V<'_>> {
        match self.slot(slot) {
            Slot::Undefined => None,
            Slot::Ref(v) => Some(V::Ref(v)),
            Slot::Own(v) => Some(V::Ref(v)),
            Slot::Loop(at) => Some(V::Own(self.loop_value(*at))),
            Slot::Outer => self.outer(slot),
        }
    }

    /// The value of a variable, independent of the frame.
    pub(crate) fn read(&self, slot: u32) -> Option<V<'a>> {
        match self.slot(slot) {
            Slot::Undefined => None,
            Slot::Ref(v) => Some(V::Ref(v)),
            Slot::Own(v) => Some(V::Own(v.clone())),
            Slot::Loop(at) => Some(V::Own(self.loop_value(*at))),
            Slot::Outer => self.outer(slot),
        }
    }

    /// What the scope has under the name of a slot.
    fn outer(&self, slot: u32) -> Option<V<'a>> {
        self.unit.names.get(num::at(slot)).and_then(|name| self.scope.get(name))
    }

    pub(crate) fn set(&mut self, slot: u32, value: Slot<'a>) {
        let at = num::at(slot);
        if let (Some(place), Some(stamp)) = (self.slots.get_mut(at), self.stamps.get_mut(at)) {
            if matches!(place, Slot::Undefined | Slot::Outer) && *stamp == 0 {
                self.stamp += 1;
                *stamp = self.stamp;
            }
            *place = value;
        }
    }

    /// Takes a variable's content out, leaving it undefined.
    pub(crate) fn take(&mut self, slot: u32) -> Slot<'a> {
        match self.slots.get_mut(num::at(slot)) {
            Some(place) => std::mem::replace(place, Slot::Undefined),
            None => Slot::Undefined,
        }
    }

    /// Puts back what a loop shadowed.
    pub(crate) fn restore(&mut self, slot: u32, value: Slot<'a>) {
        let at = num::at(slot);
        if let (Some(place), Some(stamp)) = (self.slots.get_mut(at), self.stamps.get_mut(at)) {
            if matches!(value, Slot::Undefined | Slot::Outer) {
                *stamp = 0;
            }
            *place = value;
        }
    }

    pub(crate) fn is_undefined(&self, slot: u32) -> bool {
        match self.slot(slot) {
            Slot::Undefined => true,
            Slot::Outer => self.outer(slot).is_none(),
            _ => false,
        }
    }

    fn lookup(&'a self, name: &Name) -> Option<V<'a>> {
        match self.unit.slot(name) {
            Some(slot) => self.peek(slot),
            None => self.scope.get(name),
        }
    }

    pub(crate) fn to_array(&self) -> Array {
        let mut all = self.scope.to_array();
        let insert = |slot: u32, all: &mut Array| {
            if let (Some(name), Some(value)) = (self.unit.names.get(num::at(slot)), self.peek(slot)) {
                all.insert(Key::from_string(&name.text), value.into_owned());
            }
        };
        let mut defined: Vec<(u32, u32)> = self
            .stamps
            .iter()
            .zip(0..)
            .filter(|(_, slot)| !matches!(self.slot(*slot), Slot::Undefined | Slot::Outer))
            .map(|(stamp, slot)| (*stamp, slot))
            .collect();
        defined.sort_unstable();
        for (_, slot) in defined {
            insert(slot, &mut all);
        }
        all
    }

    /// `loop` as a value of its own.
    pub(crate) fn loop_value(&self, at: usize) -> Value {
        let Some(state) = self.loops.get(at) else { return Value::Null };
        let mut fields = Array::new();
        fields.insert("parent", state.parent.clone().unwrap_or_else(|| Value::from(Array::new())));
        fields.insert("index0", Value::Int(state.index0));
        fields.insert("index", Value::Int(state.index0 + 1));
        fields.insert("first", Value::Bool(state.index0 == 0));
        if let Some(length) = state.length {
            fields.insert("revindex0", Value::Int(length - state.index0 - 1));
            fields.insert("revindex", Value::Int(length - state.index0));
            fields.insert("length", Value::Int(length));
            fields.insert("last", Value::Bool(state.index0 + 1 == length));
        }
        fields.into()
    }
}

impl Lookup for Frame<'_> {
    fn variable(&self, name: &str) -> Option<Value> {
        let name = Name { hash: crate::value::hash_str(name), text: EcoString::from(name) };
        match self.unit.slot(&name) {
            Some(slot) => self.peek(slot).map(V::into_owned),
            None => self.scope.get(&name).map(V::into_owned),
        }
    }
}
