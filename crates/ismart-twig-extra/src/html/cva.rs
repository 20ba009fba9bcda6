//! `html_cva`: classes of a component by its variants.

use ismart_twig::{Array, Call, CallArgs, Error, KeyRef, Object, Value};

/// The classes of a component: its own, those of variants, of combinations of variants, and defaults.
#[derive(Debug)]
struct Cva {
    base: Vec<Value>,
    variants: Value,
    compounds: Value,
    defaults: Value,
}

pub(super) fn html_cva(call: &Call<'_>) -> Result<Value, Error> {
    Ok(Value::object(Cva {
        base: list(call.arg(0)),
        variants: call.arg(1).clone(),
        compounds: call.arg(2).clone(),
        defaults: call.arg(3).clone(),
    }))
}

/// The values of an array, one value alone, or nothing for `null`.
fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.values().cloned().collect(),
        other => vec![other.clone()],
    }
}

/// The name that a recipe's value has in the variants.
fn variant(value: &Value) -> String {
    match value {
        Value::Bool(on) => on.to_string(),
        other => other.to_string(),
    }
}

impl Cva {
    fn classes(&self, name: KeyRef<'_>, value: &Value) -> Vec<Value> {
        let of_name = self.variants.as_array().and_then(|v| v.get(&name.to_key()));
        of_name.and_then(|v| v.get(&variant(value))).map_or_else(Vec::new, list)
    }

    fn compound(compound: &Array, recipes: &Array) -> Vec<Value> {
        for (name, values) in compound {
            if matches!(name, KeyRef::Str(s) if s == "class") {
                continue;
            }
            let given = recipes.get(&name.to_key()).filter(|v| !v.is_null());
            let fits = |given: &Value| list(values).iter().any(|v| given.compare(v).is_eq());
            if !given.is_some_and(fits) {
                return Vec::new();
            }
        }
        compound.get_str("class").map_or_else(Vec::new, list)
    }

    fn apply(&self, recipes: &Array, more: &[Value]) -> String {
        let mut all = self.base.clone();
        for (name, value) in recipes {
            all.extend(self.classes(name, value));
        }
        for compound in list(&self.compounds) {
            if let Value::Array(compound) = &compound {
                all.extend(Self::compound(compound, recipes));
            }
        }
        if let Some(defaults) = self.defaults.as_array() {
            for (name, value) in defaults {
                if recipes.get(&name.to_key()).is_none_or(Value::is_null) {
                    all.extend(self.classes(name, value));
                }
            }
        }
        all.extend_from_slice(more);
        let mut unique: Vec<&str> = Vec::new();
        for class in all.iter().filter_map(Value::as_str).flat_map(str::split_whitespace) {
            if !unique.contains(&class) {
                unique.push(class);
            }
        }
        unique.join(" ")
    }
}

impl Object for Cva {
    fn class_name(&self) -> &str {
        "Twig\\Extra\\Html\\Cva"
    }

    fn methods(&self) -> &[&str] {
        &["apply"]
    }

    fn call(&self, _: &str, args: &CallArgs) -> Result<Value, Error> {
        let recipes = args.get(0, "recipes");
        let Some(recipes) = recipes.as_array() else {
            return Err(Error::host(format!(
                "Twig\\Extra\\Html\\Cva::apply(): Argument #1 ($recipes) must be of type array, {} given",
                recipes.type_name()
            )));
        };
        Ok(Value::from(self.apply(recipes, args.positional.get(1..).unwrap_or(&[]))))
    }
}
