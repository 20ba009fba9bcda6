//! PHP's arithmetic.

use super::{Number, Value, numeric_prefix};
use crate::error::Error;
use crate::num;

/// The arithmetic operators on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op2 {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

/// The operators on bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bits {
    And,
    Or,
    Xor,
}

fn unsupported(a: &Value, sign: &str, b: &Value) -> Error {
    Error::host(format!("Unsupported operand types: {} {sign} {}", a.type_name(), b.type_name()))
}

/// The number an operand means; `None` for what PHP refuses.
fn operand(v: &Value) -> Option<Number> {
    match v {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(v.to_number()),
        Value::Str(_) | Value::Bytes(_) => v.str_bytes().and_then(numeric_prefix).map(|(n, _)| n),
        _ => None,
    }
}

/// The integer of an operand of `%` or of bits: text out of range saturates, a float wraps.
fn integer(v: &Value, number: Number) -> i64 {
    if v.is_string() { number.int_of_text() } else { number.int() }
}

/// PHP's power of integers that overflow: by squaring, and as floats from where an integer no longer holds.
fn overflowing_pow(base: i64, exponent: i64) -> f64 {
    let (mut result, mut square, mut left) = (1_i64, base, exponent);
    while left > 0 {
        if left % 2 == 1 {
            left -= 1;
            let Some(product) = result.checked_mul(square) else {
                return num::float(result) * num::float(square) * num::float(square).powf(num::float(left));
            };
            result = product;
        } else {
            left /= 2;
            let Some(product) = square.checked_mul(square) else {
                let wide = num::float(square) * num::float(square);
                return num::float(result) * wide.powf(num::float(left));
            };
            square = product;
        }
    }
    num::float(result)
}

impl Op2 {
    fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div | Self::FloorDiv => "/",
            Self::Mod => "%",
            Self::Pow => "**",
        }
    }

    /// Applies the operator.
    pub(crate) fn apply(self, a: &Value, b: &Value) -> Result<Value, Error> {
        if let (Value::Int(x), Value::Int(y)) = (a, b) {
            return self.ints(*x, *y);
        }
        if self == Self::Add
            && let (Value::Array(x), Value::Array(y)) = (a, b)
        {
            let mut sum = (**x).clone();
            for (key, value) in y.iter() {
                if !sum.contains(&key.to_key()) {
                    sum.insert(key.to_key(), value.clone());
                }
            }
            return Ok(sum.into());
        }
        let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Err(unsupported(a, self.sign(), b)) };
        match (x, y) {
            (Number::Int(x), Number::Int(y)) => self.ints(x, y),
            _ if self == Self::Mod => self.ints(integer(a, x), integer(b, y)),
            _ => self.floats(x.float(), y.float()),
        }
    }

    fn ints(self, x: i64, y: i64) -> Result<Value, Error> {
        let exact = match self {
            Self::Add => x.checked_add(y),
            Self::Sub => x.checked_sub(y),
            Self::Mul => x.checked_mul(y),
            Self::Div | Self::FloorDiv => {
                if y == 0 {
                    return Err(Error::host("Division by zero"));
                }
                if self == Self::Div {
                    x.checked_rem(y).filter(|r| *r == 0).and_then(|_| x.checked_div(y))
                } else {
                    // PHP divides as floats and floors the quotient.
                    return Ok(Value::Int(match x.checked_rem(y) {
                        // Even an exact quotient passes through a float.
                        Some(0) => num::int(num::float(x.checked_div(y).unwrap_or(i64::MIN))),
                        _ => num::int((num::float(x) / num::float(y)).floor()),
                    }));
                }
            }
            Self::Mod => {
                if y == 0 {
                    return Err(Error::host("Modulo by zero"));
                }
                Some(x.checked_rem(y).unwrap_or(0))
            }
            Self::Pow if y >= 0 => num::int_pow(x, y),
            Self::Pow => None,
        };
        match exact {
            Some(n) => Ok(Value::Int(n)),
            None if self == Self::Pow && y >= 0 => Ok(Value::Float(overflowing_pow(x, y))),
            None => self.floats(num::float(x), num::float(y)),
        }
    }

    fn floats(self, x: f64, y: f64) -> Result<Value, Error> {
        Ok(match self {
            Self::Add => Value::Float(x + y),
            Self::Sub => Value::Float(x - y),
            Self::Mul => Value::Float(x * y),
            Self::Div | Self::FloorDiv => {
                if y == 0.0 {
                    return Err(Error::host("Division by zero"));
                }
                if self == Self::Div { Value::Float(x / y) } else { Value::Int(num::int((x / y).floor())) }
            }
            Self::Mod => return self.ints(num::int(x), num::int(y)),
            Self::Pow => Value::Float(x.powf(y)),
        })
    }
}

impl Bits {
    fn sign(self) -> &'static str {
        match self {
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
        }
    }

    /// Applies the operator: on two strings byte by byte, else on integers.
    pub(crate) fn apply(self, a: &Value, b: &Value) -> Result<Value, Error> {
        if let (Some(x), Some(y)) = (a.str_bytes(), b.str_bytes()) {
            let pairs = x.iter().zip(y);
            let mut bytes: Vec<u8> = match self {
                Self::And => pairs.map(|(a, b)| a & b).collect(),
                Self::Or => pairs.map(|(a, b)| a | b).collect(),
                Self::Xor => pairs.map(|(a, b)| a ^ b).collect(),
            };
            if self == Self::Or {
                let longer = if x.len() > y.len() { x } else { y };
                bytes.extend(longer.iter().skip(bytes.len()));
            }
            return Ok(Value::bytes(bytes));
        }
        let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Err(unsupported(a, self.sign(), b)) };
        let (x, y) = (integer(a, x), integer(b, y));
        Ok(Value::Int(match self {
            Self::And => x & y,
            Self::Or => x | y,
            Self::Xor => x ^ y,
        }))
    }
}

impl Value {
    /// Unary minus.
    pub(crate) fn negate(&self) -> Result<Value, Error> {
        match self {
            // A float keeps its negative zero.
            Self::Float(f) => Ok(Self::Float(-f)),
            _ => Op2::Mul.apply(self, &Self::Int(-1)),
        }
    }

    /// Unary plus.
    pub(crate) fn plus(&self) -> Result<Value, Error> {
        Op2::Mul.apply(self, &Self::Int(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_overflow_into_floats() {
        assert_eq!(
            Op2::Add.apply(&Value::Int(i64::MAX), &Value::Int(1)).unwrap(),
            Value::Float(9_223_372_036_854_775_808.0)
        );
        assert_eq!(Op2::Div.apply(&Value::Int(6), &Value::Int(3)).unwrap(), Value::Int(2));
        assert_eq!(Op2::Div.apply(&Value::Int(7), &Value::Int(2)).unwrap(), Value::Float(3.5));
        assert_eq!(Op2::Pow.apply(&Value::Int(2), &Value::Int(-1)).unwrap(), Value::Float(0.5));
        assert_eq!(Op2::Mod.apply(&Value::Int(i64::MIN), &Value::Int(-1)).unwrap(), Value::Int(0));
        assert_eq!(Op2::FloorDiv.apply(&Value::Int(-7), &Value::Int(2)).unwrap(), Value::Int(-4));
    }

    #[test]
    fn refused_operands_are_named() {
        let e = Op2::Add.apply(&"a".into(), &Value::Int(1)).unwrap_err();
        assert_eq!(e.raw_message(), "Unsupported operand types: string + int");
        assert!(Op2::Div.apply(&Value::Int(1), &Value::Int(0)).is_err());
    }
}
